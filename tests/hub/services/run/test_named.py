"""FACT under a new version of its mapping: what was appended once is neither appended again nor asked about."""

from typing import Any

import pytest

from hub.models import Change, RunState
from hub.services import mapping as mappings
from tests.hub.services.run.conftest import BODY, Pair
from tests.hub.services.run.test_fact import ledger

__all__ = ["ledger"]

SHOUTED: dict[str, Any] = {"fields": {**BODY["fields"], "city": {"steps": [{"path": "city"}, {"case": "upper"}]}}}


def activate(pair: Pair, body: dict[str, Any]) -> None:
    """Activate a new version as a person does."""
    mappings.activate(version=mappings.add_version(mapping=pair.mapping, body=body, by=None), by=None)


def keyed(*names: str, body: dict[str, Any] = BODY) -> dict[str, Any]:
    """The same rules with these fields as the natural key."""
    return {**body, "natural_key": list(names)}


class TestNewVersion:
    def test_leaves_what_was_appended_and_holds_for_what_comes(self, ledger: Pair) -> None:
        ledger.run()
        activate(ledger, SHOUTED)
        ledger.source.put("3", name="paid", city="Bonn")

        run = ledger.run()

        assert [row["city"] for row in ledger.there().values()] == ["Kiel", "Ulm", "BONN"]
        assert (run.state, run.is_full, run.unchanged, run.created) == (RunState.SUCCEEDED, True, 2, 1)

    def test_leaves_it_in_every_run_that_follows(self, ledger: Pair) -> None:
        ledger.run()
        for body in (SHOUTED, {"fields": {**SHOUTED["fields"], "country": {"steps": [{"constant": "DE"}]}}}):
            activate(ledger, body)
            ledger.run()

        run = ledger.run(full=True)

        assert (run.state, run.unchanged, ledger.open_exceptions()) == (RunState.SUCCEEDED, 2, [])
        assert len(ledger.destination.effects) == 2

    def test_still_asks_about_a_fact_that_changed_at_the_source(self, ledger: Pair) -> None:
        ledger.run()
        activate(ledger, SHOUTED)
        ledger.source.put("1", city="Bonn")

        ledger.run()

        assert ledger.open_exceptions() == [("1", "fact_changed")]


class TestNewNaturalKey:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (keyed("name", "city"), keyed("name", "city", body=SHOUTED)),
            (keyed("name", "city"), keyed("city")),
            (keyed("name", "city"), BODY),
            (BODY, keyed("name", "city")),
        ],
    )
    def test_appends_nothing_again(self, ledger: Pair, before: dict[str, Any], after: dict[str, Any]) -> None:
        activate(ledger, before)
        ledger.run()
        activate(ledger, after)

        run = ledger.run()

        assert (len(ledger.destination.effects), run.unchanged, run.state) == (2, 2, RunState.SUCCEEDED)

    def test_may_make_facts_of_what_was_part_of_one(self, ledger: Pair) -> None:
        activate(ledger, keyed("name"))
        ledger.run()
        activate(ledger, keyed("name", "city"))

        ledger.run()

        assert sorted(row["city"] for row in ledger.there().values()) == ["Kiel", "Ulm"]
        assert len(ledger.destination.effects) == 2

    def test_waits_for_what_was_refused_or_is_in_doubt_under_the_former_one(self, ledger: Pair) -> None:
        activate(ledger, keyed("name", "city"))
        ledger.destination.refuse, ledger.destination.lose_answer = {"paid / Kiel"}, {"paid / Ulm"}
        ledger.run()
        activate(ledger, keyed("city"))

        ledger.run()
        Change.objects.update(due_at=None)
        ledger.work()

        assert ledger.destination.effects == [("create", "paid / Ulm")]
        assert ledger.open_exceptions() == [("paid / Kiel", "refused")]
