"""Which fields of a mapping hold personal data, on either side."""

from typing import Any

import pytest

from hub.engine.mapping import MappingError, compile_mapping, describe, drafted_fields, personal_fields


def path(name: str, **more: Any) -> dict[str, Any]:
    return {"steps": [{"path": name}], **more}


BODY = {"fields": {"mail": path("email.work", personal=True), "city": path("town"), "domain": path("email")}}


class TestPersonalFields:
    def test_are_those_marked_and_what_their_rules_read(self) -> None:
        found = personal_fields([BODY])

        assert found.mapped == {"mail"}
        assert found.is_source("email")
        assert not found.is_source("town")

    def test_are_none_where_nothing_is_marked(self) -> None:
        assert not personal_fields([{"fields": {"city": path("town")}}])
        assert not personal_fields([])

    def test_are_touched_by_an_unmarked_rule_that_reads_them(self) -> None:
        assert personal_fields([BODY]).touched == {"mail", "domain"}

    def test_may_be_all_of_the_source_where_an_expression_makes_one(self) -> None:
        found = personal_fields(
            [{"fields": {"name": {"jsonata": "first & last", "personal": True}, "city": path("town")}}]
        )

        assert found.is_source("first")
        assert not found.is_source("town")

    def test_are_marked_on_the_way_back_too(self) -> None:
        body = {"fields": {"mail": path("email"), "city": path("town")}, "back": {"email": path("mail", personal=True)}}

        found = personal_fields([body])

        assert found.mapped == {"mail"}
        assert found.source == {"email"}

    def test_of_the_source_are_those_the_way_back_makes_of_personal_ones(self) -> None:
        body = {"fields": {"mail": path("email", personal=True)}, "back": {"contact": path("mail")}}

        assert personal_fields([body]).source == {"email", "contact"}

    def test_are_decided_by_the_newest_version_that_knows_them(self) -> None:
        newer = {"fields": {"mail": path("email"), "name": path("name", personal=True)}}

        found = personal_fields([newer, BODY, {"fields": {"phone": path("phone", personal=True)}}])

        assert found.mapped == {"name", "phone"}
        assert found.source == {"name", "phone"}

    @pytest.mark.parametrize("body", [None, [], {"fields": []}, {"fields": {"a": "b"}}, {"fields": None, "back": None}])
    def test_of_what_is_no_body_are_none(self, body: Any) -> None:
        assert not personal_fields([body])


class TestADraft:
    def test_takes_no_mark_away(self) -> None:
        found = drafted_fields({"fields": {"mail": path("email"), "city": path("town")}}, [BODY])

        assert "mail" in found.mapped
        assert found.is_source("email")

    def test_hides_what_a_new_rule_makes_of_a_personal_field(self) -> None:
        draft = {"fields": {**BODY["fields"], "town": path("email"), "all": {"jsonata": "$"}, "street": path("street")}}

        assert drafted_fields(draft, [BODY]).mapped == {"mail", "town", "all"}

    def test_shows_what_the_same_rule_shows_in_the_version_in_use(self) -> None:
        assert drafted_fields(BODY, [BODY]).mapped == {"mail"}

    def test_adds_marks_of_its_own(self) -> None:
        found = drafted_fields({"fields": {"city": path("town", personal=True)}}, [BODY])

        assert found.mapped == {"mail", "city"}
        assert found.is_source("town")


class TestTheMark:
    def test_changes_nothing_of_what_is_sent(self) -> None:
        assert describe({"fields": {"mail": path("email", personal=True)}}) == [("mail", "mail ← email, personal")]

    def test_is_true_or_false(self) -> None:
        with pytest.raises(MappingError, match=r"fields\.mail\.personal: must be true or false"):
            compile_mapping({"fields": {"mail": path("email", personal="yes")}})
