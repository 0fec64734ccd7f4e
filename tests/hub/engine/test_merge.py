"""Field by field: who changed it, who may, and who wins. The decision order and every policy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.engine.merge import (
    Authority,
    Conflict,
    Images,
    Merged,
    Policy,
    Side,
    Unauthorised,
    Verdict,
    Written,
    flapping,
    merge,
)

EITHER = Policy(Authority.EITHER)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def decide(policy: Policy, was: Any, source: Any, destination: Any, **sides: Any) -> Merged:
    """The decision about one field `x`, with the same value acknowledged on both sides."""
    known = None if was is None else {"x": was}
    here = Side(known, {"x": source}, sides.get("source_at"))
    there = Side(known, {"x": destination}, sides.get("destination_at"))
    return merge(["x"], {"x": policy}, here, there, sides.get("skew", 0.0))


def verdict(policy: Policy, was: Any, source: Any, destination: Any, **sides: Any) -> tuple[str, Any]:
    found = decide(policy, was, source, destination, **sides).decisions[0]
    return str(found.verdict), found.value if found.verdict not in (Verdict.SAME, Verdict.ASK) else None


class TestOneSideChanged:
    def test_nothing_happens_when_neither_did(self) -> None:
        assert verdict(EITHER, 1, 1, 1) == ("same", None)

    def test_the_change_is_propagated_when_that_side_may(self) -> None:
        assert verdict(EITHER, 1, 2, 1) == ("to destination", 2)
        assert verdict(EITHER, 1, 1, 2) == ("to source", 2)
        assert verdict(Policy(Authority.SOURCE), 1, 2, 1) == ("to destination", 2)
        assert verdict(Policy(Authority.DESTINATION), 1, 1, 2) == ("to source", 2)

    def test_a_person_is_asked_when_that_side_may_not(self) -> None:
        """I10."""
        assert verdict(Policy(Authority.SOURCE), 1, 1, 2) == ("ask", None)
        assert verdict(Policy(Authority.DESTINATION), 1, 2, 1) == ("ask", None)

    def test_it_is_reverted_where_the_mapping_says_so(self) -> None:
        revert = Policy(Authority.SOURCE, unauthorised=Unauthorised.REVERT)
        found = decide(revert, 1, 1, 2)

        assert found.to_destination == {"x": 1}
        assert found.why({"x": 1}) == {"x": {"rule": "only the source may change it: written over", "lost": 2}}

    def test_it_is_accepted_once_where_the_mapping_says_so(self) -> None:
        accept = Policy(Authority.SOURCE, unauthorised=Unauthorised.ACCEPT)

        assert decide(accept, 1, 1, 2).acknowledged == ["x"]

    def test_emptying_a_field_is_a_change(self) -> None:
        assert verdict(EITHER, 1, 1, None) == ("to source", None)

    def test_a_field_left_out_says_nothing(self) -> None:
        left_out = merge(["x"], {"x": EITHER}, Side({"x": 1}, {}), Side({"x": 1}, {"x": 1}))

        assert left_out.decisions[0].verdict is Verdict.SAME


class TestBothChanged:
    def test_to_the_same_value_needs_no_write(self) -> None:
        assert decide(Policy(Authority.SOURCE), 1, 2, 2).acknowledged == ["x"]
        assert decide(EITHER, "1", "2.50", 2.5).acknowledged == ["x"]

    def test_a_person_is_asked_by_default(self) -> None:
        assert verdict(EITHER, 1, 2, 3) == ("ask", None)
        assert verdict(Policy(Authority.SOURCE), 1, 2, 3) == ("ask", None)

    def test_authority_lets_the_owner_win_and_keeps_what_was_lost(self) -> None:
        found = decide(Policy(Authority.DESTINATION, Conflict.AUTHORITY), 1, 2, 3)

        assert found.to_source == {"x": 3}
        assert found.why({"x": 3})["x"]["lost"] == 2

    def test_newest_wins_on_trusted_clocks_only_beyond_their_skew(self) -> None:
        newest = Policy(Authority.EITHER, Conflict.NEWEST)
        late = {"source_at": NOON, "destination_at": NOON + timedelta(seconds=9)}

        assert verdict(newest, 1, 2, 3, **late, skew=8) == ("to source", 3)
        assert verdict(newest, 1, 2, 3, **late, skew=9) == ("ask", None)
        assert verdict(newest, 1, 2, 3, source_at=NOON) == ("ask", None)

    @pytest.mark.parametrize(
        ("one", "other", "highest"),
        [("10.0", "9", "source"), ("2026-02-01", "2026-10-01", "destination"), (7, "70", "destination")],
    )
    def test_highest_and_lowest_compare_numbers_and_dates_as_such(self, one: Any, other: Any, highest: str) -> None:
        lowest = "destination" if highest == "source" else "source"
        target = {"source": "to destination", "destination": "to source"}

        assert verdict(Policy(Authority.EITHER, Conflict.HIGHEST), "0", one, other)[0] == target[highest]
        assert verdict(Policy(Authority.EITHER, Conflict.LOWEST), "0", one, other)[0] == target[lowest]

    def test_what_cannot_be_compared_is_asked(self) -> None:
        assert verdict(Policy(Authority.EITHER, Conflict.HIGHEST), "0", "many", 3) == ("ask", None)

    def test_union_counts_what_either_added_and_either_removed(self) -> None:
        union = Policy(Authority.EITHER, Conflict.UNION)

        assert verdict(union, ["a", "b"], ["a", "b", "c"], ["b", "d"]) == ("to both", ["b", "c", "d"])
        assert verdict(union, ["a"], ["a", "b", "c"], ["a", "c"]) == ("to destination", ["a", "b", "c"])
        assert verdict(union, ["a"], ["a", "b"], "a") == ("ask", None)

    def test_rank_prefers_what_is_further_on(self) -> None:
        rank = Policy(Authority.EITHER, Conflict.RANK, order=("new", "paid", "shipped"))

        assert verdict(rank, "new", "paid", "shipped") == ("to source", "shipped")
        assert verdict(rank, "new", "lost", "shipped") == ("ask", None)


class TestFirstMeeting:
    def test_the_side_with_authority_gives(self) -> None:
        assert verdict(Policy(Authority.SOURCE), None, 1, 2) == ("to destination", 1)
        assert verdict(Policy(Authority.DESTINATION), None, 1, 2) == ("to source", 2)

    def test_of_equals_the_one_that_has_a_value_gives(self) -> None:
        assert verdict(EITHER, None, 1, None) == ("to destination", 1)
        assert verdict(EITHER, None, None, 2) == ("to source", 2)

    def test_two_values_of_equals_are_a_conflict(self) -> None:
        assert verdict(EITHER, None, 1, 2) == ("ask", None)


class TestImages:
    def test_keep_only_what_a_side_holds_in_a_form_of_its_own(self) -> None:
        found = Images({"a": "x", "b": 1}).with_fields(["a"], {"a": "y"}, {"a": "y"}, {"a": "Y"})

        assert found == Images({"a": "y", "b": 1}, None, {"a": "Y"})
        assert (found.source, found.destination) == ({"a": "y", "b": 1}, {"a": "Y", "b": 1})

    def test_can_forget_a_field_of_one_side_so_that_it_counts_as_changed(self) -> None:
        found = Images({"a": 1, "b": 2}).without(["a"], "source")

        assert (found.source, found.destination) == ({"b": 2}, {"b": 2, "a": 1})


class TestFlapping:
    def written(self, *sides: str, over: tuple[str, ...] = (), minutes: int = 1) -> list[Written]:
        at = NOON - timedelta(minutes=minutes)
        return [Written(at, side, frozenset({"x"}), frozenset(over)) for side in sides]

    def test_is_a_fourth_write_that_goes_back_and_forth(self) -> None:
        assert flapping(self.written("source", "destination", "source"), ["x"], NOON) == ["x"]
        assert flapping(self.written("source", "destination"), ["x"], NOON) == []

    def test_is_a_fourth_write_over_what_the_same_side_makes_of_it(self) -> None:
        assert flapping(self.written(*["destination"] * 3, over=("x",)), ["x"], NOON) == ["x"]

    def test_is_not_what_follows_a_person_who_edits_on_one_side(self) -> None:
        assert flapping(self.written(*["destination"] * 9), ["x"], NOON) == []

    def test_concerns_ten_minutes_and_the_fields_in_question(self) -> None:
        assert flapping(self.written("source", "destination", "source", minutes=11), ["x"], NOON) == []
        assert flapping(self.written("source", "destination", "source"), ["y"], NOON) == []
