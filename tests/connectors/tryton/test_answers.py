"""What Tryton's recorded answers mean (connectors/tryton/samples)."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.tryton.answers import CrashError, RefusalError, override, result_of
from hub.http import HttpClient, Response, WireAnswer, WireRequest, decode
from hub.sdk import AuthError, ConfigError, FatalError, HubError, RateLimitedError, SilenceError, TransientError

SAMPLES = Path(__file__).parents[3] / "connectors/tryton/samples"
ORIGIN = "http://127.0.0.1:8000"


class Tape:
    """Gives one recorded answer."""

    def __init__(self, sample: dict[str, Any]) -> None:
        self._sample = sample

    def send(self, request: WireRequest) -> WireAnswer:
        body = self._sample["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {name.lower(): value for name, value in self._sample["headers"].items()}
        return WireAnswer(self._sample["status"], headers, text.encode())

    def close(self) -> None:
        pass


def answered(name: str, *, safe: bool, **changed: Any) -> tuple[Response, str]:
    """A recorded answer, and the method it answered."""
    sample = json.loads((SAMPLES / f"{name}.json").read_text()) | changed
    client = HttpClient(base_url=ORIGIN, origins=(ORIGIN,), transport=Tape(sample), override=override)
    return client.call("POST", "erp/rpc/", json={}, safe=safe, expect={401, 403, 503}), sample["request"]["method"]


def failure(name: str, *, safe: bool = False, **changed: Any) -> HubError:
    """The error a recorded answer becomes."""
    with pytest.raises(HubError) as caught:
        result_of(*answered(name, safe=safe, **changed))
    return caught.value


class TestResults:
    def test_of_a_create_are_the_new_ids(self) -> None:
        assert result_of(*answered("created", safe=False)) == [7, 8]

    def test_of_a_write_are_nothing(self) -> None:
        assert result_of(*answered("written", safe=False)) is None

    def test_of_a_page_are_its_rows(self) -> None:
        rows = result_of(*answered("page", safe=True))

        assert [(row["code"], row["active"]) for row in rows] == [("C0001", 1), ("C0002", 0)]


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "code", "words"),
        [
            ("refused-unique", "unique", "The code on party must be unique."),
            ("refused-read-only", "validation", 'not allowed to modify the field "Code"'),
            ("refused-required", "validation", 'A value is required for field "Code"'),
            ("refused-missing", "validation", "don't exist"),
            ("conflict", "conflict", "modified in the meanwhile"),
            ("no-context", "request", "422"),
        ],
    )
    def test_keep_trytons_words(self, name: str, code: str, words: str) -> None:
        error = failure(name)

        assert isinstance(error, RefusalError)
        assert error.code == code
        assert words in str(error)
        assert error.exchange
        assert error.exchange.status

    def test_include_warnings_that_a_person_would_have_to_confirm(self) -> None:
        warning = {"id": 1, "error": ["UserWarning", ["party.1.similar", "There is a similar party.", "Look first."]]}

        error = failure("conflict", body=warning)

        assert isinstance(error, RefusalError)
        assert (error.code, str(error)) == ("warning", "There is a similar party. Look first.")


class TestFailures:
    def test_a_crash_during_a_write_leaves_doubt(self) -> None:
        error = failure("crash")

        assert isinstance(error, CrashError)
        assert isinstance(error, SilenceError)
        assert "'nonsense'" in str(error)

    def test_a_crash_during_a_read_is_no_doubt(self) -> None:
        assert isinstance(failure("crash", safe=True), FatalError)

    def test_a_missing_model_is_a_wrong_setting(self) -> None:
        error = failure("no-model")

        assert isinstance(error, ConfigError)
        assert "no.such.model" in str(error)

    def test_a_method_that_is_not_offered_is_a_wrong_setting(self) -> None:
        assert type(failure("not-offered")) is ConfigError

    def test_a_missing_database_is_a_wrong_setting(self) -> None:
        assert "database" in str(failure("login-no-database"))

    def test_a_locked_database_did_nothing(self) -> None:
        assert type(failure("busy")) is TransientError

    def test_any_other_503_leaves_doubt(self) -> None:
        assert type(failure("busy", body="the connection broke")) is SilenceError

    def test_a_proxy_that_asks_to_wait_did_nothing(self) -> None:
        assert type(failure("busy", body="", headers={"Retry-After": "5"})) is TransientError

    def test_a_page_instead_of_json_leaves_doubt(self) -> None:
        assert isinstance(failure("created", body="<html>Welcome</html>"), SilenceError)

    @pytest.mark.parametrize("body", [[], {"id": 1}, "null"])
    def test_json_of_somebody_else_leaves_doubt(self, body: Any) -> None:
        assert isinstance(failure("created", body=body), SilenceError)

    @pytest.mark.parametrize("error", [[], "text", None, ["UserError"], [{}, []]])
    def test_odd_errors_never_pass_as_success(self, error: Any) -> None:
        assert isinstance(failure("created", body={"id": 1, "error": error}), HubError)

    def test_a_second_proof_of_identity_is_for_a_person(self) -> None:
        asked = {"id": 1, "error": ["LoginException", ["sms_code", "SMS code", "char"]]}

        assert isinstance(failure("created", body=asked), AuthError)

    def test_a_user_who_is_shut_out_has_to_wait(self) -> None:
        assert isinstance(failure("login-locked"), RateLimitedError)

    def test_something_too_large_was_not_done(self) -> None:
        error = failure("created", status=413, body="")

        assert isinstance(error, RefusalError)
        assert error.code == "too-large"


class TestSamples:
    def test_hold_no_password_and_no_session(self) -> None:
        for path in SAMPLES.glob("*.json"):
            sample = decode(path.read_bytes())
            assert "adminpw" not in path.read_text()
            assert not isinstance(sample["body"], str) or "Session" not in sample["body"]
