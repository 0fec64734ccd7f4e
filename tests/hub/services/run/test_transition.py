"""TRANSITION: every step of a record is written, in order; a stuck record holds only its own later steps."""

from typing import Any

import pytest

from hub.engine.intent import State
from hub.models import Change, RunState, SyncRun
from hub.sdk import CursorKind, FatalError, PacedError, Page, Record
from tests.hub.services.run.conftest import Pair
from tests.simulator import ThirdParty, connector


class Feed(ThirdParty):
    """A source that tells every step in the order in which it was taken."""

    def __init__(self) -> None:
        super().__init__(cursor=CursorKind.SEQUENCE)
        self.steps: list[Record] = []
        self.breaks_at: int | None = None

    def step(self, key: str, **data: Any) -> None:
        self.put(key, **data)
        self.steps.append(Record(key, dict(self.rows[key].data), str(len(self.steps))))

    def end(self, key: str) -> None:
        self.drop(key)
        self.steps.append(Record(key, {}, str(len(self.steps)), deleted=True))

    def read(self, stream: str, cursor: dict[str, Any] | None, limit: int) -> Page:
        at = (cursor or {}).get("at", 0)
        if self.breaks_at is not None and at >= self.breaks_at:
            raise FatalError("The feed is away.")
        chunk = self.steps[at : at + limit]
        return Page(chunk, {"at": at + len(chunk)}, done=at + limit >= len(self.steps))


@pytest.fixture
def feed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """The pair as a mapping of steps, with a feed as its source."""
    source = Feed()
    plates = {"shop": connector("shop", source), "books": connector("books", pair.destination)}
    monkeypatch.setattr("hub.registry.get", plates.__getitem__)
    pair.source = source
    pair.mapping.semantics = "transition"
    pair.mapping.save()
    return source


def written(pair: Pair, key: str) -> list[str]:
    """The towns this record was sent to, one after the other."""
    effects = pair.destination.store.ledger.by_hub()
    return [effect.fields.get("city", effect.operation) for effect in effects if effect.reference == key]


def walk(feed: Feed, key: str, *towns: str) -> None:
    for town in towns:
        feed.step(key, name=key, city=town)


class TestSteps:
    @pytest.mark.parametrize("page_size", [1, 2, 50])
    @pytest.mark.parametrize("slices", [1, 4])
    def test_are_all_written_in_order(self, pair: Pair, feed: Feed, page_size: int, slices: int) -> None:
        pair.mapping.page_size, pair.mapping.slices = page_size, slices
        pair.mapping.save()
        for towns in (("Kiel", "Ulm"), ("Kiel",), ("Bonn",)):
            for key in "abc":
                walk(feed, key, *towns)

        run = pair.run()

        assert [written(pair, key) for key in "abc"] == [["Kiel", "Ulm", "Kiel", "Bonn"]] * 3
        assert (run.state, run.received, run.created, run.updated) == (RunState.SUCCEEDED, 12, 3, 9)

    def test_that_lead_nowhere_are_none(self, pair: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel", "Kiel", "Ulm")

        run = pair.run()

        assert (written(pair, "a"), run.unchanged) == (["Kiel", "Ulm"], 1)

    def test_include_the_end_of_a_record_and_its_return(self, pair: Pair, feed: Feed) -> None:
        pair.mapping.page_size = 50
        pair.mapping.save()
        walk(feed, "a", "Kiel", "Ulm")
        feed.end("a")
        walk(feed, "a", "Bonn")

        run = pair.run()

        assert written(pair, "a") == ["Kiel", "Ulm", "delete", "Bonn"]
        assert (run.state, run.created, run.deleted) == (RunState.SUCCEEDED, 2, 1)

    def test_wait_for_a_lost_answer_of_an_earlier_one(self, pair: Pair, feed: Feed) -> None:
        pair.destination.lose_answer = {"a"}
        walk(feed, "a", "Kiel", "Ulm", "Bonn")

        pair.run()
        Change.objects.update(due_at=None)
        pair.work()

        assert written(pair, "a") == ["Kiel", "Ulm", "Bonn"]

    def test_are_sent_once_each_when_the_worker_is_killed(self, pair: Pair, feed: Feed) -> None:
        pair.destination.kill_at = {"a": "after"}
        walk(feed, "a", "Kiel", "Ulm", "Kiel", "Bonn")
        run = pair.ask()
        pair.work_until_killed()

        pair.work()

        run.refresh_from_db()
        assert written(pair, "a") == ["Kiel", "Ulm", "Kiel", "Bonn"]
        assert (run.received, run.state) == (4, RunState.SUCCEEDED)

    def test_are_sent_once_each_when_the_hub_itself_held_the_run_in_the_middle_of_a_page(
        self, pair: Pair, feed: Feed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A hold takes the try back that the run had begun; what it has made changes for is known all the same."""

        def held(*given: object) -> None:
            raise PacedError("The connection is held.", 1.0)

        pair.mapping.page_size = 50
        pair.mapping.save()
        pair.destination.lose_answer = {"a"}
        walk(feed, "a", "Kiel", "Ulm", "Kiel", "Bonn")
        run = pair.ask()
        with monkeypatch.context() as patched:
            patched.setattr(pair.destination, "find", held)
            patched.setattr(pair.destination, "fetch", held)
            pair.work()
        SyncRun.objects.update(due_at=None)
        Change.objects.update(due_at=None)

        pair.work()

        run.refresh_from_db()
        assert written(pair, "a") == ["Kiel", "Ulm", "Kiel", "Bonn"]
        assert run.received == 4


class TestStuckRecord:
    def test_holds_its_later_steps_with_one_exception(self, pair: Pair, feed: Feed) -> None:
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel", "Ulm")
        walk(feed, "b", "Kiel")
        walk(feed, "a", "Bonn")

        run = pair.run()

        assert [state for key, state in pair.states() if key == "a"] == [State.REJECTED, State.HELD, State.HELD]
        assert pair.open_exceptions() == [("a", "refused")]
        assert (run.state, run.held, run.excepted, run.created) == (RunState.PARTIAL, 2, 1, 1)

    def test_holds_steps_of_later_runs_too(self, pair: Pair, feed: Feed) -> None:
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel")
        pair.run()
        pair.destination.refuse = set()
        walk(feed, "a", "Ulm")

        run = pair.run()

        assert (run.held, written(pair, "a")) == (1, [])

    def test_holds_nothing_of_others(self, pair: Pair, feed: Feed) -> None:
        pair.destination.refuse = {"a"}
        walk(feed, "a", "Kiel")
        walk(feed, "b", "Kiel", "Ulm")

        pair.run()

        assert written(pair, "b") == ["Kiel", "Ulm"]

    def test_may_have_been_changed_by_a_person(self, pair: Pair, feed: Feed) -> None:
        walk(feed, "a", "Kiel")
        pair.run()
        (there,) = pair.destination.rows
        pair.destination.put(there, name="corrected")
        walk(feed, "a", "Ulm", "Bonn")

        pair.run()

        assert [state for _, state in pair.states()] == [State.APPLIED, State.CONFLICT, State.HELD]
        assert pair.open_exceptions() == [("a", "conflict")]
