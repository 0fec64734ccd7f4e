"""A mapping that goes both ways: each edit reaches the other side, no echo comes back, no person's value is lost."""

from typing import Any

from hub.models import Change, LinkImage, ReconciliationException, RunState, SyncRun
from tests.hub.services.run.both_ways import at_destination, at_source, body, both, calm, field, hub_writes, key_there
from tests.hub.services.run.conftest import Pair
from tests.simulator import PROFILES

__all__ = ["both"]


class TestEdits:
    def test_at_the_source_reach_the_destination(self, both: Pair) -> None:
        both.source.put("a", city="Bonn")

        run = both.run()

        assert (run.state, run.updated, at_destination(both)["city"]) == (RunState.SUCCEEDED, 1, "Bonn")
        calm(both)

    def test_at_the_destination_reach_the_source(self, both: Pair) -> None:
        both.destination.put(key_there(both), city="Jena")

        run = both.run()

        assert (run.updated, at_source(both)["city"]) == (1, "Jena")
        change = Change.objects.latest("id")
        assert (change.side, change.fields, change.state) == ("source", {"city": "Jena"}, "applied")
        assert change.decisions["city"] == {"rule": "the destination changed it", "lost": "Kiel", "value": "Jena"}
        calm(both)

    def test_of_different_fields_on_both_sides_are_merged(self, both: Pair) -> None:
        both.source.put("a", name="Ada L.")
        both.destination.put(key_there(both), city="Jena")

        run = both.run()

        assert at_source(both) == {"name": "Ada L.", "city": "Jena", "owned": "x"}
        assert at_destination(both) == {"name": "Ada L.", "city": "Jena", "owned": "x"}
        assert run.state == RunState.SUCCEEDED
        calm(both)

    def test_of_one_field_to_the_same_value_need_no_write(self, both: Pair) -> None:
        before = hub_writes(both)
        both.source.put("a", city="Ulm")
        both.destination.put(key_there(both), city="Ulm")

        both.run()

        assert hub_writes(both) == before
        calm(both)

    def test_of_one_field_to_different_values_wait_for_a_person_while_others_go_on(self, both: Pair) -> None:
        """I8."""
        both.source.put("a", city="Bonn", name="Ada L.")
        both.destination.put(key_there(both), city="Jena")

        both.run()

        assert (at_source(both)["city"], at_destination(both)["city"]) == ("Bonn", "Jena")
        assert at_destination(both)["name"] == "Ada L."
        exception = ReconciliationException.objects.get(state="open")
        assert (exception.kind, exception.source_key) == ("conflict", "a")
        assert exception.evidence["sent"] == {"city": "Bonn"}
        assert exception.evidence["agreed"] == {"city": "Kiel"}
        assert exception.evidence["destination"] == {"city": "Jena"}
        assert exception.evidence["decided"] == {"city": "both sides changed it: manual"}
        calm(both)
        assert both.open_exceptions() == [("a", "conflict")]

    def test_settle_a_conflict_when_the_sides_agree_again(self, both: Pair) -> None:
        both.source.put("a", city="Bonn")
        both.destination.put(key_there(both), city="Jena")
        both.run()
        both.source.put("a", city="Jena")

        both.run()

        assert both.open_exceptions() == []
        calm(both)

    def test_by_a_side_without_authority_are_not_written_over(self, both: Pair) -> None:
        """I10, I8."""
        both.destination.put(key_there(both), owned="mine")

        both.run()

        assert (at_source(both)["owned"], at_destination(both)["owned"]) == ("x", "mine")
        assert both.open_exceptions() == [("a", "conflict")]

    def test_by_a_side_without_authority_are_reverted_where_the_mapping_says_so(self, both: Pair) -> None:
        both.activate(both.mapping, body(fields={"owned": field("owned", "source", when_unauthorised="revert")}))
        both.run(full=True)
        both.destination.put(key_there(both), owned="mine")

        both.run()

        assert at_destination(both)["owned"] == "x"
        assert Change.objects.latest("id").decisions["owned"]["lost"] == "mine"
        calm(both)

    def test_end_by_the_policy_of_the_field(self, both: Pair) -> None:
        limit = {"steps": [{"path": "limit"}, {"integer": True}], "authority": "either", "conflict": "highest"}
        both.activate(both.mapping, body(fields={"limit": limit}, back={"limit": {"steps": [{"path": "limit"}]}}))
        both.source.put("a", limit=5)
        both.run(full=True)
        both.source.put("a", limit=7)
        both.destination.put(key_there(both), limit=9)

        both.run()

        assert (at_source(both)["limit"], at_destination(both)["limit"]) == (9, 9)
        calm(both)

    def test_of_lists_are_united_on_both_sides(self, both: Pair) -> None:
        tags = {"steps": [{"path": "tags"}, {"distinct": True}], "authority": "either", "conflict": "union"}
        both.activate(both.mapping, body(fields={"tags": tags}, back={"tags": {"steps": [{"path": "tags"}]}}))
        both.source.put("a", tags=["x"])
        both.run(full=True)
        both.source.put("a", tags=["x", "y"])
        both.destination.put(key_there(both), tags=["x", "z"])

        both.run()

        assert at_source(both)["tags"] == at_destination(both)["tags"] == ["x", "y", "z"]
        calm(both)

    def test_made_while_the_hub_writes_are_merged_and_not_written_over(self, both: Pair) -> None:
        """I8: the write is refused by its precondition, and planned anew from fresh reads."""
        both.source.put("a", city="Bonn")
        there = key_there(both)

        def edit(change: Any) -> None:
            both.destination.on_request = lambda change: None
            both.destination.put(there, name="Ada of Jena")

        both.destination.on_request = edit

        run = both.run()

        assert at_source(both) == at_destination(both) == {"name": "Ada of Jena", "city": "Bonn", "owned": "x"}
        assert ("a", "conflict") in both.states()
        assert run.state == RunState.SUCCEEDED
        calm(both)

    def test_reach_a_destination_that_keeps_values_in_a_form_of_its_own(self, both: Pair) -> None:
        """I11: capitals are no edit."""
        both.destination.store.profile = PROFILES["normalising"]
        both.source.put("a", name="Grace Hopper")

        both.run()

        assert (at_source(both)["name"], at_destination(both)["name"]) == ("Grace Hopper", "GRACE HO")
        image = LinkImage.objects.get()
        assert (image.sent["name"], image.source, image.destination) == ("Grace Hopper", None, {"name": "GRACE HO"})
        calm(both)


