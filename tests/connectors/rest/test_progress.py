"""Where a read for changes begins."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import time_machine

from tests.connectors.rest.listener import Asked, Told
from tests.connectors.rest.reads import all_pages, keys, reading, rows

NOON = "Fri, 01 May 2026 12:00:00 GMT"


class TestChangesByTime:
    """Incremental reads by a timestamp."""

    @staticmethod
    def stream(**more: Any) -> dict[str, Any]:
        incremental = {"kind": "timestamp", "param": "since", "field": "at", "overlap": 60, **more}
        pagination = {"kind": "page", "size_param": "size", "stop": "short"}
        return {"list": {"path": "/things", "pagination": pagination, "incremental": incremental}}

    @pytest.mark.parametrize(
        ("unit", "times", "asked"),
        [
            ("iso", ["2026-05-01T10:00:00Z", "2026-05-01T09:00:00Z"], "2026-05-01T09:59:00Z"),
            ("iso", ["2026-05-01T10:00:00+02:00"], "2026-05-01T09:59:00+02:00"),
            ("iso", ["2026-05-01 10:00:00"], "2026-05-01 09:59:00"),
            ("seconds", [1_777_629_600], "1777629540"),
            ("milliseconds", [1_777_629_600_500], "1777629540500"),
        ],
    )
    def test_start_before_the_latest_one_seen(self, unit: str, times: list[Any], asked: str) -> None:
        items = [{"id": number, "at": at} for number, at in enumerate(times)]

        since = self.asked_since(lambda _: Told(200, items, {"Date": NOON}), unit=unit)

        assert since == asked

    def test_never_start_after_the_moment_the_read_began_by_the_servers_clock(self) -> None:
        """A record on a page already passed may have changed before the last page was read."""
        dates = iter(["Fri, 01 May 2026 10:00:00 GMT", "Fri, 01 May 2026 10:30:00 GMT"])
        pages = iter([rows(1, 2, at="2026-05-01T08:00:00Z"), rows(3, at="2026-05-01T10:29:00Z")])

        since = self.asked_since(lambda _: Told(200, next(pages), {"Date": next(dates)}), limit=2, calls=2)

        assert since == "2026-05-01T09:59:00Z"

    def test_do_not_advance_without_a_clock(self) -> None:
        since = self.asked_since(lambda _: Told(200, rows(1, at="2026-05-01T08:00:00Z"), {"Date": "?"}))

        assert since is None

    def test_pass_over_records_without_a_time(self) -> None:
        items = [{"id": 1, "at": None}, {"id": 2, "at": "never"}, {"id": 3, "at": "2026-05-01T10:00:00Z"}]

        since = self.asked_since(lambda _: Told(200, items, {"Date": NOON}), limit=9)

        assert since == "2026-05-01T09:59:00Z"

    def test_stay_where_they_were_when_nothing_changed(self) -> None:
        with reading(lambda _: Told(200, []), **self.stream()) as connection:
            start = {"since": "2026-05-01T10:00:00Z"}

            assert connection.read("things", start, 3).cursor == start

    def test_read_all_records_of_one_moment_again(self) -> None:
        """correctness 2.3: ties inside one tick; the mark itself is asked for, and what is known is only compared."""
        at = "2026-05-01T10:00:00Z"
        served = [rows(1, at=at), rows(1, 2, at=at)]

        with reading(lambda _: Told(200, served.pop(0), {"Date": NOON}), **self.stream(overlap=0)) as connection:
            first = connection.read("things", None, 3)
            second = connection.read("things", first.cursor, 3)

        assert first.cursor == {"since": at}
        assert keys([second]) == ["1", "2"]

    def test_take_the_highest_of_pages_that_are_not_sorted(self) -> None:
        """correctness 2.3: unsorted pages."""
        pages = iter(
            [
                rows(1, 2, at="2026-05-01T11:00:00Z"),
                rows(3, 4, at="2026-05-01T08:00:00Z"),
                rows(5, at="2026-05-01T09:00:00Z"),
            ]
        )

        since = self.asked_since(lambda _: Told(200, next(pages), {"Date": NOON}), limit=2, calls=3)

        assert since == "2026-05-01T10:59:00Z"

    @pytest.mark.parametrize("skew", [-10, 0, 10])
    def test_do_not_ask_our_own_clock(self, skew: int) -> None:
        """correctness 2.3: a server whose clock is ten minutes off is asked in its own time."""
        at = datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(minutes=skew)
        items = rows(1, at=at.isoformat())

        with time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False):
            since = self.asked_since(lambda _: Told(200, items, {"Date": format_datetime(at, usegmt=True)}))

        assert since == (at - timedelta(minutes=1)).isoformat()

    @pytest.mark.parametrize(("watermark", "place"), [("meta.covered", "body"), ("header:X-Covered", "header")])
    def test_begin_where_the_server_says_it_was_complete(self, watermark: str, place: str) -> None:
        """correctness 2.3: a long transaction upstream holds the server's own watermark back."""
        told = "2026-05-01T09:00:00Z"
        body = {"items": rows(1, at="2026-05-01T10:00:00Z"), "meta": {"covered": told if place == "body" else None}}
        headers = {"Date": NOON} | ({"X-Covered": told} if place == "header" else {})
        stream = self.stream(watermark=watermark)
        stream["list"]["records"] = "items"

        with reading(lambda _: Told(200, body, headers), **stream) as connection:
            assert connection.read("things", None, 3).cursor == {"since": told}

    def test_keep_the_watermark_of_the_first_page(self) -> None:
        covered = iter(["2026-05-01T09:00:00Z", "2026-05-01T09:30:00Z"])
        pages = iter([rows(1, 2, at="2026-05-01T08:00:00Z"), rows(3, at="2026-05-01T09:20:00Z")])

        def answering(_: Asked) -> Told:
            return Told(200, next(pages), {"Date": NOON, "X-Covered": next(covered)})

        with reading(answering, **self.stream(watermark="header:X-Covered")) as connection:
            assert all_pages(connection, limit=2)[-1].cursor == {"since": "2026-05-01T09:00:00Z"}

    def test_fall_back_to_the_clock_when_the_watermark_cannot_be_read(self) -> None:
        items = rows(1, at="2026-05-01T10:00:00Z")

        with reading(lambda _: Told(200, items, {"Date": NOON}), **self.stream(watermark="header:X-No")) as connection:
            assert connection.read("things", None, 3).cursor == {"since": "2026-05-01T10:00:00Z"}

    def test_go_back_five_minutes_unless_told_otherwise(self) -> None:
        items = rows(1, at="2026-05-01T10:00:00Z")
        stream = self.stream()
        del stream["list"]["incremental"]["overlap"]
        asked: list[Asked] = []

        def answering(request: Asked) -> Told:
            asked.append(request)
            return Told(200, items, {"Date": NOON})

        with reading(answering, **stream) as connection:
            connection.read("things", connection.read("things", None, 3).cursor, 3)

        assert asked[-1].query["since"] == "2026-05-01T09:55:00Z"

    def asked_since(
        self, answering: Callable[[Asked], Told], limit: int = 3, calls: int = 1, unit: str = "iso"
    ) -> str | None:
        """What the next read asks for, after a first one that takes so many calls."""
        asked: list[Asked] = []

        def counting(request: Asked) -> Told:
            asked.append(request)
            return answering(request) if len(asked) <= calls else Told(200, [])

        with reading(counting, **self.stream(unit=unit)) as connection:
            pages = all_pages(connection, limit=limit)
            connection.read("things", pages[-1].cursor, limit)
        return asked[-1].query.get("since")
