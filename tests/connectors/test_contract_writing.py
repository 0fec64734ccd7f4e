"""What every destination promises."""

from dataclasses import replace

import pytest

from hub.sdk import (
    Answer,
    Opened,
    Operation,
)
from tests.connectors.acting import (
    applied,
    apply,
    based_on,
    capabilities,
    capability,
    creation,
    deletion,
    destination,
    existing,
    needs,
    subset,
    update,
)
from tests.connectors.bench import Bench


class TestWriting:
    """What a destination promises."""

    def test_creates_updates_and_deletes(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.CREATE)
        change = creation(bench, 1)
        [created] = apply(opened, bench, [change])
        key = applied(created)
        assert subset(bench.written_held()[key], change.fields)

        if capability(opened, bench, Operation.UPDATE):
            image = {**change.image, **bench.edit}
            [updated] = apply(opened, bench, [update(bench, key, created.version, image)])
            applied(updated)
            assert subset(bench.written_held()[key], image)

        if capability(opened, bench, Operation.DELETE):
            [deleted] = apply(opened, bench, [deletion(key)])
            applied(deleted)
            assert key not in bench.written_held()

    def test_deleting_twice_is_no_failure(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.DELETE)

        [outcome] = apply(opened, bench, [deletion(bench.absent)])

        assert outcome.answer in {Answer.UNCHANGED, Answer.MISSING}

    def test_updating_nothing_is_told(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.UPDATE)
        before = bench.written_held()

        [outcome] = apply(opened, bench, [update(bench, bench.absent, None, bench.edit)])

        assert outcome.answer is Answer.MISSING
        assert bench.written_held() == before

    def test_answers_every_change_once(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.CREATE)
        changes = [creation(bench, number) for number in range(1, 6)]
        if capability(opened, bench, Operation.UPDATE):
            changes.insert(2, update(bench, bench.absent, None, bench.edit))

        outcomes = apply(opened, bench, changes)

        assert sorted(outcome.change_id for outcome in outcomes) == sorted(change.id for change in changes)

    def test_outcomes_agree_with_fetch(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.CREATE)
        if not capabilities(opened, bench.written).fetch_by_key:
            pytest.skip("no fetch by key claimed")
        [created] = apply(opened, bench, [creation(bench, 1)])

        [record] = destination(opened).fetch(bench.written, [applied(created)])

        assert created.version in {None, record.version}
        assert created.image is None or dict(created.image) == dict(record.data)

    def test_refuses_a_stale_version(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.UPDATE)
        if claimed.conditional is None or bench.touch is None:
            pytest.skip("no conditional update claimed")
        record = existing(opened, bench)
        bench.touch(record.key)
        touched = dict(bench.written_held()[record.key])

        [stale] = apply(opened, bench, [based_on(bench, record)])

        assert stale.answer is Answer.CONFLICT
        assert dict(bench.written_held()[record.key]) == touched
        [now] = destination(opened).fetch(bench.written, [record.key])
        [fresh] = apply(opened, bench, [based_on(bench, now)])
        applied(fresh)
        assert subset(bench.written_held()[record.key], bench.edit)

    def test_refuses_to_delete_a_stale_version(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.DELETE)
        if claimed.conditional is None or bench.touch is None:
            pytest.skip("no conditional delete claimed")
        record = existing(opened, bench)
        bench.touch(record.key)

        [stale] = apply(opened, bench, [deletion(record.key, record)])

        assert stale.answer is Answer.CONFLICT
        assert record.key in bench.written_held()

    def test_refuses_to_create_over_a_record(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.CREATE)
        if claimed.conditional is None or not claimed.conditional.create:
            pytest.skip("no conditional create claimed")
        apply(opened, bench, [creation(bench, 1)])
        before = bench.written_held()
        again = replace(creation(bench, 1), fields={**bench.fresh(1), **bench.edit}, idempotency_key="another")

        [outcome] = apply(opened, bench, [again])

        assert outcome.answer in {Answer.CONFLICT, Answer.REFUSED}
        assert bench.written_held() == before

    def test_does_not_create_twice(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.CREATE)
        unique = claimed.external_id is not None and claimed.external_id.unique
        if not (claimed.key or unique or (claimed.conditional and claimed.conditional.create)):
            pytest.skip("nothing claimed that would prevent it")
        count = len(bench.written_held())

        apply(opened, bench, [creation(bench, 1)])
        apply(opened, bench, [creation(bench, 1)])

        assert len(bench.written_held()) == count + 1

    def test_finds_by_external_id(self, opened: Opened, bench: Bench) -> None:
        claimed = needs(opened, bench, Operation.CREATE)
        if not claimed.read_back.by_external_id:
            pytest.skip("no search by external id claimed")
        first, second = creation(bench, 1), creation(bench, 2)
        keys = {outcome.change_id: applied(outcome) for outcome in apply(opened, bench, [first, second])}

        found = list(destination(opened).find(bench.written, [first.external_id, "never-sent"]))

        assert [(external_id, record.key) for external_id, record in found] == [(first.external_id, keys[first.id])]

    def test_one_bad_item_does_not_stop_the_others(self, opened: Opened, bench: Bench) -> None:
        needs(opened, bench, Operation.UPDATE)
        if bench.bad is None:
            pytest.skip("this system refuses nothing")
        first, second, third = list(bench.written_held())[:3]
        bad = replace(update(bench, second, None, bench.bad), fields=bench.bad)

        outcomes = apply(
            opened, bench, [update(bench, first, None, bench.edit), bad, update(bench, third, None, bench.edit)]
        )

        answers = {outcome.change_id: outcome for outcome in outcomes}
        assert [answers[f"update-{key}"].answer for key in (first, second, third)] == [
            Answer.APPLIED,
            Answer.REFUSED,
            Answer.APPLIED,
        ]
        assert answers[f"update-{second}"].message
        assert answers[f"update-{second}"].code
