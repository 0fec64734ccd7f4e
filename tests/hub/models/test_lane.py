"""A lane is held by one worker at a time, by the database's clock, and a stale epoch changes nothing."""

import threading

import pytest
from django.db import connection

from hub.models import Lane, LeaseLostError
from tests.factories import LaneFactory

EXPIRED = "2000-01-01T00:00:00Z"


@pytest.mark.django_db
class TestClaim:
    def test_takes_a_free_lane_and_raises_the_epoch(self) -> None:
        lane = LaneFactory(epoch=4, lease_until=None, owner="")

        assert lane.claim("one")
        assert (lane.owner, lane.epoch) == ("one", 68)

    def test_names_the_lane_in_the_epoch(self) -> None:
        lane = LaneFactory(slice=3, epoch=3)

        lane.claim("one")
        lane.release()
        lane.claim("two")

        assert lane.epoch % 64 == 3

    def test_leaves_a_held_lane_alone(self) -> None:
        lane = LaneFactory(lease_until=None)
        lane.claim("one")

        assert not Lane.objects.get(pk=lane.pk).claim("two")

    def test_takes_over_a_lane_whose_lease_ran_out(self) -> None:
        lane = LaneFactory(lease_until=EXPIRED, owner="dead")

        assert lane.claim("two")


@pytest.mark.django_db
class TestHold:
    def test_refuses_a_stale_epoch(self) -> None:
        lane = LaneFactory(lease_until=None)
        lane.claim("one")
        Lane.objects.update(lease_until=EXPIRED)
        Lane.objects.get(pk=lane.pk).claim("two")

        with pytest.raises(LeaseLostError):
            lane.hold()

    def test_a_released_lane_is_free_again(self) -> None:
        lane = LaneFactory(lease_until=None)
        lane.claim("one")

        lane.release()

        assert Lane.objects.get(pk=lane.pk).claim("two")

    def test_a_stale_release_takes_nothing_from_the_new_holder(self) -> None:
        lane = LaneFactory(lease_until=None)
        lane.claim("one")
        Lane.objects.update(lease_until=EXPIRED)
        second = Lane.objects.get(pk=lane.pk)
        second.claim("two")

        lane.release()

        second.hold()


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_of_many_that_claim_at_once_exactly_one_wins(self) -> None:
        lane = LaneFactory(lease_until=None)
        won: list[str] = []

        def claim(name: str) -> None:
            if Lane.objects.get(pk=lane.pk).claim(name):
                won.append(name)
            connection.close()

        workers = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert len(won) == 1