class TestLoops:
    def test_of_systems_that_undo_each_others_value_are_stopped(self, both: Pair) -> None:
        """I12: a fourth write back and forth is not made; a person is asked."""
        either = field("city", conflict={"rank": ["a", "b"]})
        both.activate(both.mapping, body(fields={"city": either}))
        both.run(full=True)
        before = hub_writes(both)
        for number in range(8):
            if number % 2:
                both.source.put("a", city=f"S{number}")
            else:
                both.destination.put(key_there(both), city=f"D{number}")
            both.run()

        assert hub_writes(both) - before == 3
        assert ("a", "flapping") in both.open_exceptions()


class TestPreview:
    def test_writes_nothing_and_tells_both_directions(self, both: Pair) -> None:
        both.source.put("b", name="Bob", city="Jena")
        both.destination.put("D1", name="Dan", city="Ulm")
        both.destination.put(key_there(both), city="Bonn")
        before = hub_writes(both)

        run = both.run(preview=True)

        assert (run.state, run.planned, hub_writes(both)) == (RunState.SUCCEEDED, 3, before)
        assert sorted(run.changes.values_list("side", "operation")) == [
            ("destination", "create"),
            ("source", "create"),
            ("source", "update"),
        ]


class TestReadiness:
    def test_needs_a_way_back(self, both: Pair) -> None:
        both.activate(both.mapping, {"fields": {"name": {"steps": [{"path": "name"}]}}})

        run = both.run()

        assert (run.state, run.reason_code) == (RunState.FAILED, "config")
        assert "back" in run.reason

    def test_balances_at_every_moment(self, both: Pair) -> None:
        """I13."""
        both.source.put("b", name="Bob", city="Jena")
        both.destination.put("D1", name="Dan", city="Ulm")
        both.destination.put(key_there(both), owned="mine")
        both.run()

        for run in SyncRun.objects.all():
            assert run.received == sum(run.balance.values()) - run.received
