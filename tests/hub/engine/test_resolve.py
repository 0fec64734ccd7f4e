"""A lost answer is settled by what the destination offers, never by a guess."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.engine import resolve
from hub.engine.resolve import Doubt, Protocol, Verdict
from hub.sdk import ConditionalWrite, ExternalId, Key, Operation, ReadBack, Record, WriteCapability

SENT = datetime(2026, 1, 1, tzinfo=UTC)
SOON = SENT + timedelta(seconds=1)
FINDABLE = ReadBack(by_external_id=True, search_lag=60)


def doubt(operation: Operation = Operation.CREATE, precondition: str | None = None) -> Doubt:
    return Doubt(operation, {"name": "new"}, {"name": "old"}, precondition, SENT)


class TestChoosingForACreate:
    def test_looks_up_a_unique_reference_at_once(self) -> None:
        step = resolve.choose(doubt(), WriteCapability(external_id=ExternalId("ref"), read_back=FINDABLE), 900, SOON)

        assert (step.protocol, step.due_at) == (Protocol.FIND, SOON)

    def test_resends_under_a_key_while_the_key_is_surely_remembered(self) -> None:
        step = resolve.choose(doubt(), WriteCapability(key=Key(ttl=86_400)), 900, SOON)

        assert step.protocol is Protocol.RESEND

    def test_does_not_trust_a_key_that_may_be_forgotten_while_the_request_lands(self) -> None:
        late = SENT + timedelta(seconds=86_400 - 900)

        assert resolve.choose(doubt(), WriteCapability(key=Key(ttl=86_400)), 900, late).protocol is Protocol.PARK

    def test_waits_for_the_landing_and_the_search_lag_before_it_believes_a_missing_marker(self) -> None:
        offered = WriteCapability(external_id=ExternalId("note", unique=False), read_back=FINDABLE)

        step = resolve.choose(doubt(), offered, 900, SOON)

        assert (step.protocol, step.due_at) == (Protocol.FIND, SENT + timedelta(seconds=960))

    def test_parks_where_nothing_is_offered(self) -> None:
        assert resolve.choose(doubt(), WriteCapability(), 900, SOON).protocol is Protocol.PARK


class TestChoosingForAnUpdate:
    def test_reads_at_once_when_a_late_copy_would_be_refused(self) -> None:
        offered = WriteCapability(conditional=ConditionalWrite())

        step = resolve.choose(doubt(Operation.UPDATE, "v1"), offered, 900, SOON)

        assert (step.protocol, step.due_at) == (Protocol.READ, SOON)

    def test_waits_out_the_landing_time_otherwise(self) -> None:
        step = resolve.choose(doubt(Operation.UPDATE), WriteCapability(), 900, SOON)

        assert (step.protocol, step.due_at) == (Protocol.READ, SENT + timedelta(seconds=900))


class TestJudging:
    @pytest.mark.parametrize(("count", "verdict"), [(0, Verdict.RESEND), (1, Verdict.HAPPENED), (2, Verdict.AMBIGUOUS)])
    def test_a_create_by_the_records_that_carry_our_reference(self, count: int, verdict: Verdict) -> None:
        assert resolve.judge_create([Record(str(n), {}) for n in range(count)]) is verdict

    @pytest.mark.parametrize(
        ("name", "version", "verdict"),
        [("new", "v2", Verdict.HAPPENED), ("old", "v1", Verdict.RESEND), ("hers", "v2", Verdict.CONFLICT)],
    )
    def test_an_update_by_value_then_version(self, name: str, version: str, verdict: Verdict) -> None:
        present = Record("1", {"name": name}, version)

        assert resolve.judge_update(doubt(Operation.UPDATE, "v1"), present) is verdict

    def test_an_update_without_versions_by_the_value_before(self) -> None:
        unversioned = doubt(Operation.UPDATE)

        assert resolve.judge_update(unversioned, Record("1", {"name": "old"})) is Verdict.RESEND
        assert resolve.judge_update(unversioned, Record("1", {"name": "hers"})) is Verdict.CONFLICT

    def test_a_deletion_by_absence(self) -> None:
        assert resolve.judge_delete(doubt(Operation.DELETE, "v1"), None) is Verdict.HAPPENED
        assert resolve.judge_delete(doubt(Operation.DELETE, "v1"), Record("1", {}, "v2")) is Verdict.CONFLICT
