"""Connections: opened for use with their secrets, tested, paused and resumed."""

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from time import monotonic
from typing import NamedTuple

from django.db import transaction

from hub import queue, registry
from hub.clock import now
from hub.http.redact import Scrubber
from hub.models import CheckState, Connection, ConnectionCheck, Credential, User
from hub.sdk import (
    AuthError,
    ConfigError,
    Connector,
    HubError,
    Opened,
    Secret,
    Settings,
    SilenceError,
    Stream,
    TransientError,
    check_config,
)
from hub.services import audit, credential, pace, zone
from hub.services.credential import oauth

logger = logging.getLogger(__name__)


@contextmanager
def opened(connection: Connection) -> Iterator[Opened]:
    """The connection in use: a Source, a Destination or both; closed at the end. Never inside a transaction.

    Raises ConfigError when a setting, a secret or the credential's allowed addresses are wrong.
    """
    _refuse_inside_transaction()
    connector, given = prepared(connection)
    is_by_call = connector.is_paced_by_call and bool(given.origins)
    with (
        pace.opened(connection, given.origins, 1 if is_by_call else None) as paced,
        closing(connector.open(replace(given, pace=paced))) as conversation,
    ):
        yield pace.by_call(conversation, paced) if is_by_call else conversation


def prepared(connection: Connection, *, purpose: str = "call", number: int | None = None) -> tuple[Connector, Settings]:
    """The connector and what it is opened with: checked config, opened secrets, addresses. Raises ConfigError.

    The way out knows from then on which zones are open. `number` asks for a version of the credential that is not the
    one in use; `purpose` is kept with the use.
    """
    zone.refresh()
    connector = registry.get(connection.connector)
    config = check_config(connector.fields, connection.config)
    origins = tuple(credential.normal_origin(origin) for origin in connector.origins(config))
    secrets = _secrets(connection, connector, credential.Use(connection.name, purpose, origins), number)
    tokens = oauth.source_of(connection.credential, connection.name, number)
    return connector, Settings(config, secrets, origins, float(connection.timeout_seconds), tokens=tokens)


def streams(connection: Connection) -> list[Stream]:
    """What the connection offers to read and write. Raises a HubError."""
    with opened(connection) as conversation:
        return list(conversation.streams())


@transaction.atomic
def request_check(*, connection: Connection, by: User | None, number: int | None = None) -> ConnectionCheck:
    """Ask a worker to test the connection, perhaps with another version of its credential."""
    check = ConnectionCheck.objects.create(connection=connection, asked_by=by, asked_at=now(), number=number)
    audit.record(actor=by, action="connection.check", subject=connection, detail={"number": number} if number else {})
    queue.ask_check(check.pk)
    return check


@transaction.atomic
def request_checks(*, of: Credential, by: User | None) -> int:
    """Ask a worker to try the staged values over every connection that uses them, or else those in use.

    Returns over how many. Raises ConfigError when no connection uses the credential.
    """
    users = Connection.objects.filter(credential=of)
    if not users:
        raise ConfigError(f"No connection uses “{of}”, so there is nothing to test it with.")
    version = credential.staged(of)
    for user in users:
        request_check(connection=user, by=by, number=version.number if version else None)
    return len(users)


def run_check(*, check_id: int) -> None:
    """Test a connection and write down how it stands; a check that is done or gone is left alone."""
    waiting = ConnectionCheck.objects.select_related("connection__credential")
    check = waiting.filter(pk=check_id, state=CheckState.ASKED).first()
    if check is None:
        return
    _refuse_inside_transaction()
    started = monotonic()
    verdict = _examine(check.connection, check.number)
    check.milliseconds = round((monotonic() - started) * 1000)
    check.state, check.message, check.done_at = verdict.state, verdict.message[:1000], now()
    check.save(update_fields=["state", "message", "milliseconds", "done_at"])
    if check.number is not None:
        credential.note_test(check)
    elif verdict.state == CheckState.REACHABLE:
        pace.proven(check.connection)


class _Verdict(NamedTuple):
    state: CheckState
    message: str


def _examine(connection: Connection, number: int | None) -> _Verdict:
    """How the connection answers, in one sentence that contains no secret."""
    scrub = Scrubber(())
    try:
        connector, given = prepared(connection, purpose="test", number=number)
        scrub = Scrubber([secret.reveal() for secret in given.secrets.values()])
        with closing(connector.open(given)) as conversation:
            return _Verdict(CheckState.REACHABLE, scrub(conversation.check()))
    except HubError as error:
        return _Verdict(_state_after(error), scrub(str(error)))
    except Exception as error:  # noqa: BLE001  a connector may fail in any way; a check must still end
        # The text of a foreign error may quote what it was called with, so only its kind and place are kept.
        where = "".join(traceback.format_tb(error.__traceback__))
        kind = type(error).__name__
        logger.error("Testing %s: %s in the connector\n%s", connection.name, kind, where)  # noqa: TRY400
        return _Verdict(
            CheckState.BROKEN,
            f"The connector “{connection.connector}” itself failed ({kind}). "
            f"This is a fault of the connector, not of these settings; the log says where.",
        )


def _state_after(error: HubError) -> CheckState:
    if isinstance(error, AuthError):
        return CheckState.UNAUTHORISED
    if isinstance(error, ConfigError):
        return CheckState.WRONG
    if isinstance(error, TransientError | SilenceError):
        return CheckState.UNREACHABLE
    return CheckState.BROKEN


def _secrets(
    connection: Connection, connector: Connector, use: credential.Use, number: int | None
) -> dict[str, Secret]:
    """The secrets that the connector asks for. Raises ConfigError when one is missing or must not go there."""
    asked = {field.name: field for field in connector.fields if field.is_secret}
    stored = connection.credential
    found: dict[str, Secret] = {}
    if asked and stored is not None:
        refuse_other_origins(connection.name, use.origins, stored.name, stored.origins)
        opened = credential.open_values(stored, use=use, number=number)
        found = {name: secret for name, secret in opened.items() if name in asked}
    missing = [field.label for name, field in asked.items() if field.required and name not in found]
    if missing:
        place = f"its credential “{stored.name}”" if stored else "a credential, and choose that for the connection"
        raise ConfigError(f"{', '.join(missing)} of “{connection.name}” is missing. Set it in {place}.")
    return found


def refuse_other_origins(name: str, reached: tuple[str, ...], credential_name: str, allowed: Sequence[str]) -> None:
    """Raise ConfigError when connection `name` reaches an address to which the credential may not be sent."""
    for origin in reached:
        if origin not in allowed:
            raise ConfigError(
                f"The connection “{name}” reaches {origin}, but its credential “{credential_name}” may be sent "
                f"only to {', '.join(allowed) or 'no address yet'}. Correct the connection's address, or set "
                f"the credential's values again with this address allowed."
            )


def _refuse_inside_transaction() -> None:
    """A call to the outside inside a transaction holds locks for as long as another system likes."""
    # A test's own surrounding transaction does not count, by the rule Django has for durable blocks.
    blocks = transaction.get_connection().atomic_blocks
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise RuntimeError("A connection must not be opened inside a database transaction.")
