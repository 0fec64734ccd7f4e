"""TRANSITION: steps that are told again, and a new version of the mapping, drive nobody through the past."""

from typing import Any

import pytest

from hub.engine.intent import State
from hub.models import Change, RunState
from hub.services import change as stuck_changes
from hub.services import mapping as mappings
from tests.factories import ChangeFactory, SyncRunFactory, UserFactory
from tests.hub.services.run.conftest import BODY, Pair
from tests.hub.services.run.test_transition import Feed, feed, walk, written

__all__ = ["feed"]

SHOUTED: dict[str, Any] = {"fields": {**BODY["fields"], "city": {"steps": [{"path": "city"}, {"case": "upper"}]}}}


def shout(pair: Pair) -> None:
    """Activate a version that writes towns in capitals."""
    mappings.activate(version=mappings.add_version(mapping=pair.mapping, body=SHOUTED, by=None), by=None)


class TestNewVersion:
    @pytest.mark.parametrize("rises", [False, True])
    def test_holds_for_the_steps_that_come_and_drives_nobody_through_those_taken(
        self, pair: Pair, feed: Feed, *, rises: bool
    ) -> None:
        feed.versions_rise = rises
        walk(feed, "a", "Kiel", "Ulm")
        walk(feed, "b", "Kiel")
        pair.run()

        shout(pair)
        walk(feed, "a", "Bonn")
        run = pair.run()

        assert (written(pair, "a"), written(pair, "b")) == (["Kiel", "Ulm", "BONN"], ["Kiel"])
        assert (run.is_full, run.received) == (False, 1)

    def test_that_is_activated_during_a_run_lets_the_next_one_read_on(self, pair: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "Ulm")
        pair.ask()
        shout(pair)
        pair.work()

        walk(feed, "a", "Bonn")
        run = pair.run()

        assert (written(pair, "a"), run.is_full) == (["Kiel", "Ulm", "BONN"], False)


class TestToldAgain:
    """A run of everything, at a source that tells each step again from the first."""

    @pytest.mark.parametrize("page_size", [1, 50])
    def test_leaves_out_the_steps_of_the_past_where_versions_rise(self, pair: Pair, feed: Feed, page_size: int) -> None:
        pair.mapping.page_size = page_size
        pair.mapping.save()
        feed.versions_rise = True
        walk(feed, "a", "Kiel", "Ulm", "Bonn")
        pair.run()
        walk(feed, "a", "Jena")

        run = pair.run(full=True)

        assert written(pair, "a") == ["Kiel", "Ulm", "Bonn", "Jena"]
        assert (run.state, run.received, run.unchanged, run.updated) == (RunState.SUCCEEDED, 4, 3, 1)

    def test_brings_the_last_step_to_the_rules_of_a_new_version(self, pair: Pair, feed: Feed) -> None:
        feed.versions_rise = True
        walk(feed, "a", "Kiel", "Ulm")
        pair.run()
        shout(pair)

        pair.run(full=True)

        assert written(pair, "a") == ["Kiel", "Ulm", "ULM"]

    def test_does_not_raise_the_dead(self, pair: Pair, feed: Feed) -> None:
        feed.versions_rise = True
        walk(feed, "a", "Kiel", "Ulm")
        feed.end("a")
        pair.run()

        run = pair.run(full=True)

        assert written(pair, "a") == ["Kiel", "Ulm", "delete"]
        assert (run.unchanged, run.excluded) == (2, 1)

    def test_adds_nothing_to_what_waits_behind_a_stuck_step(self, pair: Pair, feed: Feed) -> None:
        feed.versions_rise = True
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel", "Ulm", "Bonn")
        pair.run()

        pair.run(full=True)

        assert [state for _, state in pair.states()] == [State.REJECTED, State.HELD, State.HELD]

    def test_goes_on_after_a_skipped_step_as_before(self, pair: Pair, feed: Feed) -> None:
        feed.versions_rise = True
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel", "Ulm", "Bonn")
        pair.run()
        pair.destination.refuse = set()
        stuck_changes.skip(change=Change.objects.earliest("id"), by=UserFactory(), reason="never happened")
        pair.work()

        pair.run(full=True)

        assert written(pair, "a") == ["Ulm", "Bonn"]

    def test_takes_the_steps_that_a_cancelled_run_gave_back(self, pair: Pair, feed: Feed) -> None:
        feed.versions_rise = True
        walk(feed, "a", "Kiel")
        pair.run()
        walk(feed, "a", "Ulm", "Bonn")
        cancelled = SyncRunFactory(mapping=pair.mapping, state=RunState.CANCELLED)
        for version in "12":
            ChangeFactory(run=cancelled, source_key="a", source_version=version, state=State.CANCELLED)

        pair.run(full=True)

        assert written(pair, "a") == ["Kiel", "Ulm", "Bonn"]

    def test_tells_every_step_again_where_versions_say_nothing(self, pair: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "Ulm")
        pair.run()

        pair.run(full=True)

        assert written(pair, "a") == ["Kiel", "Ulm", "Kiel", "Ulm"]

    @pytest.mark.parametrize("full", [False, True])
    def test_that_was_cut_short_is_gone_on_with_by_the_next_run(self, pair: Pair, feed: Feed, *, full: bool) -> None:
        """Else records would stay where they stood long ago, or a first read would begin anew."""
        pair.mapping.page_size = 1
        pair.mapping.save()
        walk(feed, "a", "Kiel", "Ulm", "Bonn")
        if full:
            pair.run()
        before = written(pair, "a")
        feed.breaks_at = 2
        cut = pair.run(full=full)
        feed.breaks_at = None

        pair.run()

        assert cut.state == RunState.FAILED
        assert written(pair, "a") == [*before, "Kiel", "Ulm", "Bonn"]
