"""Gives a connection in use the access token of its credential, and renews it when the time has come."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import connection as database

from hub.clock import now
from hub.engine import token as engine
from hub.engine.token import Step
from hub.models import Credential, CredentialKind, OAuthToken
from hub.sdk import AuthError, HubError, Secret, TransientError
from hub.services.credential.oauth import provider, token
from hub.services.credential.use import Use
from hub.services.credential.values import open_values

KINDS = (CredentialKind.OAUTH_CLIENT, CredentialKind.OAUTH_CODE)
FIRST_NAP, LONGEST_NAP = 0.05, 0.5
LONGEST_WAIT = engine.LEASE + 2 * engine.DEADLINE


def has_tokens(credential: Credential) -> bool:
    """Whether it is of a kind whose tokens the hub gets."""
    return credential.kind in KINDS


def needs_person(credential: Credential) -> bool:
    """Whether a person gives consent for it."""
    return credential.kind == CredentialKind.OAUTH_CODE


def source_of(credential: Credential | None, used_by: str, number: int | None = None) -> "Source | Trial | None":
    """Where the tokens of a credential come from, for the connection `used_by`; None for one of another kind.

    `number` names a version of its client secret that is only being tried.
    """
    if credential is None or not has_tokens(credential):
        return None
    is_trial = number is not None and number != credential.number
    if is_trial and credential.kind == CredentialKind.OAUTH_CLIENT:
        return Trial(credential, used_by, number or 0)
    return Source(credential, used_by)


class Source:
    """A TokenSource. What it knows it goes by until the moment, the same for all workers, of the next renewal."""

    def __init__(self, credential: Credential, used_by: str) -> None:
        self._credential, self._used_by = credential, used_by
        self._lock = threading.Lock()
        self._held: token.Held | None = None
        self._home = threading.get_ident()

    def current(self) -> Secret:
        """A token that may be used now. Raises AuthError, ConfigError, TransientError or SilenceError."""
        held = self._held
        if held is not None and now().timestamp() < held.renew_at:
            return held.access
        with self._lock, self._connected():
            self._held = self._found()
            return self._held.access

    def refused(self, refused: Secret) -> bool:
        """Whether there will be another token in place of this one."""
        with self._lock, self._connected():
            held, self._held = self._held, None
            if held is None or held.access.reveal() != refused.reveal():
                return True  # somebody has seen to it already
            return token.refused(self._credential, held.epoch)

    def _found(self) -> token.Held:
        nap, until = FIRST_NAP, time.monotonic() + LONGEST_WAIT
        while True:  # what was tried and failed leaves the row so that the next round ends
            self._credential.refresh_from_db()
            row = token.row_of(self._credential)
            todo = engine.step(token.standing_of(row, self._credential), now().timestamp())
            if todo is Step.USE:
                return token.held(row, self._credential)
            if todo is Step.CONSENT:
                raise AuthError(token.consent_needed(self._credential))
            if todo is Step.LATER or time.monotonic() > until:
                raise _no_token(self._credential, row)
            if todo is Step.RENEW and (claimed := token.claim(row)) is not None:
                with suppress(HubError):  # it stands in the row, and the token there is may still be good
                    token.renew(claimed, self._credential, self._used_by)
                continue
            time.sleep(nap)
            nap = min(LONGEST_NAP, nap * 1.5)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """A thread that is not the one in which the connection was opened leaves no database connection behind."""
        try:
            yield
        finally:
            if threading.get_ident() != self._home:
                database.close()


class Trial:
    """A TokenSource for a version of a client secret that is tried: its token is kept nowhere."""

    def __init__(self, credential: Credential, used_by: str, number: int) -> None:
        self._credential, self._used_by, self._number = credential, used_by, number
        self._lock, self._access = threading.Lock(), Secret("")

    def current(self) -> Secret:
        """A token got with that version. Raises what the provider causes."""
        with self._lock:
            if not self._access:
                use = Use(self._used_by, "test", tuple(self._credential.origins))
                client = provider.client_of(
                    self._credential, open_values(self._credential, use=use, number=self._number)
                )
                form = {"grant_type": "client_credentials", **({"scope": client.scope} if client.scope else {})}
                self._access = provider.ask(client, form).access
            return self._access

    def refused(self, refused: Secret) -> bool:
        """It was new."""
        return False


def _no_token(credential: Credential, row: OAuthToken) -> HubError:
    """Never that nobody knows what happened: of the call that needed the token nothing was sent."""
    told = f"There is no token of “{credential}”, and it is tried again soon. {row.message}".rstrip()
    return AuthError(told) if row.is_refused else TransientError(told)
