"""Speaks JSON-RPC with one Tryton database: logs in once, keeps the session, logs out."""

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.tryton.answers import override, result_of
from hub.http import Bearer, HttpClient, Response, quote_segment
from hub.sdk import AuthError, ConfigError, Exchange, HubError, Secret, Settings

_EXPIRED = frozenset({401, 403})  # 403 was the answer of older Trytons
_JUDGED = frozenset({401, 403, 503})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call gave, with its exchange and the moment of Tryton's own clock (None: it did not say)."""

    result: Any
    exchange: Exchange
    at: datetime | None


@dataclass(slots=True)
class Client:
    """One user on one database. `context` goes with every call (language, company)."""

    settings: Settings
    context: Mapping[str, Any] = field(default_factory=dict)
    _session: HttpClient | None = field(default=None, init=False)
    _refused: AuthError | None = field(default=None, init=False)

    def call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None, safe: bool = True) -> Reply:
        """Call one method. `safe` says that it changes nothing.

        Raises RefusalError, AuthError, ConfigError, TransientError, SilenceError (only when not `safe`), FatalError.
        """
        body = {"id": 1, "method": method, "params": [*params, {**self.context, **(context or {})}]}
        fresh = self._session is None
        response = self._post(body, safe=safe)
        if response.status in _EXPIRED and not fresh:
            self._forget()  # the session ended: nothing was done, so log in again, once
            response = self._post(body, safe=safe)
        if response.status == 401:
            raise AuthError("Tryton does not accept the session it has just given. Check the user of this connection.")
        return Reply(result_of(response, method), response.exchange, _moment(response))

    def series(self) -> str:
        """The release series that answers, such as 8.2. Needs no login."""
        method = "common.server.version"
        client = self._client()
        try:
            body = {"id": 1, "method": method, "params": []}
            return str(result_of(client.call("POST", f"{self._root()}/rpc/", json=body, safe=True), method))
        finally:
            client.close()

    def shown(self, text: str) -> str:
        """`text` as a person may see it: bounded, without any secret."""
        return self._session.scrub.excerpt(text.encode()) if self._session else ""

    def close(self) -> None:
        """End the session in Tryton too, so that none is left over."""
        if self._session is None:
            return
        with suppress(HubError):  # a session that cannot be ended expires by itself
            self._post({"id": 1, "method": "common.db.logout", "params": []}, safe=True)
        self._forget()

    def _forget(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None

    def _post(self, body: Mapping[str, Any], *, safe: bool) -> Response:
        if self._session is None:
            self._session = self._login()
        return self._session.call("POST", self._address(), json=body, safe=safe, expect=_JUDGED)

    def _login(self) -> HttpClient:
        """Open a session. A refused password is not tried again: after five, Tryton locks the user out for a while."""
        if self._refused:
            raise self._refused
        user, password = str(self.settings.config["user"]), self.settings.secrets.get("password", Secret(""))
        if not password:
            raise ConfigError("The credential of this connection has no password. Enter one.")
        client = self._client(secrets=(password,))
        body = {
            "id": 1,
            "method": "common.db.login",
            "params": [user, {"password": password.reveal()}, self.context.get("language")],
        }
        try:
            response = client.call("POST", self._address(), json=body, safe=True, expect=_JUDGED)
        finally:
            client.close()
        if response.status in _EXPIRED:
            self._refused = AuthError(f"Tryton refused the password of “{user}”. Correct the user or the credential.")
            raise self._refused
        number, token = result_of(response, "common.db.login")[:2]
        pair = base64.b64encode(f"{user}:{number}:{token}".encode()).decode()
        return self._client(auth=Bearer(Secret(pair), scheme="Session"), secrets=(Secret(token), password))

    def _root(self) -> str:
        return str(self.settings.config["url"]).rstrip("/")

    def _address(self) -> str:
        return f"{self._root()}/{quote_segment(str(self.settings.config['database']))}/rpc/"

    def _client(self, *, auth: Bearer | None = None, secrets: tuple[Secret, ...] = ()) -> HttpClient:
        return HttpClient(
            base_url=self._root(),
            origins=self.settings.origins,
            auth=auth,
            timeout=self.settings.timeout,
            secrets=secrets,
            pace=self.settings.pace,
            override=override,
        )


def _moment(response: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.header("date") or "").astimezone(UTC)
    except ValueError:
        return None
