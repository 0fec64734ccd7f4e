"""Streams as people declare them."""

from typing import Any

import pytest

from connectors.tryton.streams import Lookup, capabilities, plans
from hub.sdk import ConfigError, CursorKind, DeleteFeed


class TestPlans:
    def test_offer_parties_and_what_belongs_to_them(self) -> None:
        offered = plans(None)

        assert list(offered) == ["parties", "identifiers", "addresses", "contact_mechanisms"]
        assert not any(plan.declared for plan in offered.values())

    def test_add_any_model(self) -> None:
        lookups = {"default_uom": {"model": "product.uom", "by": "symbol"}}
        entry = {"model": "product.template", "external_id": "code", "unique": True, "lookups": lookups}

        plan = plans({"products": entry})["products"]

        assert (plan.model, plan.label, plan.external_id, plan.unique) == ("product.template", "Products", "code", True)
        assert plan.lookups == {"default_uom": Lookup("product.uom", "symbol")}
        assert plan.declared

    def test_change_one_thing_of_an_offered_stream_and_keep_the_rest(self) -> None:
        plan = plans({"parties": {"archive_field": "active"}})["parties"]

        assert (plan.model, plan.external_id, plan.archive_field) == ("party.party", "code", "active")
        assert plan.lookups["lang"] == Lookup("ir.lang", "code")

    def test_keep_nothing_of_an_offered_stream_that_gets_another_model(self) -> None:
        plan = plans({"parties": {"model": "party.category"}})["parties"]

        assert (plan.fields, plan.external_id, dict(plan.lookups)) == ((), "", {})

    def test_leave_a_stream_out(self) -> None:
        assert "addresses" not in plans({"addresses": None})

    def test_give_up_the_external_id(self) -> None:
        assert plans({"parties": {"external_id": None}})["parties"].external_id == ""

    @pytest.mark.parametrize(
        ("declared", "words"),
        [
            (["parties"], "streams must be an object"),
            ({"parties": "party.party"}, "streams.parties must be an object"),
            ({"things": {"fields": ["name"]}}, "streams.things.model is required"),
            ({"parties": {"modell": "x"}}, "streams.parties.modell is not known"),
            ({"parties": {"fields": "name"}}, "streams.parties.fields must be a list"),
            ({"parties": {"fields": [1]}}, "must be a list of field names"),
            ({"parties": {"unique": "yes"}}, "streams.parties.unique must be a bool"),
            ({"parties": {"lookups": {"lang": "code"}}}, "streams.parties.lookups.lang must look like"),
            ({"parties": {"model": None}}, "streams.parties.model must be a str"),
        ],
    )
    def test_name_what_is_wrong(self, declared: Any, words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            plans(declared)


class TestCapabilities:
    def test_promise_safety_at_create_only_with_an_external_id(self) -> None:
        offered = plans({"parties": {}, "identifiers": {}})
        parties, identifiers = (capabilities(offered[name], 50).create for name in ("parties", "identifiers"))

        assert parties
        assert parties.external_id
        assert parties.external_id.unique
        assert parties.read_back.by_external_id
        assert identifiers
        assert identifiers.external_id is None
        assert not identifiers.read_back.by_external_id

    def test_do_not_promise_that_a_declared_field_is_unique_unless_it_is_said(self) -> None:
        create = capabilities(plans({"notes": {"model": "ir.note", "external_id": "ref"}})["notes"], 50).create

        assert create
        assert create.external_id
        assert not create.external_id.unique

    def test_promise_conditions_where_something_can_be_overwritten(self) -> None:
        offered = capabilities(plans(None)["parties"], 25)

        for change in (offered.update, offered.delete):
            assert change
            assert change.conditional
            assert change.conditional.strong
            assert (change.batch.max_items, change.batch.atomic) == (25, True)

    def test_say_that_deletions_are_known_by_absence_only(self) -> None:
        offered = capabilities(plans(None)["parties"], 50)

        assert (offered.cursor, offered.delete_feed) == (CursorKind.TIMESTAMP, DeleteFeed.NONE)
