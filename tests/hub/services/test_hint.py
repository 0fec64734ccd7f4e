"""Hints: each points at a record that may have changed; the record is read once and soon."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils.module_loading import import_string

from hub import clock
from hub.models import Hint, Lane, RunState, SyncRun, Trigger
from hub.sdk import CursorKind, Record, RecordError, Stream
from hub.services import hint, sweep
from hub.services.hint import UNSETTLED
from tests import simulator
from tests.factories import MappingFactory
from tests.hub.services.run.conftest import Pair, pair
from tests.simulator import PROFILES, Fault

__all__ = ["pair"]  # a fixture


def point_at(pair: Pair, *keys: str) -> None:
    hint.put(pair.mapping.pk, keys, "a webhook said so", clock.now())


def runs_by_hint() -> list[SyncRun]:
    return list(SyncRun.objects.filter(is_hints_only=True).order_by("id"))


class TestPut:
    def test_keeps_one_row_a_record_with_a_count(self, db: None) -> None:
        mapping = MappingFactory()

        different = hint.put(mapping.pk, ["a"] * 500 + ["b", ""], "why", clock.now())
        hint.put(mapping.pk, ["a"], "again", clock.now())

        assert different == 2
        assert dict(Hint.objects.values_list("source_key", "count")) == {"a": 501, "b": 1}
        assert set(Hint.objects.values_list("reason", flat=True)) == {"again", "why"}

    def test_rings_the_lane_of_the_mapping(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        rung: list[int] = []
        monkeypatch.setattr("hub.queue.ring", rung.append)
        mapping = MappingFactory()

        hint.put(mapping.pk, ["a"], "why", clock.now())

        assert rung == [Lane.objects.get(mapping=mapping).pk]


class TestRunByHint:
    def test_reads_a_record_once_however_often_it_was_pointed_at(self, pair: Pair) -> None:
        """500 webhooks cost one read (correctness 2.2)."""
        pair.run()
        pair.source.put("a", name="Ada", city="Kiel")
        reads = pair.source.reads
        for _ in range(500):
            point_at(pair, "a")

        pair.work()

        [run] = runs_by_hint()
        assert (run.state, run.received, run.created, run.trigger) == (RunState.SUCCEEDED, 1, 1, Trigger.HINT)
        assert pair.there() == {"a": {"name": "Ada", "city": "Kiel"}}
        assert (pair.source.reads, Hint.objects.count()) == (reads, 0)

    def test_removes_a_record_that_is_gone(self, pair: Pair) -> None:
        """A delete event is confirmed by a point read."""
        pair.source.put("a", name="Ada", city="Kiel")
        pair.run()
        pair.source.drop("a")
        point_at(pair, "a")

        pair.work()

        assert (runs_by_hint()[0].deleted, pair.there()) == (1, {})

    def test_writes_nothing_when_the_record_is_as_it_was(self, pair: Pair) -> None:
        """I11: an echo produces no write."""
        pair.source.put("a", name="Ada", city="Kiel")
        pair.run()
        point_at(pair, "a")

        pair.work()

        assert (runs_by_hint()[0].unchanged, pair.destination.effects) == (1, [("create", "a")])

    def test_needs_no_ring(self, pair: Pair) -> None:
        """R-04: the sweeper finds hints that are due."""
        pair.run()
        point_at(pair, "a")

        assert sweep.sweep(clock.now()) == 1

    def test_is_not_made_while_paused(self, pair: Pair) -> None:
        pair.run()
        integration = pair.mapping.integration
        integration.is_paused = True
        integration.save()
        point_at(pair, "a")

        pair.work()

        assert (runs_by_hint(), Hint.objects.count()) == ([], 1)

    def test_stands_beside_another_live_run(self, pair: Pair) -> None:
        pair.run()
        pair.source.put("a", name="Ada", city="Kiel")
        waiting = pair.ask()
        SyncRun.objects.filter(pk=waiting.pk).update(due_at=clock.now() + timedelta(hours=1))
        point_at(pair, "a")

        pair.work()

        assert (runs_by_hint()[0].created, set(pair.there())) == (1, {"a"})
        waiting.refresh_from_db()
        assert waiting.state == RunState.QUEUED

    def test_leaves_a_record_that_cannot_be_read_for_later(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """R-10: one bad record never stops the others."""
        pair.run()
        for key in ("a", "b", "c"):
            pair.source.put(key, name=key, city="Kiel")
        monkeypatch.setattr(pair.source, "fetch", refusing(pair.source, "b"))
        point_at(pair, "a", "b", "c")

        pair.work()

        left = Hint.objects.get()
        assert set(pair.there()) == {"a", "c"}
        assert (left.source_key, left.due_at is not None and left.due_at > clock.now()) == ("b", True)

    def test_that_fails_is_not_tried_again_at_once(self, pair: Pair) -> None:
        pair.run()
        pair.source.put("a", name="Ada", city="Kiel")
        pair.destination.auth_fails = True
        point_at(pair, "a")

        pair.work()
        pair.work()

        assert [run.state for run in runs_by_hint()] == [RunState.FAILED]

    def test_of_a_source_that_cannot_be_read_by_key_reads_what_changed(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pair.run()
        pair.source.put("a", name="Ada", city="Kiel")
        monkeypatch.setattr(pair.source, "streams", without_fetch(pair.source))
        point_at(pair, "a")

        pair.work()

        assert (set(pair.there()), Hint.objects.count()) == ({"a"}, 0)


class TestHintDuringARun:
    @pytest.mark.timeout(60)
    def test_that_must_wait_for_a_lost_answer_is_left_to_the_next_run(self, pair: Pair) -> None:
        """Also when the host that asked for the run has a clock ahead of the worker's: hints then look old for ever."""
        pair.source.put("a", name="Ada", city="Kiel")
        pair.destination.store.profile = PROFILES["nothing"]
        pair.destination.faults.order("a", Fault.DROP_ANSWER, 0.0)
        pair.run()
        pair.source.put("a", name="Ada", city="Rome")
        point_at(pair, "a")
        run = pair.ask()
        SyncRun.objects.filter(pk=run.pk).update(queued_at=clock.now() + timedelta(minutes=5))

        pair.work()

        run.refresh_from_db()
        assert run.hints_done
        assert [one.reason for one in Hint.objects.all()] == [UNSETTLED]

    def test_is_followed_between_pages(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(9):
            pair.source.put(f"c{number}", name="x", city="Kiel")
        monkeypatch.setattr("hub.services.run.hinted.time.monotonic", iter(range(0, 1000, 2)).__next__)
        changing = once(lambda: change_and_point_at(pair, "c0"))
        monkeypatch.setattr("hub.services.run.page.sort", after_calls(changing, "hub.services.run.page.sort"))

        run = pair.run(full=True)

        assert (pair.there()["c0"]["city"], runs_by_hint(), run.state) == ("Bonn", [], RunState.SUCCEEDED)

    def test_is_newer_than_a_page_that_was_read_ahead(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """I9: after a newer write is applied no older value appears."""
        for number in range(9):
            pair.source.put(f"c{number}", name="x", city="Kiel")
        pair.run()
        pair.source.reads_ahead = True  # type: ignore[attr-defined]
        monkeypatch.setattr("hub.services.run.hinted.time.monotonic", iter(range(0, 1000, 2)).__next__)
        before = pair.source.reads

        def change_what_was_read() -> None:
            while pair.source.reads < before + 2:
                time.sleep(0.01)
            change_and_point_at(pair, "c4")  # it is on the second page, which has been read

        changing = after_calls(once(change_what_was_read), "hub.services.run.page.sort")
        monkeypatch.setattr("hub.services.run.page.sort", changing)

        pair.run(full=True)

        assert pair.there()["c4"]["city"] == "Bonn"
        assert pair.destination.effects.count(("update", "c4")) == 1

    def test_that_comes_behind_the_reading_is_kept_though_who_asked_for_the_run_has_a_clock_ahead(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(9):
            pair.source.put(f"c{number}", name="x", city="Kiel")
        monkeypatch.setattr("hub.services.run.hinted.meanwhile", lambda flow, pages: None)
        pair.source.reader.cursor = CursorKind.NONE  # read by key: an edit does not come once more at the end
        pair.source.between_pages = once(lambda: change_and_point_at(pair, "c0"))
        run = pair.ask(full=True)
        SyncRun.objects.filter(pk=run.pk).update(queued_at=clock.now() + timedelta(minutes=5))

        pair.work()

        assert pair.there()["c0"]["city"] == "Bonn"

    def test_that_comes_while_its_record_is_read_is_kept(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was pointed at after the read began is read once more."""
        pair.run()
        pair.source.put("a", name="Ada", city="Kiel")
        point_at(pair, "a")
        read = pair.source.fetch
        change = once(lambda: change_and_point_at(pair, "a"))

        def reading(stream: str, keys: list[str]) -> list[Record]:
            found = list(read(stream, keys))
            change()
            return found

        monkeypatch.setattr(pair.source, "fetch", reading)

        pair.work()

        assert (pair.there()["a"]["city"], Hint.objects.count()) == ("Bonn", 0)

    def test_stays_when_a_full_read_fails(self, pair: Pair) -> None:
        pair.run()
        pair.source.put("a", name="Ada", city="Kiel")
        hint.note(pair.mapping.pk, {"a": "its reference was not linked yet"}, clock.now())
        pair.source.read_fails = 99

        pair.run(full=True)

        assert Hint.objects.count() == 1


def change_and_point_at(pair: Pair, key: str) -> None:
    pair.source.put(key, city="Bonn")
    point_at(pair, key)


def once(act: Callable[[], None]) -> Callable[[], None]:
    """Do something the first time only."""
    waiting = [act]

    def called() -> None:
        if waiting:
            waiting.pop()()

    return called


def after_calls(act: Callable[[], None], name: str) -> Callable[..., Any]:
    """The function of this name, and `act` after each call of it."""
    real = import_string(name)

    def called(*args: Any, **more: Any) -> Any:
        found = real(*args, **more)
        act()
        return found

    return called


def refusing(party: simulator.ThirdParty, bad: str) -> Callable[[str, list[str]], Iterator[Record]]:
    real = party.fetch

    def fetch(stream: str, keys: list[str]) -> Iterator[Record]:
        for key in keys:
            if key == bad:
                raise RecordError("It is broken.")
            yield from real(stream, [key])

    return fetch


def without_fetch(party: simulator.ThirdParty) -> Callable[[], list[Stream]]:
    [stream] = party.streams()
    capabilities = replace(stream.capabilities, fetch_by_key=False, cursor=CursorKind.SEQUENCE)
    return lambda: [replace(stream, capabilities=capabilities)]
