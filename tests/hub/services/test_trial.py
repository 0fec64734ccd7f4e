"""Trying the rules of a mapping version on sample records."""

from typing import Any

import pytest

from hub.models import LinkState, MappingVersion
from hub.sdk import Record
from hub.services import trial
from hub.services.trial import Trial, Verdict
from tests import factories as make

pytestmark = pytest.mark.django_db
RULES: dict[str, Any] = {
    "filter": {"steps": [{"path": "name"}, {"exists": True}]},
    "fields": {
        "title": {"steps": [{"path": "name"}, {"trim": True}], "required": True},
        "size": {"steps": [{"path": "size"}, {"integer": True}]},
        "parent": {"steps": [{"path": "parent"}], "reference": "parents"},
    },
}


@pytest.fixture
def version() -> MappingVersion:
    """A version with a filter, a reference and a number."""
    made: MappingVersion = make.MappingVersionFactory(body=RULES)
    return made


def tried(version: MappingVersion, **data: Any) -> Trial:
    """What the version makes of one record with the key k."""
    return trial.on_records(version=version, records=[Record("k", data)])[0]


class TestTrial:
    def test_creates_what_is_not_linked(self, version: MappingVersion) -> None:
        found = tried(version, name=" Ada ", size="3")

        assert (found.verdict, found.image) == (Verdict.CREATE, {"title": "Ada", "size": 3})

    def test_shows_what_a_linked_record_would_change(self, version: MappingVersion) -> None:
        link = make.LinkFactory(mapping=version.mapping, source_key="k", destination_key="77")
        make.LinkImageFactory(link=link, sent={"title": "Ada", "size": 2, "gone": "x"})

        found = tried(version, name="Ada", size="3")

        assert (found.verdict, found.destination_key) == (Verdict.CHANGE, "77")
        assert found.changes == {"size": (2, 3), "gone": ("x", None)}

    def test_leaves_alone_what_is_the_same(self, version: MappingVersion) -> None:
        link = make.LinkFactory(mapping=version.mapping, source_key="k")
        make.LinkImageFactory(link=link, sent={"title": "Ada"})

        assert tried(version, name="Ada").verdict == Verdict.SAME

    def test_does_not_take_a_reference_for_a_change(self, version: MappingVersion) -> None:
        link = make.LinkFactory(mapping=version.mapping, source_key="k")
        make.LinkImageFactory(link=link, sent={"title": "Ada", "parent": "9001"})

        found = tried(version, name="Ada", parent="P-1")

        assert found.verdict == Verdict.SAME
        assert found.references == {"parent": ("parents", "P-1")}

    def test_creates_anew_what_is_gone(self, version: MappingVersion) -> None:
        make.LinkFactory(mapping=version.mapping, source_key="k", state=LinkState.GONE)

        assert tried(version, name="Ada").verdict == Verdict.CREATE

    def test_names_each_problem_by_its_field(self, version: MappingVersion) -> None:
        found = tried(version, name="   ", size="many")

        assert found.verdict == Verdict.PROBLEM
        assert set(found.problems) == {"title", "size"}

    def test_tells_why_a_record_is_left_out(self, version: MappingVersion) -> None:
        found = tried(version, size="3")

        assert found.verdict == Verdict.EXCLUDED
        assert "name" in found.reason

    def test_keeps_the_order_of_the_records(self, version: MappingVersion) -> None:
        records = [Record(key, {"name": key}) for key in "cab"]

        assert [one.record.key for one in trial.on_records(version=version, records=records)] == ["c", "a", "b"]
