"""The doorbell: rings after the commit, carries ids only, and never holds anybody up."""

import json
import logging
import zlib

import pytest
from django.db import transaction
from redis import Redis

from hub import queue


def waiting() -> list[tuple[str | None, dict[str, int]]]:
    """(job, ids) of everything on the queue, oldest first."""
    return [(job.func_name, job.kwargs) for job in queue.queue().jobs]


@pytest.mark.django_db(transaction=True)
class TestRing:
    def test_asks_for_a_lane_to_be_drained(self, redis_url: str) -> None:
        queue.ring(7)

        assert waiting() == [("hub.jobs.drain", {"lane_id": 7})]

    def test_waits_for_the_commit(self, redis_url: str) -> None:
        with transaction.atomic():
            queue.ring(7)
            assert waiting() == []

        assert len(waiting()) == 1

    def test_of_a_transaction_that_is_taken_back_is_not_heard(self, redis_url: str) -> None:
        with transaction.atomic():
            queue.ring(7)
            transaction.set_rollback(True)

        assert waiting() == []

    def test_is_only_logged_when_redis_is_away(self, redis_away: None, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            queue.ring(7)

        assert caplog.messages == ["The doorbell is away (ConnectionError); the sweeper will ring again."]


@pytest.mark.django_db(transaction=True)
class TestAskCheck:
    def test_asks_for_a_connection_to_be_tested(self, redis_url: str) -> None:
        queue.ask_check(3)

        assert waiting() == [("hub.jobs.check_connection", {"check_id": 3})]


class TestRingDeliveries:
    def test_is_one_ring_until_a_worker_begins(self, redis_url: str) -> None:
        for _ in range(5):
            assert queue.ring_deliveries()
        assert waiting() == [("hub.jobs.take_deliveries", {})]

        queue.hear_deliveries()
        queue.ring_deliveries()

        assert len(waiting()) == 2

    def test_ends_by_itself_when_the_worker_died(self, redis_url: str) -> None:
        queue.ring_deliveries()

        assert 0 < queue.connection().ttl(queue.TAKING) <= queue.TAKING_SECONDS

    def test_says_when_redis_is_away(self, redis_away: None) -> None:
        assert queue.ring_deliveries() is False
        queue.hear_deliveries()


@pytest.mark.django_db(transaction=True)
class TestAJob:
    def test_is_never_tried_again_by_the_queue(self, redis_url: str) -> None:
        """One retry layer (rule 8 of the design): what failed is due in the database, not in Redis."""
        queue.ring(7)

        (job,) = queue.queue().jobs
        assert (job.retries_left, job.retry_intervals) == (None, None)

    def test_is_kept_as_json_so_that_nothing_in_redis_can_be_run(self, redis_url: str) -> None:
        queue.ring(7)

        (job,) = queue.queue().jobs
        with Redis.from_url(redis_url) as client:
            kept = client.hget(job.key, "data")
        assert json.loads(zlib.decompress(kept or b"")) == ["hub.jobs.drain", None, [], {"lane_id": 7}]
