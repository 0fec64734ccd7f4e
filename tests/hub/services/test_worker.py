"""Workers and the queue as they are: who is alive, what each does, and what waits since when."""

from datetime import timedelta

import pytest
import time_machine
from rq import Worker
from rq.job import Job

from hub import queue
from hub.clock import now
from hub.models import ConnectionCheck, Lane, User
from hub.services import health, worker
from tests.factories import ConnectionFactory, LaneFactory, SyncRunFactory

pytestmark = pytest.mark.django_db


def _works(lane: Lane) -> Worker:
    """An RQ worker of this process that is registered, and has taken a job for the lane."""
    one = Worker([queue.queue()], connection=queue.connection(), serializer=queue.queue().serializer)
    one.register_birth()  # type: ignore[no-untyped-call]
    job = queue.queue().enqueue(queue.DRAIN, kwargs={"lane_id": lane.pk})
    queue.queue().remove(job)
    one.prepare_execution(job)
    return one


class TestLook:
    def test_tells_which_lane_a_living_worker_works(self, redis_url: str, operator: User) -> None:
        lane = LaneFactory()
        _works(lane)
        health.beat("worker")

        [found] = worker.look(operator, now()).processes

        assert (found.role, found.is_alive) == ("worker", True)
        assert found.doing is not None
        assert found.doing.lane == lane

    def test_does_not_name_a_lane_that_the_person_may_not_see(self, redis_url: str, stranger: User) -> None:
        _works(LaneFactory())
        health.beat("worker")

        [found] = worker.look(stranger, now()).processes

        assert found.doing is not None
        assert found.doing.lane is None
        assert found.doing.words == "works a lane"

    def test_tells_a_worker_that_fell_silent_without_a_word(self, redis_url: str, operator: User) -> None:
        with time_machine.travel(now() - timedelta(seconds=health.FRESH_SECONDS + 1), tick=False):
            health.beat("worker")

        [found] = worker.look(operator, now()).processes

        assert not found.is_alive

    def test_counts_what_was_rung_for_by_kind(self, redis_url: str, operator: User) -> None:
        for lane_id in (1, 2, 3):
            queue.queue().enqueue(queue.DRAIN, kwargs={"lane_id": lane_id})
        queue.queue().enqueue(queue.TAKE)

        assert worker.look(operator, now()).rung == [("works a lane", 3), ("takes deliveries", 1)]

    def test_counts_what_waits_in_the_database_and_calls_the_old_late(self, redis_url: str, operator: User) -> None:
        SyncRunFactory(state="queued", queued_at=now() - timedelta(minutes=10))
        ConnectionCheck.objects.create(connection=ConnectionFactory(), asked_at=now())

        found = {one.words: one for one in worker.look(operator, now()).waiting}

        assert (found["runs"].count, found["runs"].is_late) == (1, True)
        assert (found["connection tests"].count, found["connection tests"].is_late) == (1, False)
        assert found["deliveries"].count == 0

    def test_tells_the_kind_of_error_of_a_broken_job_and_not_its_text(self, redis_url: str, operator: User) -> None:
        line = queue.queue()
        job = line.enqueue(queue.DRAIN, kwargs={"lane_id": 1})
        one = Worker([line], connection=queue.connection(), serializer=line.serializer)
        job.ended_at = now()
        one.handle_job_failure(job, line, exc_string="Traceback\n  x\nhub.sdk.ConfigError: the password is hunter2")

        [failed] = worker.look(operator, now()).failed

        assert failed.error == "ConfigError"
        assert "hunter2" not in repr(worker.look(operator, now()))

    def test_says_that_redis_is_away_and_still_what_the_database_knows(self, redis_away: None, operator: User) -> None:
        SyncRunFactory(state="queued", queued_at=now())

        found = worker.look(operator, now())

        assert not found.is_heard
        assert "Redis does not answer" in found.trouble
        assert found.waiting[0].count == 1

    def test_passes_over_a_job_that_ended_meanwhile(self, redis_url: str, operator: User) -> None:
        one = _works(LaneFactory())
        health.beat("worker")
        Job.fetch(
            str(one.get_current_job_id()), connection=queue.connection(), serializer=queue.queue().serializer
        ).delete()

        [found] = worker.look(operator, now()).processes

        assert found.doing is None
