"""Tombstones: kept as long as late news could bring a record back, then removed, unless something is still about it."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from hub.clock import now
from hub.engine.intent import State
from hub.models import Change, Hint, Lane, Link, LinkImage, Mapping, Recovery
from hub.services import link
from hub.services.run.lane import lane_of
from tests.factories import (
    ChangeFactory,
    HintFactory,
    LinkFactory,
    LinkImageFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
)
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]

OLD = now() - timedelta(days=401)
YOUNG = now() - timedelta(days=399)


@pytest.fixture
def mapping(db: None, monkeypatch: pytest.MonkeyPatch) -> Mapping:
    monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
    return MappingFactory(active=True)


def tombstone(mapping: Mapping, **more: Any) -> Link:
    """The link of a record that went away long ago, with its image."""
    made: Link = LinkFactory(mapping=mapping, **{"state": "gone", "updated_at": OLD, **more})
    LinkImageFactory(link=made)
    return made


def left() -> int:
    return Link.objects.count()


class TestTombstones:
    @pytest.mark.parametrize("state", ["gone", "deleted"])
    def test_are_removed_with_their_images_when_they_are_old(self, mapping: Mapping, state: str) -> None:
        tombstone(mapping, state=state)

        assert link.forget_old(now()) == 1
        assert (left(), LinkImage.objects.count()) == (0, 0)

    @pytest.mark.parametrize(
        "given",
        [
            {"updated_at": YOUNG},
            {"state": "linked"},
            {"state": "pending"},
            {"refused_digest": "d"},
        ],
    )
    def test_are_nothing_else(self, mapping: Mapping, given: dict[str, Any]) -> None:
        tombstone(mapping, **given)

        assert link.forget_old(now()) == 0
        assert left() == 1

    def test_are_kept_for_as_many_days_as_is_set(self, mapping: Mapping, settings: Settings) -> None:
        settings.HUB_TOMBSTONE_DAYS = 500
        tombstone(mapping)

        assert link.forget_old(now()) == 0

    def test_of_a_two_way_mapping_are_kept_while_one_side_has_the_record(self, mapping: Mapping) -> None:
        """What the destination has archived would look new there, and be made at the source."""
        Mapping.objects.update(direction="two_way")
        archived = tombstone(mapping)
        tombstone(mapping, state="deleted")

        link.forget_old(now())

        assert list(Link.objects.all()) == [archived]

    @pytest.mark.parametrize("state", [State.READY, State.SENDING, State.PARKED, State.HELD])
    def test_with_an_open_change_are_kept(self, mapping: Mapping, state: State) -> None:
        one = tombstone(mapping)
        ChangeFactory(run=SyncRunFactory(mapping=mapping), source_key=one.source_key, link=one, state=state)

        assert link.forget_old(now()) == 0

    def test_with_an_open_exception_are_kept(self, mapping: Mapping) -> None:
        ReconciliationExceptionFactory(mapping=mapping, source_key=tombstone(mapping).source_key)

        assert link.forget_old(now()) == 0

    def test_with_a_hint_of_either_side_are_kept(self, mapping: Mapping) -> None:
        HintFactory(mapping=mapping, source_key=tombstone(mapping).source_key)
        HintFactory(mapping=mapping, source_key=f"←{tombstone(mapping).destination_key}")

        assert link.forget_old(now()) == 0
        assert Hint.objects.count() == 2

    def test_leave_their_changes_without_a_link(self, mapping: Mapping) -> None:
        one = tombstone(mapping)
        change = ChangeFactory(run=SyncRunFactory(mapping=mapping), source_key=one.source_key, link=one)

        link.forget_old(now())

        assert Change.objects.get(pk=change.pk).link is None

    def test_are_removed_some_at_a_time_whatever_their_number(
        self, mapping: Mapping, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        monkeypatch.setattr(link, "AT_ONCE", 10)
        for _ in range(25):
            tombstone(mapping)

        with django_assert_max_num_queries(50):
            assert link.forget_old(now()) == 25

    def test_are_left_alone_while_a_worker_reads_the_mapping(self, mapping: Mapping) -> None:
        """It may have looked at one a moment ago, and write under it a moment later."""
        tombstone(mapping)
        lane_of(mapping).claim("worker")

        assert link.forget_old(now()) == 0
        assert Lane.objects.get(mapping=mapping).owner == "worker"

    def test_are_left_alone_in_recovery_mode(self, mapping: Mapping) -> None:
        tombstone(mapping)
        Recovery.objects.create(started_at=now(), why="restored")

        assert link.forget_old(now()) == 0

    def test_give_the_lane_back(self, mapping: Mapping) -> None:
        tombstone(mapping)

        link.forget_old(now())

        assert lane_of(mapping).claim("worker")


class TestRecordThatComesBack:
    def test_after_its_tombstone_is_new(self, pair: Pair) -> None:
        pair.source.put("a", name="Ada")
        pair.run()
        pair.source.drop("a")
        pair.run()
        Link.objects.update(updated_at=OLD)
        link.forget_old(now())
        pair.source.put("a", name="Ada again")

        run = pair.run()

        assert (run.created, pair.there()["a"]["name"], pair.links()) == (1, "Ada again", {"a": "linked"})

    def test_is_remembered_from_when_it_was_given_up(self, pair: Pair) -> None:
        pair.mapping.delete_policy = "ignore"
        pair.mapping.save()
        pair.source.put("a", name="Ada")
        pair.run()
        Link.objects.update(updated_at=OLD)
        pair.source.drop("a")
        pair.run()

        assert (pair.links(), link.forget_old(now())) == ({"a": "gone"}, 0)
