"""What each answer means for the change that asked."""

from typing import Any

import pytest

from hub.sdk import Answer, Change, Operation
from tests.connectors.rest.listener import Told
from tests.connectors.rest.writes import CREATE, DELETE, UPDATE, WRITES, write


class TestOutcome:
    """What an answer means."""

    @pytest.mark.parametrize(
        ("change", "status", "answer", "code"),
        [
            (CREATE, 201, Answer.APPLIED, ""),
            (CREATE, 202, Answer.ACCEPTED, "accepted"),
            (CREATE, 206, Answer.UNKNOWN, "http-206"),
            (CREATE, 400, Answer.REFUSED, "validation"),
            (CREATE, 404, Answer.REFUSED, "not-found"),
            (CREATE, 409, Answer.REFUSED, "exists"),
            (CREATE, 413, Answer.REFUSED, "too-large"),
            (CREATE, 422, Answer.REFUSED, "validation"),
            (CREATE, 418, Answer.REFUSED, "http-418"),
            (CREATE, 429, Answer.RETRY, "rate-limited"),
            (CREATE, 500, Answer.UNKNOWN, "silence"),
            (CREATE, 503, Answer.UNKNOWN, "silence"),
            (CREATE, 401, Answer.AUTH, "auth"),
            (UPDATE, 403, Answer.AUTH, "forbidden"),
            (UPDATE, 200, Answer.APPLIED, ""),
            (UPDATE, 204, Answer.APPLIED, ""),
            (UPDATE, 301, Answer.RETRY, "config"),
            (UPDATE, 304, Answer.UNCHANGED, ""),
            (UPDATE, 404, Answer.MISSING, "missing"),
            (UPDATE, 410, Answer.MISSING, "missing"),
            (UPDATE, 409, Answer.REFUSED, "conflict"),
            (UPDATE, 412, Answer.CONFLICT, "version"),
            (UPDATE, 428, Answer.CONFLICT, "version"),
            (UPDATE, 423, Answer.RETRY, "busy"),
            (DELETE, 204, Answer.APPLIED, ""),
            (DELETE, 404, Answer.UNCHANGED, "missing"),
            (DELETE, 412, Answer.CONFLICT, "version"),
        ],
    )
    def test_follows_from_the_status(self, change: Change, status: int, answer: Answer, code: str) -> None:
        body = None if status in {204, 304} else {"id": 7, "v": 4}

        outcome = write(Told(status, body), change)

        assert (outcome.answer, outcome.code) == (answer, code)
        assert outcome.change_id == change.id
        assert outcome.exchange

    def test_may_be_told_otherwise_by_the_manifest(self) -> None:
        update = {**WRITES["update"], "refused": [403], "conflict": [409], "retry": [400], "missing": [422]}
        expected = {403: Answer.REFUSED, 409: Answer.CONFLICT, 400: Answer.RETRY, 422: Answer.MISSING}

        found = {status: write(Told(status, {}), UPDATE, update=update).answer for status in expected}

        assert found == expected

    def test_of_a_success_holds_the_new_key_version_and_image(self) -> None:
        outcome = write(Told(201, {"id": 7, "v": 4, "name": "Ada"}), CREATE)

        assert (outcome.key, outcome.version) == ("7", "4")
        assert outcome.image == {"id": 7, "v": 4, "name": "Ada"}

    def test_takes_the_key_from_where_the_manifest_says(self) -> None:
        create = {"path": "/things", "key_from": "header:Location"}
        told = Told(201, None, {"Location": "https://api.example/things/42/"})

        assert write(told, CREATE, create=create).key == "42"

    def test_of_a_create_without_a_key_is_in_doubt(self) -> None:
        outcome = write(Told(201, {"ok": True}), CREATE)

        assert (outcome.answer, outcome.code) == (Answer.UNKNOWN, "no-key")

    def test_takes_a_version_from_a_header(self) -> None:
        outcome = write(Told(200, {"id": 7}, {"ETag": 'W/"9"'}), UPDATE, version={"header": "ETag"})

        assert outcome.version == 'W/"9"'

    def test_of_a_conflict_holds_what_is_there_now(self) -> None:
        outcome = write(Told(412, {"existing": {"id": 7, "v": 9, "name": "Eve"}}), UPDATE)

        assert (outcome.key, outcome.version, outcome.image) == ("7", "9", {"id": 7, "v": 9, "name": "Eve"})

    def test_of_an_existing_record_is_not_taken_for_a_create(self) -> None:
        """Kinto answers 200 to a POST of an id that exists, and ignores the body."""
        create = {"path": "/things", "success": [201], "exists": [200]}

        outcome = write(Told(200, {"id": 7, "v": 2, "name": "Eve"}), CREATE, create=create)

        assert (outcome.answer, outcome.code, outcome.key) == (Answer.REFUSED, "exists", "7")

    def test_of_a_success_with_errors_inside_is_a_refusal(self) -> None:
        create = {"path": "/things", "errors": "errors"}

        outcome = write(Told(200, {"errors": [{"message": "period is locked"}]}), CREATE, create=create)

        assert outcome.answer is Answer.REFUSED
        assert outcome.message == "message: period is locked"

    def test_of_an_accepted_change_says_where_to_ask(self) -> None:
        assert write(Told(202, None, {"Location": "/jobs/5"}), CREATE).job == "/jobs/5"

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"message": "No."}, "No."),
            ({"error": {"message": "Not now."}}, "Not now."),
            ({"errors": {"name": ["is empty", "is short"]}}, "name: is empty; is short"),
            ({"detail": "t0ken-t0ken is wrong"}, "••• is wrong"),
            ("plain", '"plain"'),
        ],
    )
    def test_repeats_the_systems_own_words_without_secrets(self, body: Any, message: str) -> None:
        assert write(Told(422, body), CREATE).message == message

    def test_of_a_pause_says_how_long(self) -> None:
        assert write(Told(429, {}, {"Retry-After": "9"}), UPDATE).retry_after == 9.0

    def test_of_a_record_that_cannot_be_asked_for_is_a_refusal(self) -> None:
        change = Change("u", Operation.UPDATE, "R-1", {"name": "Ada"}, key="..")

        assert write(Told(200, {}), change).answer is Answer.REFUSED
