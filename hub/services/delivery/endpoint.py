"""What is needed to judge a delivery, kept in memory for some seconds so that it costs no query."""

import threading
import time
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection

from hub import clock
from hub.engine import signature
from hub.engine.signature import Scheme, SignatureError
from hub.models import Webhook
from hub.sdk import ConfigError
from hub.services import credential, webhook

FRESH_SECONDS = 3.0
MOST_UNKNOWN = 1000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook as the receiver needs it."""

    id: int
    scheme: Scheme
    keys: tuple[bytes, ...]
    tolerance: int
    largest: int
    id_from: str
    event_from: str


class Directory:
    """Endpoints by name. While the database is away it goes on with what it knows."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Endpoint | None]] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Endpoint | None:
        """The endpoint of this name; None when there is none. Raises DatabaseError when that cannot be known."""
        known = self._known.get(name)
        if known is not None and time.monotonic() - known[0] < FRESH_SECONDS:
            return known[1]
        if known is not None and not self._lock.acquire(blocking=False):
            return known[1]  # somebody looks already
        if known is None:
            self._lock.acquire()
        try:
            return self._looked_up(name, known)
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Know nothing."""
        self._known.clear()

    def _looked_up(self, name: str, known: tuple[float, Endpoint | None] | None) -> Endpoint | None:
        try:
            found = _load(name)
        except (DatabaseError, InterfaceError):
            if known is None:
                raise
            return known[1]
        finally:
            # Nothing else gives this thread's connection back: the request does not go through Django.
            if not connection.in_atomic_block:
                connection.close()
        if len(self._known) > MOST_UNKNOWN:
            self._known = {name: kept for name, kept in self._known.items() if kept[1] is not None}
        self._known[name] = (time.monotonic(), found)
        return found


def _load(name: str) -> Endpoint | None:
    row = Webhook.objects.select_related("credential").filter(name=name, is_active=True).first()
    if row is None:
        return None
    scheme = webhook.scheme_of(row)
    return Endpoint(
        id=row.pk,
        scheme=scheme,
        keys=_keys(row, scheme),
        tolerance=row.tolerance_seconds,
        largest=row.largest,
        id_from=webhook.id_from(row),
        event_from=webhook.event_from(row),
    )


def _keys(row: Webhook, scheme: Scheme) -> tuple[bytes, ...]:
    """The keys that are accepted now: the present one, and the one before until its time is up."""
    if row.credential is None:
        return ()
    try:
        values = credential.open_values(row.credential, use=credential.Use(row.name, "verify"))
    except ConfigError:
        return ()
    wanted = [webhook.SECRET]
    if row.previous_until and row.previous_until > clock.now():
        wanted.append(webhook.PREVIOUS)
    found = []
    for name in wanted:
        try:
            if name in values:
                found.append(signature.key_of(scheme, values[name].reveal()))
        except SignatureError:
            continue
    return tuple(found)


directory = Directory()
