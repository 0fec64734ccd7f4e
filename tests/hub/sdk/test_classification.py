"""The classification table of the correctness paper (6.1), row by row."""

import pytest

from hub.sdk import ANSWERS, TRANSIENTS, Answer, Loss, SignalClass, classify, classify_loss

WRITE_ROWS = {
    "2xx with a valid body": ([200, 201, 203, 204, 205], SignalClass.APPLIED),
    "202": ([202], SignalClass.ACCEPTED),
    "207 per item": ([207], SignalClass.PER_ITEM),
    "301, 302, 303 on a write are never followed": ([301, 302, 303, 307, 308], SignalClass.CONFIG),
    "300, several external-id matches": ([300], SignalClass.DUPLICATE_TARGET),
    "400, 422": ([400, 422], SignalClass.REJECTED),
    "401": ([401, 407], SignalClass.AUTH),
    "403": ([403], SignalClass.PERMISSION),
    "404, 410 on an update": ([404, 410], SignalClass.TARGET_GONE),
    "408": ([408], SignalClass.AMBIGUOUS),
    "409, split further by the connector": ([409], SignalClass.CONFLICT),
    "412, 428": ([412, 428], SignalClass.CONFLICT),
    "413": ([413], SignalClass.SPLIT),
    "423, row lock": ([423], SignalClass.BUSY),
    "425": ([425], SignalClass.NOT_APPLIED),
    "429": ([429], SignalClass.THROTTLED),
    "500, 502, 504": ([500, 502, 504], SignalClass.AMBIGUOUS),
    "503 without Retry-After": ([503], SignalClass.AMBIGUOUS),
    "other refusals": ([405, 415, 451, 499], SignalClass.REJECTED),
    "statuses of no known hundred": ([0, 99, 600, 999], SignalClass.AMBIGUOUS),
}
READ_ROWS = {
    "success": ([200, 203], SignalClass.APPLIED),
    "redirects that were not followed": ([300, 301, 302], SignalClass.CONFIG),
    "credentials": ([401, 407], SignalClass.AUTH),
    "permission": ([403], SignalClass.PERMISSION),
    "absence": ([404, 410], SignalClass.TARGET_GONE),
    "refusals": ([400, 409, 412, 413, 422], SignalClass.REJECTED),
    "asked for less": ([429], SignalClass.THROTTLED),
    "locked": ([423], SignalClass.BUSY),
    "everything else passes": ([408, 425, 500, 502, 503, 504, 599], SignalClass.TRANSIENT),
    "statuses of no known hundred": ([0, 999], SignalClass.TRANSIENT),
}
LOSSES = {
    "no name, refused, connect timeout": (Loss.NOT_SENT, SignalClass.NOT_SENT, SignalClass.NOT_SENT),
    "certificate, egress rule": (Loss.UNSENDABLE, SignalClass.CONFIG, SignalClass.CONFIG),
    "broken pipe, reset, closed, truncated": (Loss.LOST, SignalClass.AMBIGUOUS, SignalClass.TRANSIENT),
    "read timeout": (Loss.TIMEOUT, SignalClass.AMBIGUOUS, SignalClass.TRANSIENT),
    "an answer larger than allowed": (Loss.OVERSIZE, SignalClass.AMBIGUOUS, SignalClass.CONFIG),
}


@pytest.mark.parametrize("row", WRITE_ROWS)
def test_an_answer_to_a_write(row: str) -> None:
    statuses, expected = WRITE_ROWS[row]

    assert {classify(status, write=True) for status in statuses} == {expected}


@pytest.mark.parametrize("row", READ_ROWS)
def test_an_answer_to_a_read(row: str) -> None:
    statuses, expected = READ_ROWS[row]

    assert {classify(status, write=False) for status in statuses} == {expected}


@pytest.mark.parametrize("row", LOSSES)
def test_a_lost_answer(row: str) -> None:
    loss, write, read = LOSSES[row]

    assert (classify_loss(loss, write=True), classify_loss(loss, write=False)) == (write, read)


@pytest.mark.parametrize("write", [True, False])
def test_503_with_retry_after_did_nothing(write: bool) -> None:
    assert classify(503, write=write, retry_after=True) is SignalClass.THROTTLED


def test_every_class_leads_to_an_answer() -> None:
    assert set(ANSWERS) == set(SignalClass)


def test_doubt_is_never_answered_by_a_retry() -> None:
    """The one mistake that duplicates records (rule 2 of the design)."""
    assert [kind for kind in SignalClass if kind is SignalClass.AMBIGUOUS and ANSWERS[kind] is not Answer.UNKNOWN] == []
    assert {ANSWERS[kind] for kind in TRANSIENTS} == {Answer.RETRY, Answer.UNKNOWN}
