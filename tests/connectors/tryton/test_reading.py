"""Reading a real Tryton."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.tryton.connection import Connection
from hub.sdk import ConfigError, Cursor, Record
from tests.connectors.tryton.conftest import Open
from tests.connectors.tryton.erp import Erp

pytestmark = pytest.mark.system


def read(opened: Connection, cursor: Cursor | None = None, limit: int = 3) -> tuple[list[Record], Cursor]:
    """All records from a cursor on, and where the next read starts."""
    records: list[Record] = []
    while True:
        page = opened.read("parties", cursor, limit)
        records += page.records
        cursor = page.cursor
        if page.done:
            return records, cursor


def codes(records: list[Record]) -> list[Any]:
    return [record.data["code"] for record in records]


class TestFullRead:
    def test_sees_archived_records(self, system: Erp, connect: Open) -> None:
        key, _ = system.add({"name": "Gone", "code": "A"}, {"name": "Here", "code": "B"})
        system.edit(key, {"active": False})

        records, _ = read(connect(system.url))

        assert [(record.data["code"], record.data["active"]) for record in records] == [("A", False), ("B", True)]
        assert not any(record.deleted for record in records)

    def test_counts_archived_records_as_deleted_where_the_stream_says_so(self, system: Erp, connect: Open) -> None:
        key, _ = system.add({"name": "Gone", "code": "A"}, {"name": "Here", "code": "B"})
        system.edit(key, {"active": False})

        records, _ = read(connect(system.url, streams={"parties": {"archive_field": "active"}}))

        assert [record.deleted for record in records] == [True, False]

    def test_misses_nothing_when_records_are_edited_between_pages(self, system: Erp, connect: Open) -> None:
        keys = system.add(*({"name": f"P{number}", "code": f"C{number}"} for number in range(6)))
        opened = connect(system.url)
        first = opened.read("parties", None, 2)
        for key in keys:
            system.edit(key, {"name": "Edited"})

        rest, _ = read(opened, first.cursor, 2)

        assert codes([*first.records, *rest]) == [f"C{number}" for number in range(6)]

    def test_turns_links_into_their_text(self, system: Erp, connect: Open) -> None:
        [german] = system.call("model.ir.lang.search", [["code", "=", "de"]], 0, None, None)
        system.add({"name": "A", "code": "A", "lang": german}, {"name": "B", "code": "B"})

        records, _ = read(connect(system.url))

        assert [record.data["lang"] for record in records] == ["de", None]

    def test_keeps_other_links_as_keys(self, system: Erp, connect: Open) -> None:
        [key] = system.add({"name": "A", "code": "A"})
        system.call("model.party.address.create", [{"party": int(key), "city": "Köln"}])

        [record] = connect(system.url).read("addresses", None, 10).records

        assert (record.data["party"], record.data["city"]) == (key, "Köln")


class TestIncrementalRead:
    def test_brings_what_was_added_and_what_was_edited(self, system: Erp, connect: Open) -> None:
        old, _ = system.add({"name": "Old", "code": "A"}, {"name": "Older", "code": "B"})
        opened = connect(system.url, overlap=0)
        _, cursor = read(opened)
        system.edit(old, {"name": "Newer"})
        system.add({"name": "New", "code": "C"})

        records, _ = read(opened, cursor)

        assert {"A", "C"} <= set(codes(records))

    def test_brings_records_that_were_never_edited(self, system: Erp, connect: Open) -> None:
        """Their write_date is empty, so a condition on it alone would pass them by for ever."""
        [party] = system.add({"name": "A", "code": "A"})
        opened = connect(system.url, streams={"notes": {"model": "ir.attachment", "fields": ["name", "resource"]}})
        cursor = opened.read("notes", None, 10).cursor
        note = {"name": "a note", "type": "data", "resource": f"party.party,{party}"}
        [key] = system.call("model.ir.attachment.create", [note])
        [row] = system.call("model.ir.attachment.read", [key], ["write_date"])
        assert row["write_date"] is None

        page = opened.read("notes", cursor, 10)

        assert [record.data["resource"] for record in page.records] == [f"party.party,{party}"]
        system.call("model.ir.attachment.delete", [key])

    def test_starts_again_at_the_latest_change_it_met(self, system: Erp, connect: Open) -> None:
        """Nothing newer was committed, so a quiet stream does not repeat an overlap of old records for ever."""
        system.add({"name": "A", "code": "A"})
        system.add({"name": "B", "code": "B"})
        opened = connect(system.url, overlap=0)

        _, cursor = read(opened)
        records, again = read(opened, cursor)

        assert set(cursor) == {"since"}
        assert codes(records)[-1:] == ["B"]
        assert again == cursor

    def test_goes_back_by_the_overlap(self, system: Erp, connect: Open) -> None:
        """A transaction that was open during the last read commits with the time it began at."""
        system.add({"name": "A", "code": "A"})
        opened = connect(system.url, overlap=600)

        _, cursor = read(opened)
        records, _ = read(opened, cursor)

        assert datetime.fromisoformat(cursor["since"]) < datetime.now(UTC) - timedelta(seconds=590)
        assert codes(records) == ["A"]

    def test_of_an_empty_stream_reads_all_next_time(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)

        _, cursor = read(opened)

        assert cursor == {"since": ""}

    def test_keeps_its_place_when_nothing_is_left_to_read(self, system: Erp, connect: Open) -> None:
        system.add({"name": "A", "code": "A"})
        opened = connect(system.url, overlap=0)
        _, cursor = read(opened)
        system.clear()

        assert read(opened, cursor) == ([], cursor)


class TestFetch:
    def test_leaves_out_what_is_not_there(self, system: Erp, connect: Open) -> None:
        [key] = system.add({"name": "A", "code": "A"})

        found = list(connect(system.url).fetch("parties", ["99999999", key, "no number"]))

        assert [record.key for record in found] == [key]


class TestFind:
    def test_finds_archived_records_too(self, system: Erp, connect: Open) -> None:
        [key] = system.add({"name": "A", "code": "A"})
        system.edit(key, {"active": False})

        found = dict(connect(system.url).find("parties", ["A", "B"]))

        assert {reference: record.key for reference, record in found.items()} == {"A": key}

    def test_finds_what_tryton_trimmed(self, system: Erp, connect: Open) -> None:
        [key] = system.add({"name": "A", "code": " A "})

        assert [(text, record.key) for text, record in connect(system.url).find("parties", [" A "])] == [(" A ", key)]

    def test_finds_nothing_where_no_reference_is_stored(self, system: Erp, connect: Open) -> None:
        assert list(connect(system.url).find("addresses", ["A"])) == []


class TestStreams:
    def test_describe_their_fields_in_trytons_words(self, system: Erp, connect: Open) -> None:
        streams = {stream.name: stream for stream in connect(system.url).streams()}
        code, lang = (
            next(field for field in streams["parties"].fields if field.name == name) for name in ("code", "lang")
        )
        [kind] = (field for field in streams["contact_mechanisms"].fields if field.name == "type")

        assert (code.required, code.help) == (True, "Code. The unique identifier of the party.")
        assert lang.help.endswith("The code of a ir.lang.")
        assert "email" in kind.help
        assert streams["parties"].version_field == "_timestamp"

    def test_take_every_plain_field_when_none_is_named(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url, streams={"langs": {"model": "ir.lang"}})

        [stream] = (stream for stream in opened.streams() if stream.name == "langs")

        names = {field.name for field in stream.fields}
        assert {"code", "name", "active"} <= names  # `name` is translated, which Tryton marks like a computed field
        assert not names & {"id", "write_date", "create_uid", "rec_name"}

    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ({"model": "no.such.model"}, "no model no.such.model"),
            ({"model": "party.party", "fields": ["nickname"]}, "party.party has no field nickname"),
            ({"model": "party.party", "external_id": "ref"}, "party.party has no field ref"),
            ({"model": "party.party", "lookups": {"name": {"model": "x", "by": "y"}}}, "name is none"),
        ],
    )
    def test_that_cannot_be_are_named(self, system: Erp, connect: Open, entry: dict[str, Any], words: str) -> None:
        opened = connect(system.url, streams={"mine": entry})

        with pytest.raises(ConfigError, match=words):
            opened.streams()

    def test_that_are_only_offered_are_left_out_where_the_module_is_missing(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url, batch=1)
        opened._plans["ghosts"] = opened._plans["parties"].__class__(
            name="ghosts", label="Ghosts", model="no.such.model", declared=False
        )

        assert "ghosts" not in {stream.name for stream in opened.streams()}
