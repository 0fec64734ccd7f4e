"""Records of a mapping that goes both ways: made once, wherever they came from, and gone when they are deleted."""

from typing import Any

import pytest

from hub.models import Change, Link, ReconciliationException
from hub.sdk import CursorKind
from tests.hub.services.run.both_ways import at_destination, at_source, body, both, calm, key_there
from tests.hub.services.run.conftest import Pair

__all__ = ["both"]


class TestNewRecords:
    def test_of_the_destination_are_made_at_the_source_once(self, both: Pair) -> None:
        both.destination.put("D1", name="Bob", city="Jena")

        run = both.run()

        link = Link.objects.get(destination_key="D1")
        assert (run.created, link.state, link.first) == (1, "linked", "destination")
        assert both.source.rows[link.source_key].data == {"name": "Bob", "city": "Jena"}
        assert both.source.rows[link.source_key].reference == "D1"
        calm(both)
        both.destination.put("D1", city="Ulm")
        both.run()
        assert both.source.rows[link.source_key].data["city"] == "Ulm"
        calm(both)

    def test_of_the_destination_can_be_left_out(self, both: Pair) -> None:
        both.activate(both.mapping, body(back_filter={"steps": [{"path": "city"}, {"equals": "Jena"}]}))
        both.destination.put("D1", name="Bob", city="Ulm")

        both.run(full=True)

        assert len(both.source.rows) == 1

    @pytest.mark.parametrize("fault", ["lose", "before", "after"])
    def test_are_made_once_whatever_happens_to_the_answer(self, both: Pair, fault: str) -> None:
        """I1."""
        both.destination.put("D1", name="Bob", city="Jena")
        if fault == "lose":
            both.source.lose_answer.add("D1")
            both.run()
        else:
            both.source.kill_at["D1"] = fault
            both.ask()
            both.work_until_killed()
            both.work()

        for _ in range(2):
            both.run(full=True)

        assert [row.reference for row in both.source.rows.values() if row.reference] == ["D1"]
        assert len(both.destination.rows) == 2
        calm(both)

    def test_of_the_source_are_not_taken_for_the_destinations_while_their_answer_is_lost(self, both: Pair) -> None:
        """I1: the record read at the destination is the one the hub made."""
        both.source.put("b", name="Bob", city="Jena")
        both.destination.lose_answer.add("b")
        both.mapping.destination.landing_seconds = 0
        both.mapping.destination.save()

        for _ in range(3):
            Change.objects.update(due_at=None)
            both.run()

        assert sorted(both.source.rows) == ["a", "b"]
        assert len(both.destination.rows) == 2
        calm(both)


class TestDeletion:
    def test_at_the_source_is_carried_out_at_the_destination(self, both: Pair) -> None:
        both.source.drop("a")

        run = both.run()

        assert (run.deleted, both.destination.rows) == (1, {})
        calm(both)
        assert both.links() == {"a": "deleted"}

    def test_at_the_destination_is_carried_out_at_the_source(self, both: Pair) -> None:
        both.destination.drop(key_there(both))

        both.run()

        assert both.source.rows == {}
        calm(both)

    @pytest.mark.parametrize("policy", ["archive", "ignore", "restore", "exception"])
    def test_at_the_destination_follows_the_policy(self, both: Pair, policy: str) -> None:
        both.mapping.back_delete_policy, both.mapping.back_archive_fields = policy, {"active": False}
        both.mapping.save()
        both.destination.drop(key_there(both))

        both.run()

        assert at_source(both).get("active", True) is (policy != "archive")
        assert len(both.destination.rows) == (1 if policy == "restore" else 0)
        assert both.open_exceptions() == ([("a", "deletion")] if policy == "exception" else [])
        calm(both)

    def test_against_an_edit_on_the_other_side_is_always_for_a_person(self, both: Pair) -> None:
        """I8: whoever edited it had not deleted it."""
        both.destination.put(key_there(both), city="Jena")
        both.source.drop("a")

        both.run()

        assert at_destination(both)["city"] == "Jena"
        assert ReconciliationException.objects.get(state="open").code == "deleted-and-edited"
        calm(both)

    @pytest.mark.parametrize("full", [True, False])
    def test_by_absence_is_found_on_either_side(self, both: Pair, *, full: bool) -> None:
        for key in "bcd":
            both.source.put(key, name="Bob", city="Jena")
        both.source.cursor = both.destination.cursor = CursorKind.NONE
        both.run(full=True)
        both.destination.drop(key_there(both, "b"))
        both.source.drop("a")

        both.run(full=full)

        assert sorted(both.source.rows) == ["c", "d"]
        assert len(both.destination.rows) == 2

    def test_does_not_come_back_by_late_news(self, both: Pair) -> None:
        both.source.put("b", name="Bob", city="Jena")
        both.run()
        old = both.source.reader.record("a")
        both.source.drop("a")
        both.run()
        page = both.source.read

        def stale(stream: str, cursor: Any, limit: int) -> Any:
            found = page(stream, cursor, limit)
            return type(found)([old, *found.records], found.cursor, found.done)

        both.source.read = stale  # type: ignore[method-assign]
        both.run()

        assert both.links()["a"] == "deleted"
        assert len(both.destination.rows) == 1

    def test_is_undone_by_making_the_record_anew(self, both: Pair) -> None:
        both.source.drop("a")
        both.run()
        both.source.put("a", name="Ada again", city="Ulm", owned="y")

        both.run()

        assert at_destination(both)["name"] == "Ada again"
        calm(both)
