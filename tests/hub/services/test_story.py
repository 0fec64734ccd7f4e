"""What pages tell: differences at the character, balances as equations, changes and exceptions in words."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import now
from hub.engine.intent import State
from hub.models import RunState, SyncRun
from hub.services.story import audit as audit_story
from hub.services.story import change as change_story
from hub.services.story import exception as exception_story
from hub.services.story import run as run_story
from hub.services.story.difference import Cell, beside, visible
from hub.services.story.lens import CLEAR, nothing
from tests.factories import (
    AttemptFactory,
    AuditEventFactory,
    ChangeFactory,
    LinkFactory,
    LinkImageFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
)


def _told(cell: Cell) -> str:
    """The cell as text, with what is marked in brackets."""
    return cell.word or "".join(f"[{piece.text}]" if piece.is_marked else piece.text for piece in cell.pieces)


def _row(before: object, after: object) -> tuple[str, str]:
    (row,) = beside({"field": before}, {"field": after}, hides=nothing)
    return _told(row.cells[0]), _told(row.cells[1])


class TestBeside:
    """Values side by side."""

    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ("Hauptstraße 14", "Hauptstraße 14b", ("Hauptstraße 14", "Hauptstraße 14[b]")),
            ("12500.00", "15000.00", ("1[25]00.00", "1[50]00.00")),
            ("Ostfildern", "Esslingen", ("[Ostfildern]", "[Esslingen]")),
            (True, False, ("[true]", "[false]")),
            (None, "x", ("nothing", "[x]")),
            ("", "x", ("empty text", "[x]")),
        ],
    )
    def test_marks_what_differs_at_the_character(
        self, before: object, after: object, expected: tuple[str, str]
    ) -> None:
        assert _row(before, after) == expected

    def test_tells_nothing_from_not_there(self) -> None:
        (row,) = beside({}, {"phone": None}, hides=nothing)

        assert [_told(cell) for cell in row.cells] == ["not there", "nothing"]
        assert row.differs

    def test_shows_money_as_it_is(self) -> None:
        assert _row("1204.50", "1204.50") == ("1204.50", "1204.50")

    def test_writes_out_what_cannot_be_seen(self) -> None:
        assert visible("a\u200bb\u00a0c") == "a⟨U+200B⟩b⟨U+00A0⟩c"

    def test_counts_numbers_of_the_same_value_as_equal(self) -> None:
        (row,) = beside({"n": 1}, {"n": 1.0}, hides=nothing)

        assert not row.differs

    def test_marks_both_outer_sides_against_the_middle(self) -> None:
        (row,) = beside({"street": "Markt 1b"}, {"street": "Markt 1"}, {"street": "Am Markt 1"}, hides=nothing)

        assert [_told(cell) for cell in row.cells] == ["Markt 1[b]", "Markt 1", "[Am ]Markt 1"]

    def test_keeps_large_texts_affordable(self) -> None:
        before, after = _row("start " + "a" * 50_000 + " end", "start " + "b" * 50_000 + " end")

        assert before == f"[start {'a' * 50_000} end]"
        assert after.startswith("[start b")

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_never_loses_or_invents_a_character(self, before: str, after: str) -> None:
        (row,) = beside({"field": before}, {"field": after}, hides=nothing)

        shown = ["".join(piece.text for piece in cell.pieces) for cell in row.cells]
        assert shown == [visible(before), visible(after)]


class TestEquation:
    """The balance of a run."""

    def test_adds_up_to_what_was_received(self) -> None:
        run = SyncRun(received=10, unchanged=4, created=1, updated=2, deleted=1, excepted=1, in_flight=1)

        assert sum(term.count for term in run_story.equation(run)) == 10
        assert run_story.adds_up(run)

    def test_says_when_it_does_not_add_up(self) -> None:
        assert not run_story.adds_up(SyncRun(received=10, unchanged=4))

    def test_shows_planned_instead_of_written_for_a_preview(self) -> None:
        names = {term.name for term in run_story.equation(SyncRun(is_preview=True))}

        assert "planned" in names
        assert "applied" not in names


class TestProgress:
    """How far a run is."""

    def test_never_claims_the_end_before_it(self) -> None:
        run = SyncRun(state=RunState.RUNNING, received=120, expected=100, started_at=now())

        assert run_story.progress(run, now()).percent == 99

    def test_knows_no_percent_without_an_expectation(self) -> None:
        run = SyncRun(state=RunState.RUNNING, received=120, started_at=now())

        assert run_story.progress(run, now()).percent is None

    def test_tells_the_speed(self) -> None:
        at = now()
        run = SyncRun(state=RunState.RUNNING, received=500, started_at=at - timedelta(seconds=10))

        assert run_story.progress(run, at).per_second == 50

    def test_is_announced_in_steps_of_ten_percent(self) -> None:
        run = SyncRun(state=RunState.RUNNING, received=47, expected=100, started_at=now())

        assert run_story.progress(run, now()).announce == "Running, 40 percent."


@pytest.mark.django_db
class TestChangeStory:
    """A change in words."""

    def test_shows_a_third_side_when_the_destination_keeps_it_otherwise(self) -> None:
        change = ChangeFactory(before={"name": "Old"}, fields={"name": "Ærø"}, after={"name": "AERO"})

        sides = change_story.sides(change, CLEAR)

        assert sides.headings == ("before", "sent", "as the destination keeps it")
        assert [_told(cell) for cell in sides.rows[0].cells][1] == "Ærø"

    def test_shows_no_third_side_for_the_same_number_written_otherwise(self) -> None:
        change = ChangeFactory(before={"price": "1.00"}, fields={"price": "50.50"}, after={"price": 50.5})

        assert change_story.sides(change, CLEAR).headings == ("before", "after")

    def test_leaves_out_fields_the_hub_does_not_care_for(self) -> None:
        change = ChangeFactory(
            before={"name": "Old"}, fields={"name": "New"}, image={"name": "New"}, after={"name": "New", "etag": "9"}
        )

        assert [row.name for row in change_story.sides(change, CLEAR).rows] == ["name"]

    def test_shows_one_side_of_a_new_record(self) -> None:
        change = ChangeFactory(operation="create", before=None, fields={"name": "New"})

        assert change_story.sides(change, CLEAR).headings == ("new record",)

    def test_tells_only_the_last_attempts_in_a_list(self) -> None:
        change = ChangeFactory()
        for number in range(1, 8):
            AttemptFactory(change=change, number=number, response="x" * 5000)

        (told,) = change_story.tell([change], CLEAR)

        assert [one.attempt.number for one in told.attempts] == [5, 6, 7]
        assert told.earlier_attempts == 4
        assert all(one.is_cut and len(one.response) == 4000 for one in told.attempts)

    def test_tells_the_whole_life_in_order(self) -> None:
        change = ChangeFactory(state=State.REJECTED, sent_at=now(), ended_at=now(), message="No such country.", tries=1)
        AttemptFactory(change=change, answer="refused")

        steps = change_story.life(change, CLEAR)

        assert [step.what for step in steps] == ["Planned", "Intent committed", "Attempt 1: refused", "Refused"]
        assert steps[-1].detail == "No such country."


@pytest.mark.django_db
class TestExceptionStory:
    """An exception in words."""

    def test_puts_both_sides_beside_what_was_last_agreed(self) -> None:
        change = ChangeFactory(before={"street": "A", "phone": "1"}, fields={"street": "B", "phone": "2"})
        exception = ReconciliationExceptionFactory(
            mapping=change.mapping,
            kind="conflict",
            change_id=change.pk,
            evidence={"agreed": change.before, "destination": {"street": "C", "phone": "1", "other": "x"}},
        )

        told = exception_story.tell(exception, CLEAR)

        assert told.headings == ("the source wants", "last agreed", "at the destination now")
        assert {row.name: row.note for row in told.rows} == {"street": "changed on both sides", "phone": ""}

    def test_shows_the_value_concerned_first(self) -> None:
        exception = ReconciliationExceptionFactory(
            kind="unmapped", field="country", evidence={"source": {"name": "Ada", "country": "XK"}}
        )

        told = exception_story.tell(exception, CLEAR)

        assert [name for name, _, _ in told.source] == ["country", "name"]
        assert told.value is not None
        assert _told(told.value) == "XK"

    def test_falls_back_to_the_acknowledged_image_of_the_link(self) -> None:
        link = LinkFactory(source_key="C-1")
        LinkImageFactory(link=link, sent={"name": "Ada"})
        exception = ReconciliationExceptionFactory(mapping=link.mapping, source_key="C-1", evidence={})

        assert exception_story.tell(exception, CLEAR).headings == ("last agreed",)

    def test_has_words_for_every_kind(self) -> None:
        from hub.models import ExceptionKind

        assert set(exception_story.KINDS) == set(ExceptionKind)
        assert all(kind.means and kind.cure for kind in exception_story.KINDS.values())


@pytest.mark.django_db
class TestAuditStory:
    """An audit event in words."""

    def test_shows_what_changed_as_before_and_after(self) -> None:
        event = AuditEventFactory(action="integration.change", detail={"schedule": ["0 6 * * *", "0 5 * * *"]})

        (row,) = audit_story.tell(event).rows

        assert (row.name, [_told(cell) for cell in row.cells]) == ("schedule", ["0 [6] * * *", "0 [5] * * *"])

    def test_does_not_take_a_list_of_field_names_for_a_difference(self) -> None:
        event = AuditEventFactory(action="integration.change", detail={"fields": ["title", "owner"]})

        told = audit_story.tell(event)

        assert told.rows == []
        assert [name for name, _ in told.facts] == ["fields"]


@pytest.mark.django_db
class TestChangesOfRun:
    """The changes of a run, narrowed."""

    def test_are_grouped_by_what_became_of_them(self) -> None:
        run = SyncRunFactory()
        for state in (State.APPLIED, State.VERIFIED, State.HELD, State.REJECTED, State.SENDING):
            ChangeFactory(run=run, state=state)

        found = {name: run_story.changes(run, group=name).count() for name in run_story.GROUPS}

        assert found == {"applied": 2, "refused": 1, "held": 1, "flight": 1, "planned": 0, "withdrawn": 0}

    def test_every_state_is_in_one_group(self) -> None:
        grouped = [state for _, states in run_story.GROUPS.values() for state in states]

        assert sorted(grouped) == sorted(State)
