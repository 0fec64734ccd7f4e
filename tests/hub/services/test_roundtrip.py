"""What goes to the other side must come back as it left, or its loss must be declared."""

from typing import Any

import pytest

from hub.engine import roundtrip as engine
from hub.models import User
from hub.sdk import ConfigError, Record
from hub.services import roundtrip
from tests.factories import MappingVersionFactory

pytestmark = pytest.mark.django_db


def body(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A name that either side may change, written through `steps`."""
    name = {"steps": [{"path": "name"}, *steps], "authority": "either", **more}
    return {"fields": {"name": name}, "back": {"name": {"steps": [{"path": "name"}]}}}


def losses(rules: dict[str, Any], here: Any = "Ada", there: Any = "Bob") -> list[engine.Loss]:
    version = MappingVersionFactory(body=rules)
    records = ([Record("1", {"name": value})] for value in (here, there))
    return roundtrip.losses(version=version, here=next(records), there=next(records))


class TestLosses:
    def test_are_none_where_values_come_back(self) -> None:
        assert losses(body()) == []

    def test_name_record_field_and_both_values_of_either_side(self) -> None:
        assert losses(body({"case": "upper"})) == [
            engine.Loss("source", "1", "name", "Ada", "ADA"),
            engine.Loss("destination", "1", "name", "Bob", "BOB"),
        ]

    def test_that_are_declared_are_allowed(self) -> None:
        assert losses(body({"case": "upper"}, round_trip={"lossy": "capitals only"})) == []

    def test_show_in_real_values_only(self) -> None:
        assert losses(body({"case": "upper"}), here="ADA", there="BOB") == []

    def test_include_what_the_way_back_refuses(self) -> None:
        rules = body()
        rules["back"]["name"]["steps"] += [{"integer": True}]

        assert losses(rules)[0].field == "the record"


class TestRefusal:
    def test_tells_what_came_back_and_what_to_do(self) -> None:
        version = MappingVersionFactory(body=body({"case": "upper"}))

        with pytest.raises(ConfigError, match=r"name is 'Ada' and came back as 'ADA'.*\n.*round_trip"):
            roundtrip.refuse_loss(version=version, here=[Record("1", {"name": "Ada"})], there=[])

    def test_tells_no_value_to_who_may_not_see_it(self, developer: User) -> None:
        version = MappingVersionFactory(body=body({"case": "upper"}))

        with pytest.raises(ConfigError, match="record 1: name does not come back as it left") as refused:
            roundtrip.refuse_loss(version=version, here=[Record("1", {"name": "Ada"})], there=[], by=developer)
        assert "Ada" not in str(refused.value)


class TestReads:
    def test_finds_the_fields_that_steps_name_however_deep(self) -> None:
        rule = {"steps": [{"path": "a.b"}, {"default": [{"path": ["c d", "e"]}]}, {"add": {"path": "f[0]"}}]}

        assert engine.reads(rule) == {"a", "c d", "f"}
