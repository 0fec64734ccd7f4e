"""Deletions by absence: from complete reads only, and confirmed by a second look."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from hub import clock, failpoint
from hub.models import Link
from hub.sdk import CursorKind, Record, RecordError
from tests.hub.services.run.conftest import Pair


def filled(pair: Pair, *keys: str) -> None:
    for key in keys:
        pair.source.put(key, name=key, city="Kiel")


@pytest.fixture
def blind(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The source can only be read whole, never by key."""
    pair.source.cursor = CursorKind.NONE
    [stream] = pair.source.streams()
    narrow = replace(stream, capabilities=replace(stream.capabilities, fetch_by_key=False))
    monkeypatch.setattr(pair.source, "streams", lambda: [narrow])
    return pair


def keys_there(pair: Pair) -> set[str]:
    return set(pair.there())


class TestWithoutReadingByKey:
    def test_one_absence_deletes_nothing(self, blind: Pair) -> None:
        filled(blind, "a", "b", "c")
        blind.run(full=True)
        blind.source.rows.pop("b")

        run = blind.run(full=True)

        assert (run.deleted, keys_there(blind)) == (0, {"a", "b", "c"})
        assert Link.objects.get(source_key="b").absent_since is not None

    def test_the_second_absence_deletes(self, blind: Pair) -> None:
        """correctness 3.4: absent from a complete key sweep twice."""
        filled(blind, "a", "b", "c")
        blind.run(full=True)
        blind.source.rows.pop("b")
        blind.run(full=True)

        run = blind.run(full=True)

        assert (run.deleted, keys_there(blind)) == (1, {"a", "c"})

    def test_a_record_seen_again_begins_anew(self, blind: Pair) -> None:
        filled(blind, "a", "b")
        blind.run(full=True)
        kept = blind.source.rows.pop("b")
        blind.run(full=True)
        blind.source.rows["b"] = kept
        blind.run(full=True)
        assert Link.objects.filter(absent_since__isnull=False).count() == 0

        blind.source.rows.pop("b")

        assert blind.run(full=True).deleted == 0

    def test_a_record_changed_in_between_begins_anew(self, blind: Pair) -> None:
        filled(blind, "a", "b")
        blind.run(full=True)
        blind.source.rows.pop("b")
        blind.run(full=True)
        Link.objects.filter(source_key="b").update(updated_at=clock.now() + timedelta(seconds=1))

        with time_machine.travel(clock.now() + timedelta(minutes=1), tick=True):
            assert blind.run(full=True).deleted == 0

    def test_a_run_taken_up_again_after_a_crash_is_one_read(self, blind: Pair) -> None:
        """I14: what it noted before it died does not count as an earlier read."""
        filled(blind, "a", "b")
        blind.run(full=True)
        blind.source.rows.pop("b")
        run = blind.ask(full=True)
        failpoint.arm("absent.committed", kill)
        with pytest.raises(KeyboardInterrupt):
            blind.work("doomed")
        failpoint.disarm()
        blind.expire()

        blind.work()

        run.refresh_from_db()
        assert (run.deleted, keys_there(blind)) == (0, {"a", "b"})

    def test_only_changes_are_written(self, blind: Pair) -> None:
        filled(blind, "a", "b", "c")
        blind.run(full=True)
        blind.source.rows.pop("b")
        before = dict(Link.objects.values_list("source_key", "updated_at"))
        blind.run(full=True)

        assert dict(Link.objects.values_list("source_key", "updated_at")) == before

    def test_an_incomplete_read_proves_nothing(self, blind: Pair) -> None:
        """I14."""
        filled(blind, "a", "b", "c", "d", "e")
        blind.run(full=True)
        blind.source.rows.pop("b")
        read = blind.source.read

        def failing(*args: Any) -> Any:
            page = read(*args)
            if page.done:
                raise RecordError("The last page cannot be read.")
            return page

        blind.source.read = failing  # type: ignore[method-assign,assignment]
        blind.run(full=True)
        blind.run(full=True)

        assert keys_there(blind) == {"a", "b", "c", "d", "e"}
        assert Link.objects.filter(absent_since__isnull=False).count() == 0


class TestWithReadingByKey:
    def test_a_point_read_confirms_at_once(self, pair: Pair) -> None:
        pair.source.cursor = CursorKind.NONE
        filled(pair, "a", "b")
        pair.run(full=True)
        pair.source.rows.pop("b")

        assert pair.run(full=True).deleted == 1

    def test_a_page_shifted_by_an_edit_deletes_nothing(self, pair: Pair) -> None:
        """correctness 2.3: offset pages shift under edits."""
        pair.source.cursor = CursorKind.NONE
        filled(pair, "a", "b", "c", "d")
        pair.run(full=True)
        read = pair.source.read
        pair.source.read = lambda *args: without(read(*args), "d")  # type: ignore[method-assign]

        assert (pair.run(full=True).deleted, keys_there(pair)) == (0, {"a", "b", "c", "d"})

    def test_one_record_that_cannot_be_read_does_not_keep_the_others(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """R-10."""
        pair.source.cursor = CursorKind.NONE
        filled(pair, "a", "b", "c")
        pair.run(full=True)
        pair.source.rows.pop("a")
        pair.source.rows.pop("b")
        monkeypatch.setattr(pair.source, "fetch", broken_at("b", pair.source.fetch))

        run = pair.run(full=True)

        assert (run.deleted, keys_there(pair)) == (1, {"b", "c"})


def kill() -> None:
    raise KeyboardInterrupt


def without(page: Any, key: str) -> Any:
    return replace(page, records=[record for record in page.records if record.key != key])


def broken_at(bad: str, fetch: Callable[..., Any]) -> Callable[..., Any]:
    def fetched(stream: str, keys: list[str]) -> list[Record]:
        if bad in keys:
            raise RecordError("It is broken.")
        return list(fetch(stream, keys))

    return fetched
