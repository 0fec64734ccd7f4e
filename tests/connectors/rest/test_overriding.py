"""Answers that mean something else at one API, and headers that tell of its quota."""

from typing import Any

import pytest

from connectors.rest.manifest import Quota
from connectors.rest.overriding import left_of
from hub.sdk import Answer, ConfigError, Operation, Outcome, RateLimitedError
from tests.connectors.rest.listener import Told
from tests.connectors.rest.writes import CREATE, DELETE, UPDATE, opened, writing

CLASSES = {
    "too-many": {"status": [403], "at": "error.code", "equals": ["RATE_LIMITED"], "means": "throttled"},
    "absent": {"status": [400], "at": "errors.0.code", "equals": ["NOT_FOUND"], "means": "target_gone"},
    "fault": {"status": [200], "at": "Fault", "means": "rejected"},
    "locked": {"status": [409], "at": "error.code", "equals": "LOCKED", "means": "busy"},
    "taken": {"status": [422], "at": "error.code", "equals": "DUPLICATE", "means": "duplicate"},
}
CHANGES = {Operation.CREATE: CREATE, Operation.UPDATE: UPDATE, Operation.DELETE: DELETE}


def outcome(told: Told, operation: Operation) -> Outcome:
    """The outcome of one change that is answered so."""
    with writing(lambda _: told, {"classes": CLASSES}) as connection:
        [found] = connection.apply("things", [CHANGES[operation]])
    return found


class TestClasses:
    """What a manifest says of an answer goes before what it means everywhere."""

    @pytest.mark.parametrize(
        ("row", "told", "operation", "answer", "code"),
        [
            ("403 that means throttled", Told(403, {"error": {"code": "RATE_LIMITED"}}), "update",
             Answer.RETRY, "rate-limited"),
            ("403 that means 403", Told(403, {"error": {"code": "FORBIDDEN"}}), "update", Answer.AUTH, "forbidden"),
            ("400 that means not found", Told(400, {"errors": [{"code": "NOT_FOUND"}]}), "update",
             Answer.MISSING, "absent"),
            ("the same of a delete: it is gone", Told(400, {"errors": [{"code": "NOT_FOUND"}]}), "delete",
             Answer.UNCHANGED, "missing"),
            ("400 that means 400", Told(400, {"errors": []}), "update", Answer.REFUSED, "validation"),
            ("200 with a fault", Told(200, {"Fault": {"message": "no"}}), "update", Answer.REFUSED, "fault"),
            ("200 without one", Told(200, {"id": 7, "Fault": None}), "update", Answer.APPLIED, ""),
            ("409 that means a lock", Told(409, {"error": {"code": "LOCKED"}}), "update", Answer.RETRY, "busy"),
            ("422 that means it exists", Told(422, {"error": {"code": "DUPLICATE"}}), "create",
             Answer.REFUSED, "exists"),
            ("300, several records match", Told(300, {}), "update", Answer.REFUSED, "ambiguous-target"),
        ],
    )  # fmt: skip
    def test_change_the_outcome(self, row: str, told: Told, operation: str, answer: Answer, code: str) -> None:
        found = outcome(told, Operation(operation))

        assert (found.answer, found.code) == (answer, code), row

    def test_hold_for_reads_too(self) -> None:
        throttled = {"classes": {"slow": {"status": [200], "at": "error", "means": "throttled"}}}
        listing = {"list": {"path": "/things", "records": "data"}}
        with (
            writing(lambda _: Told(200, {"error": "slow down"}), throttled, **listing) as connection,
            pytest.raises(RateLimitedError),
        ):
            connection.read("things", None, 10)

    @pytest.mark.parametrize(
        ("classes", "place"),
        [
            ({"x": {"status": [403], "means": "slow"}}, "classes.x.means"),
            ({"x": {"means": "throttled"}}, "classes.x.status"),
        ],
    )
    def test_that_cannot_be_read_name_their_place(self, classes: dict[str, Any], place: str) -> None:
        with pytest.raises(ConfigError, match=place):
            opened("http://127.0.0.1:1", {"classes": classes, "streams": {"things": {"create": {"path": "/things"}}}})


class TestBrake:
    """What was not sent is told apart from what was."""

    def test_says_that_the_rest_was_never_tried(self) -> None:
        with writing(lambda _: Told(429, {})) as connection:
            found = list(connection.apply("things", [UPDATE, DELETE, CREATE]))

        assert [each.code for each in found] == ["rate-limited", "paced", "paced"]
        assert {each.answer for each in found} == {Answer.RETRY}


class TestQuota:
    """Headers in the forms that APIs use."""

    @pytest.mark.parametrize(
        ("headers", "left"),
        [
            ({"x-left": "7", "x-reset": "30"}, (7, 30.0)),
            ({"x-left": "0"}, (0, None)),
            ({"x-left": "100, 100;window=60", "x-reset": ""}, (100, None)),
            ({"x-left": "many"}, (None, None)),
            ({}, (None, None)),
            ({"x-left": "1", "x-reset": "1000000001"}, (1, 0.0)),
        ],
    )
    def test_is_read(self, headers: dict[str, str], left: tuple[int | None, float | None]) -> None:
        assert left_of(Quota("X-Left", "X-Reset"), headers) == left
