"""Tokens of OAuth2 credentials, with a provider of few words: what goes wrong, and what is kept of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from hub.clock import now
from hub.engine import token as engine
from hub.models import Credential, OAuthToken, TokenState
from hub.sdk import AuthError, ConfigError, HubError, Secret, TransientError
from hub.services import credential as credentials
from hub.services.credential import oauth, rewrap
from hub.services.credential.oauth import token
from hub.services.credential.oauth.provider import Grant
from tests.factories import CredentialFactory
from tests.hub.http.wires import Server, Wire, serving

pytestmark = pytest.mark.django_db
OLD, NEW = "old:" + "1" * 64, "new:" + "2" * 64
SECRET = "a client secret / with signs"


@contextmanager
def provider(*answers: bytes | str) -> Iterator[Server]:
    """Gives these answers one after the other, the last one for ever: a body, or a status; `reset` breaks off."""
    left = list(answers)

    def script(wire: Wire) -> None:
        while wire.read():
            said = left.pop(0) if len(left) > 1 else left[0]
            if said == "reset":
                wire.reset()
                return
            if isinstance(said, str):
                wire.answer(b'{"error": "' + said.partition(" ")[2].encode() + b'"}', status=said)
            else:
                wire.answer(said)

    with serving(script) as server:
        yield server


def gives(access: str, *, life: int = 3600, refresh: str = "") -> bytes:
    more = f', "refresh_token": "{refresh}"' if refresh else ""
    return f'{{"access_token": "{access}", "token_type": "bearer", "expires_in": {life}{more}}}'.encode()


def credential_at(server: Server, kind: str = "oauth_client", **details: str) -> Credential:
    made: Credential = CredentialFactory(origins=[])
    more = {"authorize_url": f"{server.url}/authorize"} if kind == "oauth_code" else {}
    credentials.set_values(
        credential=made, values={"client_secret": SECRET}, by=None, origins=[server.url], kind=kind,
        details={"client_id": "the hub", "token_url": f"{server.url}/token", **more, **details},
    )  # fmt: skip
    return made


def connected(server: Server, refresh: str = "refresh-1") -> Credential:
    """A credential to which a person has agreed."""
    credential = credential_at(server, "oauth_code")
    row = token.row_of(credential)
    key = credentials.vault_of(credential.kind).data_key()
    token.put(row, credential, Grant(Secret("access-0"), Secret(refresh), 3600.0), key)
    return credential


def current(credential: Credential) -> str:
    source = oauth.source_of(credential, "crm")
    assert source is not None
    return source.current().reveal()


def end(**more: Any) -> None:
    moment = now() - timedelta(seconds=1)
    OAuthToken.objects.update(renew_at=moment, expires_at=moment, next_try_at=None, **more)


class TestWhatIsAsked:
    def test_proves_the_client_in_a_header(self) -> None:
        with provider(gives("access-1")) as server:
            assert current(credential_at(server, scope="read write")) == "access-1"

        head, _, body = server.asked[0].partition(b"\r\n\r\n")
        assert b"authorization: Basic dGhlK2h1Y" in head
        assert body == b"grant_type=client_credentials&scope=read+write"

    def test_or_in_the_form(self) -> None:
        with provider(gives("access-1")) as server:
            current(credential_at(server, client_authentication="post"))

        head, _, body = server.asked[0].partition(b"\r\n\r\n")
        assert b"authorization" not in head.lower()
        assert b"client_id=the+hub&client_secret=a+client+secret+%2F+with+signs" in body


class TestWhatIsKept:
    def test_is_sealed_and_bound(self) -> None:
        with provider(gives("access-1")) as server:
            credential = credential_at(server)
            current(credential)

        row = OAuthToken.objects.get()
        assert b"access-1" not in bytes(row.sealed or b"")
        other = CredentialFactory(kind="oauth_client", origins=credential.origins, details=credential.details)
        OAuthToken.objects.update(credential=other, made_for=token.made_for(other))
        with pytest.raises(ConfigError, match="cannot be opened"):
            current(other)

    def test_is_wrapped_anew_with_a_new_key(self, settings: Any) -> None:
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [OLD]
        with provider(gives("access-1")) as server:
            credential = credential_at(server)
            current(credential)
            settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]
            list(rewrap.rewrap(by=None))
            settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW]

            assert OAuthToken.objects.get().key_id == "new"
            assert current(credential) == "access-1"

        assert len(server.asked) == 1

    def test_is_of_no_use_where_the_addresses_are_others(self) -> None:
        with provider(gives("access-1", refresh="refresh-2")) as server:
            credential = connected(server)
            credentials.set_values(
                credential=credential, values={"client_secret": SECRET}, by=None,
                origins=[server.url, "https://api.example:443"],
            )  # fmt: skip
            with pytest.raises(AuthError, match="needs consent"):
                current(credential)

        assert server.asked == []

    def test_is_what_renewed_it_where_the_provider_gives_no_other(self) -> None:
        with provider(gives("access-1"), gives("access-2")) as server:
            credential = connected(server)
            for number in (1, 2):
                end()
                assert current(credential) == f"access-{number}"

        assert [b"refresh_token=refresh-1" in asked for asked in server.asked] == [True, True]

    def test_of_a_claim_that_was_lost_is_nothing(self) -> None:
        with provider(gives("access-1")) as server:
            credential = connected(server)
            end()
            claimed = token.claim(token.row_of(credential))
            assert claimed is not None
            OAuthToken.objects.update(epoch=claimed.epoch + 1, state=TokenState.FRESH, message="another's")
            token.renew(claimed, credential, "crm")

        assert OAuthToken.objects.get().message == "another's"


def test_one_of_two_who_saw_the_same_renews() -> None:
    with provider(gives("access-1")) as server:
        credential = connected(server)
        end()
        seen = [token.row_of(credential) for _ in range(2)]

        assert [token.claim(row) is not None for row in seen] == [True, False]
        assert token.claim(token.row_of(credential)) is None  # nor anybody who sees that somebody is at it


class TestFailure:
    @pytest.mark.parametrize("answer", ["reset", "500 Broken", "503 Away", "429 Later", b"access_token=access-9"])
    def test_that_may_pass_is_never_doubt_and_is_tried_later(self, answer: bytes | str) -> None:
        with provider(answer, gives("access-1")) as server:
            credential = credential_at(server)
            for _ in range(2):
                with pytest.raises(TransientError) as caught:
                    current(credential)
            assert len(server.asked) == 1
            assert "access-9" not in str(caught.value)
            OAuthToken.objects.update(next_try_at=None)
            assert current(credential) == "access-1"

    @pytest.mark.parametrize("answer", ["400 invalid_scope", "401 invalid_client", "403 access_denied"])
    def test_that_is_a_refusal_says_what_the_provider_said_and_is_left_alone_longer(self, answer: str) -> None:
        with provider(answer) as server:
            credential = credential_at(server)
            with pytest.raises(AuthError, match=answer.split()[1]):
                current(credential)

        row = OAuthToken.objects.get()
        assert row.next_try_at is not None
        assert row.next_try_at > now() + timedelta(seconds=engine.REFUSED_WAIT - 60)

    def test_again_and_again_is_exhausted(self) -> None:
        with provider("500 Broken") as server:
            credential = credential_at(server)
            for _ in range(engine.MOST_FAILURES):
                OAuthToken.objects.update(next_try_at=None)
                with pytest.raises(TransientError):
                    current(credential)

        assert OAuthToken.objects.get().state == TokenState.EXHAUSTED

    def test_while_the_old_token_is_good_costs_nothing(self) -> None:
        with provider("500 Broken") as server:
            credential = connected(server)
            OAuthToken.objects.update(renew_at=now())
            assert current(credential) == "access-0"
            assert current(credential) == "access-0"

        assert len(server.asked) == 1

    def test_of_a_kind_of_token_that_the_hub_cannot_use_is_told(self) -> None:
        answer = b'{"access_token": "access-9", "token_type": "mac"}'
        with provider(answer) as server, pytest.raises(AuthError, match="kind mac") as caught:
            current(credential_at(server))

        assert "access-9" not in str(caught.value)

    def test_that_ends_the_consent_is_told_once_and_no_provider_is_asked_again(self) -> None:
        with provider("400 invalid_grant") as server:
            credential = connected(server)
            end()
            for _ in range(3):
                with pytest.raises(AuthError, match="needs consent at its provider"):
                    current(credential)

        assert len(server.asked) == 1
        assert OAuthToken.objects.get().sealed is None

    def test_shows_no_secret(self) -> None:
        echo = b'{"error": "invalid_client", "error_description": "' + SECRET.encode() + b' refresh-1"}'
        with provider(echo) as server:
            credential = connected(server)
            end()
            with pytest.raises(HubError) as caught:
                current(credential)

        told = str(caught.value) + OAuthToken.objects.get().message
        assert SECRET not in told
        assert "refresh-1" not in told


class TestRefused:
    def test_a_token_that_is_new_would_not_be_better(self) -> None:
        with provider(gives("access-1")) as server:
            source = oauth.source_of(credential_at(server), "crm")
            assert source is not None
            assert source.refused(source.current()) is False

        assert len(server.asked) == 1

    def test_an_older_one_is_renewed_at_the_next_need(self) -> None:
        with provider(gives("access-1"), gives("access-2")) as server:
            source = oauth.source_of(credential_at(server), "crm")
            assert source is not None
            refused = source.current()
            OAuthToken.objects.update(obtained_at=now() - timedelta(minutes=2))

            assert source.refused(refused) is True
            assert len(server.asked) == 1
            assert source.current().reveal() == "access-2"

    def test_one_that_somebody_else_replaced_is_news(self) -> None:
        with provider(gives("access-1"), gives("access-2")) as server:
            credential = credential_at(server)
            source = oauth.source_of(credential, "crm")
            assert source is not None
            refused = source.current()
            end()
            assert current(credential) == "access-2"

            assert source.refused(refused) is True
            assert source.current().reveal() == "access-2"


def test_a_token_is_not_asked_for_inside_a_transaction() -> None:
    from django.db import transaction

    with provider(gives("access-1")) as server:
        credential = credential_at(server)
        with transaction.atomic(), pytest.raises(RuntimeError, match="inside a database transaction"):
            current(credential)

    assert server.asked == []


def test_a_staged_secret_is_tried_without_touching_the_token_in_use() -> None:
    with provider(gives("access-1"), gives("access-2")) as server:
        credential = credential_at(server)
        assert current(credential) == "access-1"
        version = credentials.stage(credential=credential, values={"client_secret": "the next one"}, by=None)
        trial = oauth.source_of(credential, "crm", version.number)
        assert trial is not None
        assert trial.current().reveal() == "access-2"
        assert current(credential) == "access-1"


def test_other_kinds_have_no_tokens() -> None:
    assert oauth.source_of(CredentialFactory(kind="bearer"), "crm") is None
    assert oauth.source_of(None, "crm") is None
