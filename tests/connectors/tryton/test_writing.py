"""Writing to a real Tryton."""

from dataclasses import replace
from typing import Any

import pytest

from hub.sdk import Answer, Change, Operation
from tests.connectors.tryton.changes import DELETE, answers, apply, edit, new, remove, seen
from tests.connectors.tryton.conftest import Open
from tests.connectors.tryton.erp import Erp
from tests.connectors.tryton.middleman import Middleman

pytestmark = pytest.mark.system


class TestCreate:
    def test_stores_the_sources_key_and_answers_with_what_is_held(self, system: Erp, connect: Open) -> None:
        [outcome] = apply(connect(system.url), [new("C1", lang="de")]).values()

        assert outcome.answer is Answer.APPLIED
        assert outcome.image == {"name": "Party C1", "code": "C1", "lang": "de", "active": True}
        assert system.parties() == {outcome.key: outcome.image}
        assert outcome.version

    def test_of_many_takes_one_call_and_one_to_read_back(self, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.streams()
        before = len(between.passed)

        outcomes = apply(opened, [new(f"C{number}") for number in range(50)])

        assert set(answers(outcomes)) == {Answer.APPLIED}
        assert len(between.passed) - before == 2

    def test_refused_for_one_is_done_for_the_others(self, system: Erp, connect: Open) -> None:
        [party] = system.add({"name": "A", "code": "A"})
        opened = connect(system.url)
        wrong = {"type": "eu_vat", "code": "BE0897290878"}
        changes = [
            Change(f"{number:02}", Operation.CREATE, "", {"party": party, **(wrong if number == 17 else {"code": "1"})})
            for number in range(30)
        ]

        outcomes = apply(opened, changes, "identifiers")

        assert [number for number, answer in enumerate(answers(outcomes)) if answer is not Answer.APPLIED] == [17]
        refusal = outcomes["17"]
        assert (refusal.answer, refusal.code) == (Answer.REFUSED, "validation")
        assert refusal.message == 'The European VAT Number "BE0897290878" for party "A" is not valid.'
        assert refusal.exchange
        assert "BE0897290878" in refusal.exchange.request
        assert system.call("model.party.identifier.search_count", []) == 29

    def test_of_a_taken_key_names_the_record_that_has_it(self, system: Erp, connect: Open) -> None:
        [key] = system.add({"name": "By hand", "code": "C1"})

        outcomes = apply(connect(system.url), [new("C1"), new("C2")])

        taken = outcomes["new C1"]
        assert (taken.answer, taken.code, taken.key) == (Answer.REFUSED, "exists", key)
        assert taken.image
        assert taken.image["name"] == "By hand"
        assert outcomes["new C2"].answer is Answer.APPLIED

    def test_of_the_same_key_twice_makes_one(self, system: Erp, connect: Open) -> None:
        outcomes = apply(connect(system.url), [new("C1"), replace(new("C1"), id="again")])

        assert sorted(outcome.code for outcome in outcomes.values()) == ["", "exists"]
        assert len(system.parties()) == 1

    def test_of_an_archived_record_creates_and_archives(self, system: Erp, connect: Open) -> None:
        """Tryton refuses to create one archived."""
        outcomes = apply(connect(system.url), [new("C1", active=False), new("C2", active=True)])

        assert {outcome.key: outcome.image for outcome in outcomes.values()} == system.parties()
        assert sorted(party["active"] for party in system.parties().values()) == [False, True]

    @pytest.mark.parametrize(
        ("fields", "code", "words"),
        [
            ({"lang": "xx"}, "lookup", "Tryton has no ir.lang whose code is “xx”"),
            ({"lang": 5}, "lookup", "“5”"),
            ({"nickname": "A"}, "field", "nickname is not a field of this stream"),
            ({"name": 5}, "type", "name is a char in Tryton; 5 is none"),
            ({"code": "another"}, "external-id", "Leave code out of the mapping"),
        ],
    )
    def test_of_what_cannot_be_sent_stops_nobody_else(
        self, system: Erp, connect: Open, fields: dict[str, Any], code: str, words: str
    ) -> None:
        outcomes = apply(connect(system.url), [new("C1", **fields), new("C2")])

        assert (outcomes["new C1"].answer, outcomes["new C1"].code) == (Answer.REFUSED, code)
        assert words in outcomes["new C1"].message
        assert outcomes["new C2"].answer is Answer.APPLIED

    def test_does_not_write_what_tryton_computes(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url, streams={"parties": {"fields": ["name", "code", "code_digit", "addresses"]}})

        outcomes = apply(opened, [new("C1", code_digit=5), new("C2", addresses=[]), new("C3")])

        assert [outcomes[f"new C{number}"].code for number in (1, 2, 3)] == ["field", "field", ""]


class TestUpdate:
    def test_sends_only_what_changed_and_answers_with_what_is_held(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        [record] = seen(opened, *system.add({"name": "A", "code": "A"}))

        [outcome] = apply(opened, [edit(record, lang="fr")]).values()

        assert outcome.answer is Answer.APPLIED
        assert outcome.image == {"name": "A", "code": "A", "lang": "fr", "active": True}
        assert outcome.version
        assert outcome.version != record.version

    def test_of_many_takes_one_call_and_one_to_read_back(self, system: Erp, between: Middleman, connect: Open) -> None:
        keys = system.add(*({"name": "A", "code": f"C{number}"} for number in range(30)))
        opened = connect(between.url)
        records = seen(opened, *keys)
        before = len(between.passed)

        outcomes = apply(opened, [edit(record, name=f"New {record.key}") for record in records])

        assert len(between.passed) - before == 2
        assert {outcome.key: outcome.image["name"] for outcome in outcomes.values() if outcome.image} == {
            key: f"New {key}" for key in keys
        }

    def test_of_a_stale_record_conflicts_and_shows_what_is_there(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        first, second, third = seen(opened, *system.add(*({"name": "A", "code": code} for code in "ABC")))
        system.edit(second.key, {"name": "By hand"})

        outcomes = apply(opened, [edit(record, name="By the hub") for record in (first, second, third)])

        assert answers(outcomes) == [Answer.APPLIED, Answer.CONFLICT, Answer.APPLIED]
        conflict = outcomes["edit B"]
        assert conflict.image == system.parties()[second.key]
        assert conflict.image["name"] == "By hand"
        assert conflict.version == seen(opened, second.key)[0].version

    def test_of_a_deleted_record_is_missing(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        first, second = seen(opened, *system.add({"name": "A", "code": "A"}, {"name": "B", "code": "B"}))
        system.call(DELETE, [int(first.key)])

        outcomes = apply(opened, [edit(first, name="X"), edit(second, name="X")])

        assert answers(outcomes) == [Answer.MISSING, Answer.APPLIED]

    def test_refused_for_one_is_done_for_the_others(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        records = seen(opened, *system.add(*({"name": "A", "code": f"C{number}"} for number in range(7))))

        outcomes = apply(
            opened, [edit(record, **({"code": "Z"} if record is records[3] else {"name": "X"})) for record in records]
        )

        assert [outcome.answer for outcome in outcomes.values()].count(Answer.APPLIED) == 6
        assert outcomes["edit C3"].answer is Answer.REFUSED
        assert 'not allowed to modify the field "Code"' in outcomes["edit C3"].message

    def test_archives(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        [record] = seen(opened, *system.add({"name": "A", "code": "A"}))

        apply(opened, [edit(record, active=False, name="Last words")])

        assert system.parties()[record.key] == {"name": "Last words", "code": "A", "lang": None, "active": False}

    def test_of_an_archived_record_is_refused_in_trytons_words(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        [key] = system.add({"name": "A", "code": "A"})
        system.edit(key, {"active": False})

        [outcome] = apply(opened, [edit(*seen(opened, key), name="X")]).values()

        assert outcome.answer is Answer.REFUSED
        assert "not allowed to modify" in outcome.message

    def test_brings_a_record_back_and_changes_it(self, system: Erp, connect: Open) -> None:
        """Tryton would refuse both in one call."""
        opened = connect(system.url)
        [key] = system.add({"name": "A", "code": "A"})
        system.edit(key, {"active": False})

        [outcome] = apply(opened, [edit(*seen(opened, key), name="Back", active=True)]).values()

        assert outcome.answer is Answer.APPLIED
        assert outcome.image == system.parties()[key] == {"name": "Back", "code": "A", "lang": None, "active": True}

    def test_that_brings_a_record_back_conflicts_when_it_is_stale(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        [key] = system.add({"name": "A", "code": "A"})
        system.edit(key, {"active": False})
        [record] = seen(opened, key)
        system.edit(key, {"active": False})

        [outcome] = apply(opened, [edit(record, name="Back", active=True)]).values()

        assert outcome.answer is Answer.CONFLICT
        assert system.parties()[key]["active"] is False

    def test_writes_links_as_keys(self, system: Erp, connect: Open) -> None:
        [one] = system.add({"name": "A", "code": "A"})
        opened = connect(system.url)
        [made] = apply(
            opened,
            [Change("1", Operation.CREATE, "", {"party": one, "type": "email", "value": "a@b.example"})],
            "contact_mechanisms",
        ).values()

        assert made.image
        assert made.image["party"] == one

    def test_without_a_version_is_sent_without_a_condition(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        [record] = seen(opened, *system.add({"name": "A", "code": "A"}))
        system.edit(record.key, {"name": "By hand"})

        [outcome] = apply(opened, [replace(edit(record, name="By the hub"), version=None)]).values()

        assert outcome.answer is Answer.APPLIED


class TestDelete:
    def test_removes_what_is_there_and_takes_absence_for_done(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        first, second = seen(opened, *system.add({"name": "A", "code": "A"}, {"name": "B", "code": "B"}))
        system.call(DELETE, [int(first.key)])

        outcomes = apply(opened, [remove(first), remove(second)])

        assert answers(outcomes) == [Answer.UNCHANGED, Answer.APPLIED]
        assert system.parties() == {}

    def test_of_a_stale_record_conflicts(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url)
        [record] = seen(opened, *system.add({"name": "A", "code": "A"}))
        system.edit(record.key, {"name": "By hand"})

        [outcome] = apply(opened, [remove(record)]).values()

        assert outcome.answer is Answer.CONFLICT
        assert record.key in system.parties()

    def test_refused_for_one_is_done_for_the_others(self, system: Erp, connect: Open) -> None:
        kinds = system.call("model.ir.sequence.type.create", [{"name": name} for name in "ABC"])
        [used] = system.call("model.ir.sequence.create", [{"name": "In use", "sequence_type": kinds[1]}])
        opened = connect(system.url, streams={"kinds": {"model": "ir.sequence.type", "fields": ["name"]}})

        outcomes = apply(opened, [Change(str(key), Operation.DELETE, "", key=str(key)) for key in kinds], "kinds")

        assert answers(outcomes) == [Answer.APPLIED, Answer.REFUSED, Answer.APPLIED]
        assert "Sequence" in outcomes[str(kinds[1])].message
        system.call("model.ir.sequence.delete", [used])
        system.call("model.ir.sequence.type.delete", kinds[1:2])

    def test_archives_where_the_stream_says_so(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url, streams={"parties": {"archive_field": "active"}})
        first, second = seen(opened, *system.add({"name": "A", "code": "A"}, {"name": "B", "code": "B"}))

        outcomes = apply(opened, [remove(first), replace(remove(second), key="99999999")])
        again = apply(opened, [replace(remove(first), version=None)])

        assert sorted(answers(outcomes)) == [Answer.APPLIED, Answer.UNCHANGED]
        assert [party["active"] for party in system.parties().values()] == [False, True]
        assert answers(again) == [Answer.UNCHANGED]
