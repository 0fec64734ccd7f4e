"""A replay reads records again at the source and decides anew: shown before, paced, stopped, with lineage."""

from datetime import timedelta
from typing import Any

import pytest

from hub.clock import now
from hub.models import AuditEvent, Change, Replay, RunState, SyncRun
from hub.services import pause, replay
from tests.hub.services.run.conftest import BODY, Pair, pair

__all__ = ["pair"]  # a fixture

LATER = timedelta(minutes=2)


@pytest.fixture
def refused(pair: Pair) -> Pair:
    """Five records of which the destination refused three, for a reason that is gone now."""
    for number in range(5):
        pair.source.put(f"c{number}", name=f"Name {number}", city="Ulm")
    pair.destination.refuse = {"c1", "c2", "c4"}
    pair.run()
    pair.destination.refuse = set()
    return pair


def drafted(pair: Pair, **given: Any) -> Replay:
    made = Replay(mapping=pair.mapping, **{"states": ["refused"], "reason": "The rule there was corrected.", **given})
    return replay.draft(replay=made, by=None)


def carry_out(pair: Pair, one: Replay) -> Replay:
    """Start it, and let scheduler and worker do their part until it has ended."""
    replay.start(replay=one, by=None)
    at = now()
    for _ in range(20):
        at += LATER
        replay.go_on(at)
        pair.work()
    one.refresh_from_db()
    return one


class TestADraft:
    def test_counts_each_record_once_by_its_newest_change(self, refused: Pair) -> None:
        refused.destination.refuse = {"c1"}
        refused.source.put("c1", name="Another")
        refused.run()

        found = drafted(refused)

        assert (found.total, found.state) == (3, "draft")
        assert [one.source_key for one in replay.chosen(found)] == ["c2", "c4", "c1"]
        assert AuditEvent.objects.get(action="replay.draft").reason == "The rule there was corrected."

    @pytest.mark.parametrize(
        ("given", "total"),
        [
            ({"states": []}, 5),
            ({"states": ["written"]}, 2),
            ({"code": "validation"}, 3),
            ({"code": "other"}, 0),
            ({"keys": ["c1", "c0"]}, 1),
            ({"since": now() + timedelta(days=1)}, 0),
            ({"until": now() + timedelta(days=1)}, 3),
        ],
    )
    def test_follows_its_filter(self, refused: Pair, given: dict[str, Any], total: int) -> None:
        assert drafted(refused, **given).total == total

    def test_shows_in_a_preview_what_would_be_written(self, refused: Pair) -> None:
        one = drafted(refused)
        before = list(refused.destination.effects)

        run = replay.preview(replay=one, by=None)
        refused.work()

        run.refresh_from_db()
        assert (run.state, run.received, run.planned) == (RunState.SUCCEEDED, 3, 3)
        assert refused.destination.effects == before

    def test_of_nothing_says_so(self, refused: Pair) -> None:
        with pytest.raises(replay.ReplayError, match="Nothing fits"):
            replay.preview(replay=drafted(refused, code="other"), by=None)


class TestAReplay:
    def test_writes_what_the_source_says_now(self, refused: Pair) -> None:
        refused.source.put("c1", name="Newer")

        done = carry_out(refused, drafted(refused))

        assert (done.state, done.taken) == ("done", 3)
        assert refused.there()["c1"]["name"] == "Newer"
        assert set(refused.there()) == {"c0", "c1", "c2", "c3", "c4"}
        assert replay.summary(done)["created"] == 3
        assert refused.open_exceptions() == []

    def test_keeps_the_lineage_of_each_change(self, refused: Pair) -> None:
        old = dict(Change.objects.filter(state="rejected").values_list("source_key", "pk"))

        carry_out(refused, drafted(refused))

        fresh = Change.objects.filter(replay_of__isnull=False)
        assert dict(fresh.values_list("source_key", "replay_of")) == old

    def test_sends_nothing_twice_that_is_right_already(self, refused: Pair) -> None:
        before = list(refused.destination.effects)

        done = carry_out(refused, drafted(refused, states=["written"]))

        assert replay.summary(done)["unchanged"] == 2
        assert refused.destination.effects == before

    def test_keeps_its_pace(self, refused: Pair) -> None:
        one = drafted(refused, per_minute=1)
        replay.start(replay=one, by=None)
        at = now() + timedelta(seconds=1)

        replay.go_on(at)
        refused.work()
        replay.go_on(at + timedelta(seconds=59))
        one.refresh_from_db()
        assert one.taken == 1
        replay.go_on(at + timedelta(seconds=61))

        one.refresh_from_db()
        assert one.taken == 2

    def test_takes_no_batch_before_the_last_has_ended(self, refused: Pair) -> None:
        one = drafted(refused, per_minute=1)
        replay.start(replay=one, by=None)

        assert [replay.go_on(now() + LATER), replay.go_on(now() + 2 * LATER)] == [1, 0]

    def test_uses_the_version_of_each_change_when_told_to(self, refused: Pair) -> None:
        first = refused.mapping.active_version
        refused.activate(refused.mapping, {"fields": {**BODY["fields"], "city": {"steps": [{"constant": "Bonn"}]}}})

        carry_out(refused, drafted(refused, uses="original"))

        assert SyncRun.objects.get(replay__isnull=False).version == first
        assert refused.there()["c1"]["city"] == "Ulm"

    def test_waits_while_everything_is_paused_and_says_why(self, refused: Pair) -> None:
        one = drafted(refused)
        pause.pause(row=pause.main_switch(), by=None, reason="network change")
        replay.start(replay=one, by=None)

        replay.go_on(now() + LATER)

        one.refresh_from_db()
        assert (one.state, one.taken) == ("running", 0)
        assert "network change" in one.note

    def test_pauses_itself_when_a_batch_fails(self, refused: Pair) -> None:
        one = drafted(refused, per_minute=1)
        replay.start(replay=one, by=None)
        replay.go_on(now() + LATER)
        SyncRun.objects.filter(replay=one).update(state="failed", reason="The connector broke.")

        replay.go_on(now() + 2 * LATER)

        one.refresh_from_db()
        assert (one.state, one.note.endswith("The connector broke.")) == ("paused", True)

    def test_can_be_paused_and_goes_on_where_it_was(self, refused: Pair) -> None:
        one = drafted(refused, per_minute=1)
        replay.start(replay=one, by=None)
        replay.go_on(now() + LATER)
        refused.work()
        replay.pause(replay=one, by=None, reason="busy hour there")
        assert replay.go_on(now() + 2 * LATER) == 0

        assert carry_out(refused, one).state == "done"

        assert set(refused.there()) == {"c0", "c1", "c2", "c3", "c4"}

    def test_can_be_cancelled_and_stays_so(self, refused: Pair) -> None:
        one = drafted(refused, per_minute=1)
        replay.start(replay=one, by=None)
        replay.go_on(now() + LATER)

        replay.cancel(replay=one, by=None, reason="not wanted")

        assert SyncRun.objects.get(replay=one).state == RunState.CANCELLED
        with pytest.raises(replay.ReplayError):
            replay.start(replay=one, by=None)

    def test_leaves_one_in_doubt_to_the_person_who_answers_for_it(self, refused: Pair) -> None:
        Change.objects.filter(source_key="c1").update(state="parked", ended_at=None)
        SyncRun.objects.update(excepted=2, in_flight=1)
        before = list(refused.destination.effects)

        done = carry_out(refused, drafted(refused, states=["doubt"]))

        assert replay.summary(done)["held"] == 1
        assert refused.destination.effects == before
