"""Connections: opened only where their secrets may go, tested by a worker, paused with a reason."""

import logging
from typing import Any

import pytest
from django.db import transaction

from hub.models import AuditEvent, CheckState, Connection, ConnectionCheck, User
from hub.sdk import ConfigError
from hub.services import connection as service
from hub.services import credential
from tests.factories import ConnectionCheckFactory, ConnectionFactory, CredentialFactory, UserFactory
from tests.hub.garden import Garden

PASSWORD = "hunter2-and-more"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory()


@pytest.fixture
def toy(garden: Garden, person: User) -> Connection:
    garden.plant("toy")
    key = CredentialFactory(name="toy-key", origins=[])
    credential.set_values(credential=key, values={"password": PASSWORD}, by=person, origins=["https://toy.example"])
    return ConnectionFactory(name="toy", connector="toy", config={"url": "https://toy.example/v1"}, credential=key)


class TestOpened:
    def test_gives_config_with_defaults_secrets_addresses_and_deadline(self, toy: Connection) -> None:
        with service.opened(toy) as conversation:
            given: Any = conversation.settings  # type: ignore[attr-defined]

        assert given.config == {"url": "https://toy.example/v1", "mood": "well", "size": 1}
        assert given.secrets["password"].reveal() == PASSWORD
        assert given.origins == ("https://toy.example:443",)
        assert given.timeout == 30

    def test_closes_what_it_opened_even_after_an_error(self, toy: Connection) -> None:
        with pytest.raises(ZeroDivisionError), service.opened(toy) as conversation:
            _ = 1 / 0

        from connectors.toy import CLOSED  # type: ignore[import-not-found]

        assert conversation in CLOSED

    def test_refuses_an_address_where_the_secret_may_not_go_and_says_what_to_do(self, toy: Connection) -> None:
        toy.config = {"url": "https://thief.example"}

        with pytest.raises(ConfigError) as caught, service.opened(toy):
            pass
        assert str(caught.value) == (
            "The connection “toy” reaches https://thief.example:443, but its credential “toy-key” may be sent only "
            "to https://toy.example:443. Correct the connection's address, or set the credential's values again "
            "with this address allowed."
        )

    def test_gives_only_the_secrets_that_the_connector_asks_for(self, toy: Connection, person: User) -> None:
        assert toy.credential
        credential.set_values(credential=toy.credential, values={"unasked": "x"}, by=person)

        with service.opened(toy) as conversation:
            assert set(conversation.settings.secrets) == {"password"}  # type: ignore[attr-defined]

    def test_names_a_missing_secret_and_its_place(self, toy: Connection) -> None:
        toy.credential = None

        with (
            pytest.raises(ConfigError, match=r"Password of “toy” is missing. Set it in a credential"),
            service.opened(toy),
        ):
            pass

    def test_names_every_wrong_setting_at_once(self, toy: Connection) -> None:
        toy.config = {"size": "large", "colour": "red"}

        with pytest.raises(ConfigError) as caught, service.opened(toy):
            pass
        assert all(name in str(caught.value) for name in ("url", "size", "colour"))

    def test_refuses_inside_a_transaction(self, toy: Connection) -> None:
        with (
            transaction.atomic(),
            pytest.raises(RuntimeError, match="inside a database transaction"),
            service.opened(toy),
        ):
            pass


class TestStreams:
    def test_tells_what_the_connection_offers(self, toy: Connection) -> None:
        assert [stream.name for stream in service.streams(toy)] == ["things"]


class TestRequestCheck:
    def test_asks_a_worker_once_the_row_is_there(
        self,
        toy: Connection,
        person: User,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        asked: list[tuple[str, dict[str, int]]] = []
        monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: asked.append((job, ids)))

        with django_capture_on_commit_callbacks(execute=True):
            check = service.request_check(connection=toy, by=person)

        assert asked == [("hub.jobs.check_connection", {"check_id": check.pk})]
        assert (check.state, check.asked_by) == (CheckState.ASKED, person)
        assert AuditEvent.objects.filter(action="connection.check", actor=person, subject_name=str(toy)).exists()


class TestRunCheck:
    def check(self, connection: Connection) -> ConnectionCheck:
        check = ConnectionCheckFactory(connection=connection, state=CheckState.ASKED, done_at=None, message="")
        service.run_check(check_id=check.pk)
        check.refresh_from_db()
        return check

    @pytest.mark.parametrize(
        ("mood", "state", "message"),
        [
            ("well", CheckState.REACHABLE, "The toy plays, and has heard •••."),
            ("refusing", CheckState.UNAUTHORISED, "The toy does not know “•••”."),
            ("wrong", CheckState.WRONG, "The toy has no such shelf. Choose another."),
            ("away", CheckState.UNREACHABLE, "The toy is away."),
            ("silent", CheckState.UNREACHABLE, "The toy did not answer."),
            ("untrue", CheckState.BROKEN, "The toy broke a promise."),
        ],
    )
    def test_says_in_a_sentence_without_secrets_how_it_stands(
        self, toy: Connection, mood: str, state: CheckState, message: str
    ) -> None:
        toy.config = {**toy.config, "mood": mood}
        toy.save()

        check = self.check(toy)

        assert (check.state, check.message) == (state, message)
        assert check.done_at is not None
        assert check.milliseconds is not None

    def test_ends_when_the_connector_itself_fails_and_logs_the_place_but_not_the_text(
        self, toy: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        toy.config = {**toy.config, "mood": "broken"}
        toy.save()

        with caplog.at_level(logging.ERROR):
            check = self.check(toy)

        assert check.state == CheckState.BROKEN
        assert "itself failed (KeyError)" in check.message
        assert PASSWORD not in check.message + caplog.text
        assert "toy/__init__.py" in caplog.text

    def test_calls_a_wrong_config_wrong(self, toy: Connection) -> None:
        toy.config = {}
        toy.save()

        check = self.check(toy)

        assert check.state == CheckState.WRONG
        assert check.message.startswith("url: is required.")

    def test_ends_for_a_connector_that_cannot_be_loaded(self, toy: Connection, garden: Garden) -> None:
        garden.plant("torn", "import there_is_no_such_thing")
        toy.connector = "torn"
        toy.save()

        assert self.check(toy).state == CheckState.BROKEN

    def test_leaves_a_check_that_is_done_alone(self, toy: Connection) -> None:
        check = ConnectionCheckFactory(connection=toy, message="done before")

        service.run_check(check_id=check.pk)

        check.refresh_from_db()
        assert check.message == "done before"

    def test_is_quiet_about_a_check_that_is_gone(self, db: None) -> None:
        service.run_check(check_id=0)

        assert not ConnectionCheck.objects.exists()
