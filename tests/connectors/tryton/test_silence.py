"""Lost answers and crashes between the connector and a real Tryton."""

import pytest

from hub.sdk import Answer, Change, Operation
from tests.connectors.tryton.changes import CREATE, WRITE, answers, apply, edit, new, seen
from tests.connectors.tryton.conftest import Open
from tests.connectors.tryton.erp import Erp
from tests.connectors.tryton.middleman import Middleman

pytestmark = pytest.mark.system


class TestSilence:
    def test_leaves_every_create_of_the_call_in_doubt(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url, batch=2)
        opened.streams()
        between.lose = CREATE

        outcomes = apply(opened, [new(f"C{number}") for number in range(1, 6)])

        assert answers(outcomes) == [Answer.UNKNOWN, Answer.UNKNOWN, Answer.RETRY, Answer.RETRY, Answer.RETRY]
        assert {party["code"] for party in system.parties().values()} == {"C1", "C2"}
        assert {reference for reference, _ in opened.find("parties", ["C1", "C2", "C3"])} == {"C1", "C2"}

    def test_of_an_update_shows_as_another_version(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        [record] = seen(opened, *system.add({"name": "A", "code": "A"}))
        between.lose = WRITE

        [outcome] = apply(opened, [edit(record, name="X")]).values()
        [again] = apply(opened, [edit(record, name="X")]).values()

        assert (outcome.answer, outcome.key) == (Answer.UNKNOWN, record.key)
        assert again.answer is Answer.CONFLICT
        assert again.image == system.parties()[record.key]

    def test_after_the_write_is_no_doubt(self, system: Erp, between: Middleman, connect: Open) -> None:
        """What was created is known, though not how it looks."""
        opened = connect(between.url)
        opened.streams()
        between.lose = "model.party.party.search_read"

        [outcome] = apply(opened, [new("C1")]).values()

        assert (outcome.answer, outcome.version, outcome.image) == (Answer.APPLIED, None, None)
        assert list(system.parties()) == [outcome.key]

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_is_what_a_broken_server_amounts_to(self, between: Middleman, connect: Open, status: int) -> None:
        opened = connect(between.url)
        opened.streams()
        between.answer[CREATE] = (status, "<html>Something broke</html>")

        [outcome] = apply(opened, [new("C1")]).values()

        assert outcome.answer is Answer.UNKNOWN
        assert outcome.exchange
        assert outcome.exchange.status == status

    def test_is_not_what_a_busy_database_amounts_to(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.streams()
        between.answer[CREATE] = (503, "<p>database is locked</p>")

        assert answers(apply(opened, [new("C1"), new("C2")])) == [Answer.RETRY, Answer.RETRY]
        assert system.parties() == {}

    def test_is_not_what_a_server_asking_to_wait_amounts_to(self, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.streams()
        between.answer[CREATE] = (429, "slow down")

        assert answers(apply(opened, [new("C1")])) == [Answer.RETRY]


class TestCrash:
    CRASH = (200, '{"id":1,"error":["the heater is on fire",""]}')

    def test_that_provably_did_nothing_is_a_refusal(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.streams()
        between.answer[CREATE] = self.CRASH

        [outcome] = apply(opened, [new("C1")]).values()

        assert (outcome.answer, outcome.code) == (Answer.REFUSED, "crash")
        assert "the heater is on fire" in outcome.message
        assert system.parties() == {}

    def test_of_a_batch_is_narrowed_down(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        records = seen(opened, *system.add(*({"name": "A", "code": code} for code in "ABCD")))
        between.answer[WRITE] = self.CRASH

        outcomes = apply(opened, [edit(record, name="X") for record in records])

        assert set(answers(outcomes)) == {Answer.APPLIED}

    def test_that_cannot_be_looked_into_leaves_doubt(self, system: Erp, between: Middleman, connect: Open) -> None:
        [party] = system.add({"name": "A", "code": "A"})
        opened = connect(between.url)
        opened.streams()
        between.answer["model.party.address.create"] = self.CRASH

        outcomes = apply(opened, [Change("1", Operation.CREATE, "", {"party": party})], "addresses")

        assert answers(outcomes) == [Answer.UNKNOWN]
