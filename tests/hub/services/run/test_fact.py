"""FACT: appended once by natural key, never changed or removed; a stuck fact blocks only itself."""

import pytest

from hub.models import RunState
from tests.hub.services.run.conftest import BODY, Pair


@pytest.fixture
def ledger(pair: Pair) -> Pair:
    """The pair as a mapping of facts."""
    pair.mapping.semantics = "fact"
    pair.mapping.save()
    pair.source.put("1", name="paid", city="Kiel")
    pair.source.put("2", name="paid", city="Ulm")
    return pair


@pytest.fixture
def by_name(ledger: Pair) -> Pair:
    """The same, with name and town as the natural key."""
    ledger.activate(ledger.mapping, {**BODY, "natural_key": ["name", "city"]})
    return ledger


class TestFact:
    def test_is_appended_once(self, ledger: Pair) -> None:
        """I2: however often it is read."""
        ledger.run()
        ledger.run(full=True)

        assert ledger.destination.effects == [("create", "1"), ("create", "2")]

    def test_that_changed_becomes_a_question_and_no_write(self, ledger: Pair) -> None:
        ledger.run()
        ledger.source.put("1", city="Bonn")

        run = ledger.run()

        assert (run.state, run.excepted, ledger.open_exceptions()) == (
            RunState.PARTIAL, 1, [("1", "fact_changed")]
        )  # fmt: skip
        assert ledger.there()["1"]["city"] == "Kiel"

    def test_that_is_gone_stays_where_it_was_appended(self, ledger: Pair) -> None:
        ledger.run()
        ledger.source.drop("1")

        run = ledger.run()

        assert (run.excluded, run.deleted, sorted(ledger.there())) == (1, 0, ["1", "2"])

    def test_that_is_refused_blocks_only_itself(self, ledger: Pair) -> None:
        ledger.destination.refuse = {"1"}

        run = ledger.run()

        assert (run.created, run.excepted, list(ledger.there())) == (1, 1, ["2"])

    def test_whose_answer_was_lost_is_not_appended_again(self, ledger: Pair) -> None:
        ledger.destination.lose_answer = {"1"}
        ledger.run()
        ledger.run(full=True)

        assert ledger.destination.effects.count(("create", "1")) == 1


class TestNaturalKey:
    def test_makes_two_records_one_fact(self, by_name: Pair) -> None:
        by_name.source.put("3", name="paid", city="Kiel")

        run = by_name.run()

        assert sorted(by_name.there()) == ["paid / Kiel", "paid / Ulm"]
        assert (run.created, run.excluded) == (2, 1)

    def test_holds_across_runs(self, by_name: Pair) -> None:
        by_name.run()
        by_name.source.put("3", name="paid", city="Ulm")

        run = by_name.run()

        assert (run.unchanged, run.applied, len(by_name.destination.effects)) == (1, 0, 2)

    def test_that_lacks_a_part_is_told(self, by_name: Pair) -> None:
        by_name.source.put("3", name="paid", city="")

        run = by_name.run()

        assert (run.created, by_name.open_exceptions()) == (2, [("3", "invalid")])

    def test_survives_a_killed_worker(self, by_name: Pair) -> None:
        by_name.destination.kill_at = {"paid / Kiel": "after"}
        run = by_name.ask()
        by_name.work_until_killed()

        by_name.work()

        run.refresh_from_db()
        assert (run.state, run.received, len(by_name.there())) == (RunState.SUCCEEDED, 2, 2)
