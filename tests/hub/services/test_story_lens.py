"""What is left of cells, texts and sentences for who may not see them."""

from hub.engine.mapping import personal_fields
from hub.services.story.difference import NOT_THERE, Cell, beside
from hub.services.story.lens import CLEAR, HIDDEN, NEEDS_PAYLOAD, NEEDS_PERSONAL, UNQUOTED, Lens, nothing

FIELDS = personal_fields(
    [{"fields": {"mail": {"steps": [{"path": "email"}], "personal": True}, "city": {"steps": [{"path": "town"}]}}}]
)
BLIND, HALF, FULL = Lens(), Lens(payload=True, fields=FIELDS), Lens(payload=True, personal=True, fields=FIELDS)


class TestCells:
    def test_say_whether_they_differ_and_nothing_else(self) -> None:
        (row,) = beside({"n": "Ulm"}, {"n": "Ulmen"}, hides=BLIND.mapped)

        assert row.differs
        assert row.cells == (Cell(word=HIDDEN, hint=NEEDS_PAYLOAD, is_marked=True),) * 2

    def test_look_alike_whatever_they_hold(self) -> None:
        values = ["", None, 7, "a long text", {"a": [1]}, True]

        cells = {beside({"n": value}, hides=BLIND.mapped)[0].cells for value in values}

        assert cells == {(Cell(word=HIDDEN, hint=NEEDS_PAYLOAD),)}

    def test_say_of_three_which_differs_from_the_middle(self) -> None:
        (row,) = beside({"n": 1}, {"n": 2}, {"n": 2}, hides=BLIND.mapped)

        assert [cell.is_marked for cell in row.cells] == [True, False, False]

    def test_say_that_a_field_is_not_there(self) -> None:
        (row,) = beside({}, {"n": 1}, hides=BLIND.mapped)

        assert row.cells[0] == NOT_THERE

    def test_are_hidden_by_the_names_of_their_side(self) -> None:
        assert (HALF.mapped("mail"), HALF.mapped("email"), HALF.mapped("city")) == (NEEDS_PERSONAL, "", "")
        assert (HALF.source("mail"), HALF.source("email"), HALF.source("town")) == ("", NEEDS_PERSONAL, "")
        assert HALF.either("email") == HALF.either("mail") == HALF.side("?")("mail") == NEEDS_PERSONAL
        assert {FULL.mapped("mail"), FULL.source("email"), nothing("mail")} == {""}


class TestTexts:
    def test_are_hidden_whole_where_anything_is_personal(self) -> None:
        assert [lens.text("x") for lens in (BLIND, HALF, FULL, Lens(payload=True))] == [HIDDEN, HIDDEN, "x", "x"]

    def test_that_are_empty_stay_so(self) -> None:
        assert BLIND.text("") == ""


class TestSentences:
    def test_keep_the_name_of_their_field(self) -> None:
        assert BLIND.sentence("city: “Ulm” is not a town", field="city") == "city: hidden"
        assert BLIND.sentence("Ada: is no city", field="city") == UNQUOTED

    def test_of_rules_are_shown_where_no_line_is_of_a_personal_field(self) -> None:
        told = "city: “Ulm” is not a town"

        assert HALF.sentence(told, is_of_mapping=True) == told
        assert HALF.sentence(told) == "city: hidden"
        assert HALF.sentence(f"mail: “x” is no address\n{told}", is_of_mapping=True) == "mail: hidden\ncity: hidden"

    def test_are_hidden_when_a_value_brings_a_line_of_its_own(self) -> None:
        told = HALF.sentence("city: “Ulm\nAda Wolf” is not a town", is_of_mapping=True)

        assert told == "city: hidden"

    def test_are_whole_for_who_sees_everything(self) -> None:
        assert FULL.sentence("mail: x") == CLEAR.sentence("mail: x") == "mail: x"

    def test_that_are_empty_stay_so(self) -> None:
        assert BLIND.sentence("") == ""
