"""Exports of evidence: what was chosen, proved one by one, safe to open, and whatever is done to the file is found."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import now
from hub.evidence.verifier import Finding, verify_lines
from hub.models import AuditEvent, CapturedRow, Export, ExportPart, ExportState, User
from hub.sdk import FatalError
from hub.services import audit
from hub.services import export as exports
from hub.services.audit.seal import seal
from hub.services.export import table
from hub.services.export.chosen import Chosen
from tests.factories import AuditEventFactory

pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")
WHY = "For the auditors of the year."
Lines = list[dict[str, Any]]


def sealed(*reasons: str, action: str = "integration.pause") -> None:
    for reason in reasons:
        AuditEventFactory(action=action, reason=reason)
    seal()


@pytest.fixture
def three_batches() -> None:
    """Positions 1 to 12 in three seals; 2, 3, 6, 7, 8 and 11 are pauses, and so is all of the fourth seal."""
    for batch in range(3):
        for number in range(4):
            is_pause = (batch, number) in {(0, 1), (0, 2), (1, 1), (1, 2), (1, 3), (2, 2)}
            AuditEventFactory(
                action="integration.pause" if is_pause else "integration.change", reason=f"{batch}.{number}"
            )
        seal()
    sealed("3.0", "3.1")


def lines(narrowed: dict[str, str] | None = None) -> Lines:
    chosen = Chosen("event", {"action": "integration.pause"} if narrowed is None else narrowed)
    return [json.loads(line) for line in chosen.lines()]


def verdict(found: Lines) -> Finding:
    return verify_lines([json.dumps(line) for line in found], audit.public_keys())


def entries(found: Lines) -> Lines:
    return [line for line in found if line["type"] == "entry"]


class TestChosenEvents:
    def test_are_proved_one_by_one_and_whole_batches_by_their_root(self, three_batches: None) -> None:
        found = lines()

        assert verdict(found).code == 0, verdict(found)
        assert [entry["seq"] for entry in entries(found)] == [2, 3, 6, 7, 8, 11, 13, 14]
        assert ["proof" in entry for entry in entries(found)] == [True] * 6 + [False] * 2

    def test_may_lie_far_apart_and_in_many_chunks(self, three_batches: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.services.export.chosen.PAGE", 2)

        for narrowed, count in (({}, 14), ({"action": "integration.pause"}, 8), ({"object": "0"}, 0)):
            found = lines(narrowed)
            assert verdict(found).code == 0, narrowed
            assert len(entries(found)) == count

    def test_that_are_in_no_seal_are_left_out(self, three_batches: None) -> None:
        AuditEventFactory(action="integration.pause", reason="just now")

        assert "just now" not in json.dumps(lines())

    def test_of_the_database_itself_are_exported_too(self) -> None:
        CapturedRow.objects.create(
            uid=AuditEventFactory().uid, at=now(), table_name="hub_user", key="1", operation="update",
            actor_name="db-direct", before={"email": "a"}, after={"email": "b"},
        )  # fmt: skip
        seal()
        found = [json.loads(line) for line in Chosen("row", {"actor": "db-direct"}).lines()]

        assert [entry["content"]["after"] for entry in entries(found)] == [{"email": "b"}]
        assert verdict(found).code == 0


def _edit(found: Lines) -> int:
    entries(found)[2]["content"]["reason"] = "nothing"
    return 6


def _edit_with_its_hash(found: Lines) -> int:
    from hub.evidence import leaf_hash

    entry = entries(found)[2]
    entry["content"]["reason"] = "nothing"
    entry["leaf"] = leaf_hash(entry["seq"], "event", entry["content"]).hex()
    return 6


def _take_out(found: Lines) -> int:
    found.remove(entries(found)[3])
    return 8


def _take_out_and_number_anew(found: Lines) -> int:
    found.remove(entries(found)[3])
    for number, entry in enumerate(entries(found), start=1):
        entry["n"] = number
    return 15


def _take_out_a_batch(found: Lines) -> int:
    first = next(place for place, line in enumerate(found) if line["type"] == "seal" and line["number"] == 2)
    del found[first : first + 4]
    return 11


def _swap(found: Lines) -> int:
    one, other = found.index(entries(found)[2]), found.index(entries(found)[3])
    found[one], found[other] = found[other], found[one]
    return 7


def _copy(found: Lines) -> int:
    found.insert(found.index(entries(found)[3]), dict(entries(found)[2]))
    return 6


def _cut_the_end(found: Lines) -> int:
    del found[-3:]
    return 12


def _cut_only_the_end(found: Lines) -> int:
    del found[-1]
    return 15


def _say_another_filter(found: Lines) -> int:
    found[0]["narrowed"] = {}
    return 1


def _alter_a_seal(found: Lines) -> int:
    next(line for line in found if line.get("number") == 2)["at"] = "2020-01-01T00:00:00.000000+00:00"
    return 5


def _alter_a_proof(found: Lines) -> int:
    proof = entries(found)[0]["proof"]
    proof[0] = "00" * 32
    return 2


def _count_otherwise(found: Lines) -> int:
    found[-1]["entries"] = 7
    return 15


def _exchange_for_another_that_was_sealed(found: Lines) -> int:
    others = entries(lines({"action": "integration.change"}))
    other = next(entry for entry in others if entry["seq"] == 5)
    found[found.index(entries(found)[2])] = {**other, "n": 3}
    return 15


def _add_behind_the_end(found: Lines) -> int:
    found.append(dict(entries(found)[-1]))
    return 15


TAMPERINGS: tuple[Callable[[Lines], int], ...] = (
    _edit, _edit_with_its_hash, _take_out, _take_out_and_number_anew, _take_out_a_batch, _swap, _copy, _cut_the_end,
    _exchange_for_another_that_was_sealed, _cut_only_the_end, _say_another_filter, _alter_a_seal, _alter_a_proof,
    _count_otherwise, _add_behind_the_end,
)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_whatever_is_done_to_a_file_is_found_where_it_begins(
    tamper: Callable[[Lines], int], three_batches: None
) -> None:
    found = lines()
    position = tamper(found)

    told = verdict(found)

    assert (told.code, told.position) == (1, position), told


class TestTables:
    @pytest.mark.parametrize(
        "text", ["=1+1", "+cmd", "-2+3", "@sum", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠a", " =1"]
    )
    def test_calculate_nothing(self, text: str) -> None:
        assert table.safe(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["-12.50", "12", "0.5", "-3", "plain", ""])
    def test_keep_numbers_and_words_as_they_are(self, text: str) -> None:
        assert table.safe(text) == text

    @given(st.text(max_size=20))
    def test_never_begin_a_formula(self, text: str) -> None:
        assert table.NUMBER.fullmatch(table.safe(text)) or not table.safe(text).startswith(table.FORMULA)

    def test_hold_what_was_chosen(self, three_batches: None) -> None:
        AuditEventFactory(action="integration.pause", reason="=HYPERLINK(1)")
        seal()

        text = "".join(table.rows(Chosen("event", {"action": "integration.pause"})))

        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["position"] for row in rows] == ["2", "3", "6", "7", "8", "11", "13", "14", "15"]
        assert rows[-1]["reason"] == "'=HYPERLINK(1)"


class TestAskedFor:
    def test_is_written_kept_fetched_and_told(self, auditor: User, three_batches: None) -> None:
        made = exports.ask(by=auditor, kind="event", narrowed={"action": "integration.pause"}, form="jsonl", reason=WHY)
        exports.write(made.pk)

        made.refresh_from_db()
        text = b"".join(exports.fetch(made, auditor)).decode()
        assert (made.state, made.entries, made.size) == (ExportState.DONE, 8, len(text.encode()))
        assert verify_lines(text.splitlines(), audit.public_keys()).code == 0
        told = AuditEvent.objects.get(action="export.done")
        assert told.detail["narrowed"] == {"action": "integration.pause"}
        assert (told.detail["entries"], told.detail["sha256"], told.reason) == (8, made.digest, WHY)
        assert AuditEvent.objects.filter(action="export.fetch", actor=auditor).exists()

    def test_is_written_in_parts_and_taken_up_by_another_worker(
        self, auditor: User, three_batches: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hub.services.export.file.PIECE", 500)
        made = exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason=WHY)
        ExportPart.objects.create(export=made, number=0, data=b"of a worker that was killed")
        Export.objects.update(state=ExportState.WORKING, lease_until=now() - timedelta(minutes=1))

        assert exports.ring_waiting() == 1
        exports.write(made.pk)

        made.refresh_from_db()
        assert made.parts.count() > 3
        assert b"".join(exports.fetch(made, auditor)).startswith(b"position,uid,at")

    def test_is_left_to_the_worker_who_has_it(self, auditor: User, three_batches: None) -> None:
        made = exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason=WHY)
        Export.objects.update(state=ExportState.WORKING, lease_until=now() + timedelta(minutes=1))

        exports.write(made.pk)

        assert not made.parts.exists()

    def test_goes_after_some_days(self, auditor: User, three_batches: None) -> None:
        made = exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason=WHY)
        exports.write(made.pk)
        Export.objects.update(expires_at=now() - timedelta(minutes=1))

        assert exports.tidy() == 1
        made.refresh_from_db()
        assert (made.state, made.parts.count()) == (ExportState.EXPIRED, 0)
        with pytest.raises(FatalError, match="no file"):
            exports.fetch(made, auditor)

    def test_is_for_those_who_may(self, administrator: User, auditor: User, three_batches: None) -> None:
        with pytest.raises(FatalError, match="may not export"):
            exports.ask(by=administrator, kind="event", narrowed={}, form="csv", reason=WHY)
        with pytest.raises(FatalError, match="reason"):
            exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason="so")
        with pytest.raises(FatalError, match="no moment"):
            exports.ask(by=auditor, kind="event", narrowed={"since": "long ago"}, form="csv", reason=WHY)

    def test_says_why_it_failed(self, auditor: User) -> None:
        made = exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason=WHY)

        exports.write(made.pk)

        made.refresh_from_db()
        assert made.state == ExportState.FAILED
        assert "Nothing is sealed yet" in made.message

    def test_are_a_handful_at_most(self, auditor: User, three_batches: None) -> None:
        for _ in range(5):
            exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason=WHY)

        with pytest.raises(FatalError, match="You have 5 exports"):
            exports.ask(by=auditor, kind="event", narrowed={}, form="csv", reason=WHY)
