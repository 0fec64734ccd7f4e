"""Recorded fields and rows of Tryton as the hub's (connectors/tryton/samples), and cursors over them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.tryton.client import Client, Reply
from connectors.tryton.directory import Directory
from connectors.tryton.reading import Reader
from connectors.tryton.schema import describe
from connectors.tryton.streams import plans
from hub.sdk import Exchange

SAMPLES = Path(__file__).parents[3] / "connectors/tryton/samples"
LATEST = "2026-11-22T14:17:31.735672+00:00"  # the latest change on the recorded page
START = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)


class Told:
    """Answers as Tryton was recorded to, and remembers what it was asked."""

    def __init__(self, at: datetime | None = START) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._at = at

    def call(self, method: str, *params: Any, **_: Any) -> Reply:
        self.asked.append(params)
        results = {
            "model.party.party.fields_get": recorded("fields-party"),
            "model.party.identifier.fields_get": recorded("fields"),
            "model.party.party.search_read": recorded("page"),
            "model.ir.lang.search_read": [{"id": 5, "code": "de"}],
        }
        return Reply(results[method], Exchange(), self._at)


def recorded(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())["body"]["result"]


def reader(told: Told, overlap: int = 300) -> Reader:
    client = cast(Client, told)
    schema = describe(client, plans(None)["parties"])
    return Reader(client, schema, Directory(client), timedelta(seconds=overlap))


class TestSchema:
    def test_names_fields_for_people_who_map(self) -> None:
        fields = describe(cast(Client, Told()), plans(None)["identifiers"]).described()

        assert [(field.name, field.kind, field.required) for field in fields] == [
            ("party", "string", True),
            ("type", "string", False),
            ("code", "string", True),
            ("active", "boolean", False),
        ]
        assert fields[0].help == "Party. The party identified by this record. The key of a party.party."

    def test_makes_records_of_rows(self) -> None:
        page = reader(Told()).page(None, 10)

        assert [(record.key, record.version, record.data) for record in page.records] == [
            ("7", "1795357051.71434", {"name": "Müller GmbH", "code": "C0001", "lang": "de", "active": True}),
            ("8", "1795357051.73567", {"name": "Acme", "code": "C0002", "lang": None, "active": False}),
        ]


class TestCursor:
    def test_starts_with_everything(self) -> None:
        told = Told()

        reader(told).page(None, 10)

        domain = told.asked[1][0]
        assert domain == [["id", ">", 0]]

    def test_of_a_full_page_leads_to_the_next_ids(self) -> None:
        page = reader(Told()).page(None, 2)

        assert not page.done
        assert page.cursor["after"] == 8
        assert page.cursor["start"] == START.isoformat()

    def test_keeps_the_begin_of_the_read_from_page_to_page(self) -> None:
        first = reader(Told()).page(None, 2)

        second = reader(Told(START + timedelta(hours=1))).page(first.cursor, 2)

        assert second.cursor["start"] == START.isoformat()

    def test_of_the_last_page_leads_to_what_changes_next(self) -> None:
        page = reader(Told(), overlap=0).page(None, 10)

        assert page.done
        assert page.cursor == {"since": LATEST}

    def test_asks_for_changes_and_for_what_was_never_changed(self) -> None:
        told = Told()

        reader(told).page({"since": "2026-11-22T14:00:00+00:00"}, 10)

        since = {"__class__": "datetime", "year": 2026, "month": 11, "day": 22, "hour": 14, "minute": 0, "second": 0}
        since["microsecond"] = 0
        assert told.asked[1][0] == [
            ["id", ">", 0],
            ["OR", ["write_date", ">=", since], [["write_date", "=", None], ["create_date", ">=", since]]],
        ]


class TestWatermark:
    @pytest.mark.parametrize(
        ("start", "seen", "since"),
        [
            ("2026-11-22T12:00:00+00:00", "2026-11-22T11:59:59.5+00:00", "2026-11-22T11:55:00.000000+00:00"),
            ("2026-11-22T12:00:00+00:00", "2026-11-20T08:00:00.000000+00:00", "2026-11-20T08:00:00.000000+00:00"),
            ("", "2026-11-22T11:59:59+00:00", "2026-11-22T11:54:59+00:00"),
            ("2026-11-22T12:00:00+00:00", "", ""),
        ],
        ids=["of a busy stream", "of a quiet stream", "without a clock", "of nothing met"],
    )
    def test_is_the_safer_of_clock_and_latest_change(self, start: str, seen: str, since: str) -> None:
        assert reader(Told())._watermark(start, seen) == since
