"""Where a read for changes begins."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.connectors.rest.listener import Asked, Told
from tests.connectors.rest.reads import all_pages, reading, rows

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
