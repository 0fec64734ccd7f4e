"""A lost answer is settled by what the destination offers, never by a guess (correctness paper 1.3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.engine import resolve
from hub.engine.resolve import Doubt, Protocol, Verdict
from hub.sdk import (
    Call,
    ConditionalWrite,
    ExternalId,
    Key,
    Operation,
    ReadBack,
    Record,
    WriteCapability,
)

LOST = datetime(2026, 1, 1, tzinfo=UTC)
D = 900
NOT_YET, LANDED = LOST + timedelta(seconds=1), LOST + timedelta(seconds=D)
LAG = timedelta(seconds=60)
FINDABLE = ReadBack(by_external_id=True, search_lag=60)
BLIND = ReadBack(by_key=False)

CAS = WriteCapability(conditional=ConditionalWrite(create=True), read_back=FINDABLE)
UNIQUE = WriteCapability(external_id=ExternalId("ref"), read_back=FINDABLE)
UNIQUE_BLIND = WriteCapability(external_id=ExternalId("ref"))
KEY = WriteCapability(key=Key(ttl=86_400))
MARKER = WriteCapability(external_id=ExternalId("note", unique=False), read_back=FINDABLE)
KEY_AND_MARKER = replace(MARKER, key=Key(ttl=86_400))
NOTHING = WriteCapability()
STORING = WriteCapability(key=Key(ttl=86_400, stores_errors=True))


def doubt(operation: Operation = Operation.CREATE, precondition: str | None = None) -> Doubt:
    return Doubt(operation, {"name": "new"}, {"name": "old"}, precondition, LOST)


def chosen(of: Doubt, offered: WriteCapability | None, now: datetime = NOT_YET) -> tuple[Protocol, datetime]:
    step = resolve.choose(of, offered, D, now)
    return step.protocol, step.due_at


class TestChoosingForACreate:
    @pytest.mark.parametrize(
        ("offered", "protocol", "due"),
        [
            (CAS, Protocol.FIND, NOT_YET),
            (WriteCapability(conditional=ConditionalWrite(create=True)), Protocol.RESEND, NOT_YET),
            (UNIQUE, Protocol.FIND, NOT_YET),
            (UNIQUE_BLIND, Protocol.RESEND, NOT_YET),
            (KEY, Protocol.RESEND, NOT_YET),
            (KEY_AND_MARKER, Protocol.RESEND, NOT_YET),
            (MARKER, Protocol.FIND, LANDED + LAG),
            (NOTHING, Protocol.PARK, NOT_YET),
            (None, Protocol.PARK, NOT_YET),
        ],
        ids=["cas", "cas-blind", "unique", "unique-blind", "key", "key+marker", "marker", "nothing", "not-offered"],
    )
    def test_follows_the_table(self, offered: WriteCapability | None, protocol: Protocol, due: datetime) -> None:
        assert chosen(doubt(), offered) == (protocol, due)

    def test_trusts_a_key_only_while_no_request_can_outlive_it(self) -> None:
        age = timedelta(seconds=86_400 - D)

        assert chosen(doubt(), KEY, LOST + age - timedelta(seconds=1))[0] is Protocol.RESEND
        assert chosen(doubt(), KEY, LOST + age)[0] is Protocol.PARK
        assert chosen(doubt(), KEY_AND_MARKER, LOST + age)[0] is Protocol.FIND

    def test_counts_the_age_of_a_key_from_its_first_use_not_from_the_last_request(self) -> None:
        old = replace(doubt(), keyed_at=LOST - timedelta(seconds=86_400 - D))

        assert chosen(old, KEY)[0] is Protocol.PARK

    def test_does_not_ask_a_key_again_that_has_stored_an_error(self) -> None:
        assert chosen(doubt(), STORING)[0] is Protocol.RESEND
        assert chosen(replace(doubt(), has_answer=True), STORING)[0] is Protocol.PARK

    def test_waits_a_day_for_what_was_taken_for_later(self) -> None:
        due = chosen(replace(doubt(), is_job=True), MARKER)[1]

        assert due == LOST + timedelta(days=1) + LAG

    def test_believes_a_stream_that_says_how_long_a_request_may_still_land(self) -> None:
        assert chosen(doubt(), replace(MARKER, landing=10))[1] == LOST + timedelta(seconds=70)


class TestChoosingForAnUpdate:
    @pytest.mark.parametrize(
        ("offered", "precondition", "protocol", "due"),
        [
            (CAS, "v1", Protocol.READ, NOT_YET),
            (CAS, None, Protocol.READ, LANDED),
            (WriteCapability(conditional=ConditionalWrite(strong=False)), "v1", Protocol.READ, LANDED),
            (UNIQUE, "v1", Protocol.READ, LANDED),
            (KEY, None, Protocol.READ, NOT_YET),
            (replace(KEY, read_back=BLIND), None, Protocol.RESEND, NOT_YET),
            (NOTHING, None, Protocol.READ, LANDED),
            (replace(NOTHING, read_back=BLIND), None, Protocol.PARK, NOT_YET),
        ],
        ids=["cas", "cas-unversioned", "weak-cas", "unique", "key", "key-blind", "nothing", "blind"],
    )
    @pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.DELETE])
    def test_follows_the_table(
        self,
        operation: Operation,
        offered: WriteCapability,
        precondition: str | None,
        protocol: Protocol,
        due: datetime,
    ) -> None:
        assert chosen(doubt(operation, precondition), offered) == (protocol, due)


class TestChoosingForALaterCall:
    CALLS = (Call("header"), Call("lines"), Call("activate", repeatable=True))

    def test_sends_the_call_again_under_its_own_key(self) -> None:
        assert chosen(replace(doubt(), step="header"), replace(KEY, calls=self.CALLS))[0] is Protocol.RESEND

    def test_sends_a_repeatable_call_again_once_the_first_can_no_longer_land(self) -> None:
        after_lines = replace(doubt(), step="lines")

        assert chosen(after_lines, replace(NOTHING, calls=self.CALLS)) == (Protocol.RESEND, LANDED)

    def test_asks_a_person_about_a_call_that_must_not_be_made_twice(self) -> None:
        assert chosen(replace(doubt(), step="header"), replace(UNIQUE, calls=self.CALLS))[0] is Protocol.PARK


def judged(of: Doubt, offered: WriteCapability, now: datetime, *found: Record) -> Verdict:
    return resolve.judge(of, resolve.look(of, offered, D, now, found))


OURS, BEFORE, HERS = (
    Record("1", {"name": "new"}, "v2"),
    Record("1", {"name": "old"}, "v1"),
    Record("1", {"name": "x"}, "v2"),
)


class TestJudgingACreate:
    def test_by_the_records_that_carry_our_reference(self) -> None:
        assert judged(doubt(), MARKER, NOT_YET, OURS) is Verdict.HAPPENED
        assert judged(doubt(), MARKER, NOT_YET, OURS, HERS) is Verdict.SEVERAL

    def test_not_found_is_not_did_not_happen_until_it_can_no_longer_land(self) -> None:
        assert judged(doubt(), MARKER, NOT_YET) is Verdict.WAIT
        assert judged(doubt(), MARKER, LANDED) is Verdict.WAIT  # the search may still lag behind
        assert judged(doubt(), MARKER, LANDED + LAG) is Verdict.ABSENT

    def test_the_same_may_be_sent_before_where_a_second_one_is_harmless_but_not_as_a_new_request(self) -> None:
        assert judged(doubt(), UNIQUE, NOT_YET) is Verdict.RESEND
        assert judged(doubt(), KEY_AND_MARKER, NOT_YET) is Verdict.RESEND


class TestJudgingAnUpdate:
    @pytest.mark.parametrize(
        ("present", "early", "late"),
        [
            (OURS, Verdict.HAPPENED, Verdict.HAPPENED),
            (BEFORE, Verdict.RESEND, Verdict.ABSENT),
            (HERS, Verdict.CONFLICT, Verdict.CONFLICT),
        ],
    )
    def test_by_value_then_version_where_versions_are_compared(
        self, present: Record, early: Verdict, late: Verdict
    ) -> None:
        of = doubt(Operation.UPDATE, "v1")

        assert (judged(of, CAS, NOT_YET, present), judged(of, CAS, LANDED, present)) == (early, late)

    @pytest.mark.parametrize(
        ("present", "early", "late"),
        [
            (OURS, Verdict.HAPPENED, Verdict.HAPPENED),
            (BEFORE, Verdict.WAIT, Verdict.ABSENT),
            (HERS, Verdict.WAIT, Verdict.CONFLICT),
        ],
    )
    def test_by_the_value_before_where_they_are_not(self, present: Record, early: Verdict, late: Verdict) -> None:
        of = doubt(Operation.UPDATE)

        assert (judged(of, NOTHING, NOT_YET, present), judged(of, NOTHING, LANDED, present)) == (early, late)

    def test_a_record_that_is_gone_is_a_conflict(self) -> None:
        assert judged(doubt(Operation.UPDATE, "v1"), CAS, NOT_YET) is Verdict.CONFLICT


class TestJudgingADeletion:
    def test_by_absence(self) -> None:
        of = doubt(Operation.DELETE, "v1")

        assert judged(of, CAS, NOT_YET) is Verdict.HAPPENED
        assert judged(of, CAS, NOT_YET, BEFORE) is Verdict.RESEND
        assert judged(of, CAS, NOT_YET, HERS) is Verdict.CONFLICT
        assert judged(of, NOTHING, NOT_YET, BEFORE) is Verdict.WAIT


class TestALateCopy:
    """Idempotent is not reorder-safe: the first copy of W1 may land after W2 (I9)."""

    def test_endangers_a_newer_write_until_it_can_no_longer_land(self) -> None:
        assert resolve.endangers(doubt(), UNIQUE, D, NOT_YET) == LANDED
        assert resolve.endangers(doubt(), UNIQUE, D, LANDED) is None

    def test_endangers_nothing_where_versions_or_keys_are_compared(self) -> None:
        assert resolve.endangers(doubt(Operation.UPDATE, "v1"), CAS, D, NOT_YET) is None
        assert resolve.endangers(doubt(), KEY, D, NOT_YET) is None

    def test_of_a_create_that_is_refused_twice_cannot_undo_an_update_but_a_deletion(self) -> None:
        assert not resolve.must_wait(Operation.UPDATE, UNIQUE)
        assert resolve.must_wait(Operation.DELETE, UNIQUE)
        assert resolve.must_wait(Operation.UPDATE, MARKER)
        assert resolve.must_wait(Operation.UPDATE, replace(UNIQUE, external_id=ExternalId("ref", upsert=True)))


class TestForeignWrites:
    @pytest.mark.parametrize(
        ("before", "after", "step", "overtook"),
        [
            ("4", "5", 1, False), ("4", "6", 1, True), ("4", "6", 2, False),
            ("4", "6", None, False), (None, "6", 1, False), ("a", "c", 1, False),
        ],
    )  # fmt: skip
    def test_show_in_a_version_that_rose_further_than_ours(
        self, before: str | None, after: str, step: int | None, *, overtook: bool
    ) -> None:
        assert resolve.overtook(before, after, step) is overtook
