"""A foreign edit is in the way only where it touched what we are about to write."""

from hub.engine import merge


class TestOverlaps:
    def test_is_empty_when_the_other_side_touched_other_fields(self) -> None:
        assert merge.overlaps({"a": 1, "b": 2}, {"a": 9, "b": 2}, {"b": 3}) == []

    def test_names_the_fields_both_sides_changed(self) -> None:
        assert merge.overlaps({"a": 1, "b": 2}, {"a": 9, "b": 8}, {"b": 3}) == ["b"]

    def test_is_empty_when_both_came_to_the_same_value(self) -> None:
        assert merge.overlaps({"a": 1}, {"a": 3}, {"a": 3}) == []

    def test_is_everything_when_nothing_was_ever_acknowledged(self) -> None:
        assert merge.overlaps(None, {"a": 1}, {"a": 2, "b": 3}) == ["a", "b"]
