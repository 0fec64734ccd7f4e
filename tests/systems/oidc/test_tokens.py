"""Tokens of a real OAuth2 provider that rotates what renews them and notices when one is used twice."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from hub import failpoint
from hub.clock import now
from hub.models import Credential, CredentialUse, OAuthToken, TokenState, User
from hub.sdk import AuthError, Change, ConfigError, Operation, TransientError
from hub.services import connection as services
from hub.services import pace
from hub.services.credential import oauth
from tests.connectors.acting import destination, source
from tests.systems.oidc.agreeing import acting, agree, end, machine, row, things, use
from tests.systems.oidc.conftest import Running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.system]


@pytest.fixture(autouse=True)
def unarmed() -> Iterator[None]:
    yield
    failpoint.disarm()


def together(count: int, work: Callable[[], Any]) -> list[Any]:
    """Do it in so many threads at once; what came of each, errors included."""
    came: list[Any] = []
    gate = threading.Barrier(count)

    def go() -> None:
        gate.wait()
        try:
            came.append(work())
        except Exception as error:  # noqa: BLE001  it is what came of it
            came.append(error)
        finally:
            connections.close_all()

    crew = [threading.Thread(target=go) for _ in range(count)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return came


class TestClientCredentials:
    @pytest.mark.parametrize("way", ["", "basic", "post"])
    def test_get_a_token_once_for_all_calls_and_say_who_used_the_secret(self, running: Running, way: str) -> None:
        credential = machine(running, client_authentication=way)
        connection = things(running, credential)

        assert use(connection, 3) == 9
        assert use(connection) == 3

        assert running.asked()["client_credentials"] == 1
        told = CredentialUse.objects.get(credential=credential, purpose="token")
        assert (told.used_by, told.origin) == (connection.name, running.url)

    def test_pass_the_test_of_a_connection(self, running: Running, person: User) -> None:
        connection = things(running, machine(running))

        check = services.request_check(connection=connection, by=person)
        services.run_check(check_id=check.pk)

        check.refresh_from_db()
        assert check.state == "reachable"

    def test_that_are_refused_say_so_and_are_not_hammered(self, running: Running) -> None:
        credential = machine(running, secret="another secret")
        connection = things(running, credential)

        for _ in range(3):
            with pytest.raises(AuthError, match="invalid_client") as caught:
                use(connection)

        assert "another secret" not in str(caught.value) + row(credential).message
        assert running.asked()["client_credentials"] == 1

    def test_get_another_token_with_another_secret_or_scope(self, running: Running, person: User) -> None:
        from hub.services import credential as credentials

        credential = machine(running)
        connection = things(running, credential)
        use(connection)
        credentials.set_values(credential=credential, values={"client_secret": "wrong by now"}, by=person)

        with pytest.raises(AuthError, match="invalid_client"):
            use(connection)

    def test_are_never_sent_to_an_address_that_is_not_allowed(self, running: Running) -> None:
        credential = machine(running, token_url="http://127.0.0.1:9/o/token/")

        with pytest.raises(ConfigError, match=r"127\.0\.0\.1:9.*may not be sent"):
            oauth.source_of(credential, "x").current()  # type: ignore[union-attr]
        assert running.asked() == {}

    def test_wait_while_the_provider_is_away(self, running: Running) -> None:
        credential = machine(running)
        connection = things(running, credential)
        running.control(mood={"status": 503})

        for _ in range(3):
            with pytest.raises(TransientError, match="tried again soon"):
                use(connection)
        assert running.asked()["client_credentials"] == 1

        running.control(mood={})
        OAuthToken.objects.update(next_try_at=now())
        assert use(connection) == 3


class TestRenewal:
    @pytest.fixture
    def credential(self, running: Running, person: User) -> Credential:
        """One that a person has agreed to."""
        made = acting(running)
        assert agree(running, made, person).state == "done"
        running.control(mood={})
        return made

    def test_happens_before_the_end_and_keeps_what_renews_it_next(
        self, running: Running, credential: Credential
    ) -> None:
        connection = things(running, credential)
        for number in (1, 2, 3):
            end(credential)
            assert use(connection) == 3
            assert running.asked()["refresh_token"] == number

        assert row(credential).state == TokenState.FRESH
        assert row(credential).renewals == 4

    def test_of_eight_threads_asks_the_provider_once_and_fails_no_call(
        self, running: Running, credential: Credential
    ) -> None:
        connection = things(running, credential)
        running.control(mood={"slow": 0.3})
        end(credential)

        came = together(8, lambda: use(connection, 5))

        assert came == [15] * 8
        assert running.asked()["refresh_token"] == 1

    def test_of_eight_processes_under_traffic_asks_once_and_fails_no_call(
        self, running: Running, credential: Credential
    ) -> None:
        connection = things(running, credential)
        running.control(mood={"slow": 0.2})
        use(connection)
        connections.close_all()
        crew = multiprocessing.get_context("fork")
        came, gate = crew.Queue(), crew.Barrier(9)

        def work() -> None:
            try:
                connector, given = services.prepared(connection)  # nothing paces them: all come at once
                with closing(connector.open(given)) as opened:
                    gate.wait()
                    until, count = time.monotonic() + 4, 0
                    while time.monotonic() < until:
                        assert len(source(opened).read("things", None, 10).records) == 3
                        count += 1
                came.put(count)
            except BaseException as error:  # noqa: BLE001  it is what came of it
                came.put(repr(error))

        # Due in the middle of it, and for two seconds more still good.
        middle = now() + timedelta(seconds=2)
        OAuthToken.objects.update(renew_at=middle, expires_at=middle + timedelta(seconds=2))
        connections.close_all()
        children = [crew.Process(target=work) for _ in range(8)]
        for child in children:
            child.start()
        gate.wait()
        counts = [came.get(timeout=60) for _ in children]
        for child in children:
            child.join()

        assert all(isinstance(count, int) and count > 3 for count in counts), counts
        assert running.asked()["refresh_token"] == 1

    def test_uses_the_new_token_where_the_provider_ended_the_old_one_early(
        self, running: Running, credential: Credential
    ) -> None:
        connection = things(running, credential)
        OAuthToken.objects.update(obtained_at=now() - timedelta(minutes=5))
        with services.opened(connection) as opened:
            revoke(running)
            assert len(source(opened).read("things", None, 10).records) == 3

        assert running.asked()["refresh_token"] == 1
        assert pace.hold_of(connection, now()) is None

    def test_does_not_repeat_a_write_that_was_refused(self, running: Running, credential: Credential) -> None:
        connection = things(running, credential)
        OAuthToken.objects.update(obtained_at=now() - timedelta(minutes=5))
        change = Change("c", Operation.CREATE, "x", {"a": 1}, {"a": 1})
        with services.opened(connection) as opened:
            source(opened).read("things", None, 10)
            revoke(running)
            answers = [next(iter(destination(opened).apply("things", [change]))).answer.value for _ in range(2)]

        assert answers == ["auth", "applied"]
        assert running.asked()["things POST"] == 1  # of the refused one the provider's own door did not let it in

    def test_is_committed_before_the_token_is_used(self, running: Running, credential: Credential) -> None:
        seen: list[tuple[str, int]] = []
        failpoint.watch(
            lambda name: seen.append((name, running.asked().get("things GET", 0))) if name.startswith("token") else None
        )
        end(credential)
        use(things(running, credential))

        assert seen == [("token.answered", 0), ("token.committed", 0)]


def revoke(running: Running) -> None:
    """The provider ends every access token, as it may."""
    running.control(revoke=True)
