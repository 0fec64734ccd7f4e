"""What a configuration file may contain: names and shapes of every field."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import TextChoices

from hub.engine.lane import BUCKETS
from hub.models import (
    CredentialKind,
    Criticality,
    DeletePolicy,
    Direction,
    MissedPolicy,
    ReadMode,
    Semantics,
    SignatureStyle,
)

Reader = Callable[[Any], Any]


class ShapeError(Exception):
    """A value has the wrong shape; the text says which is wanted."""


def text(most: int = 200) -> Reader:
    """Text of at most `most` characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ShapeError("must be text. Write it in quotes.")
        if len(value) > most:
            raise ShapeError(f"must have at most {most} characters. Shorten it.")
        return value.strip()

    return read


def optional(inner: Reader) -> Reader:
    """`inner`, or null."""
    return lambda value: None if value is None else inner(value)


def whole(least: int, most: int) -> Reader:
    """A whole number within bounds."""

    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ShapeError(f"must be a whole number from {least} to {most}.")
        return value

    return read


def choice(choices: type[TextChoices]) -> Reader:
    """One of the values of an enumeration."""

    def read(value: Any) -> str:
        if value not in choices.values:
            raise ShapeError(f"must be one of {', '.join(choices.values)}.")
        return str(value)

    return read


def share(value: Any) -> Decimal:
    """A part of the whole, from 0 to 1, with three places."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal(-1)
    if isinstance(value, bool) or not 0 <= found <= 1:
        raise ShapeError("must be a share from 0 to 1, for example 0.02 for two in a hundred.")
    return found.quantize(Decimal("0.001"))


def moment(value: Any) -> datetime:
    """A date, or a time with a zone."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ShapeError("must be a date such as 2027-03-31, or a time such as 2027-03-31T12:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def texts(value: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ShapeError("must be a list of texts, for example [https://crm.example].")
    return value


def settings(value: Any) -> dict[str, Any]:
    """Names with values."""
    if not isinstance(value, dict):
        raise ShapeError("must be names with values, one a line.")
    return value


def stream(value: Any) -> tuple[str, str]:
    """connection/stream; a stream's own name may contain further slashes."""
    connection, _, name = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not connection or not name:
        raise ShapeError("must be connection/stream, for example crm/customers.")
    return connection, name


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ShapeError("must be true or false.")
    return value


def routes(value: Any) -> list[dict[str, Any]]:
    """A webhook's routes: for each the mapping, which events, and where the record keys stand."""
    if not isinstance(value, list) or not all(isinstance(route, dict) and "mapping" in route for route in value):
        raise ShapeError("must be a list of routes, for example [{mapping: orders/orders, events: [orders/*]}].")
    return [_route(route) for route in value]


def _route(given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {"mapping", "events", "keys_from"})
    if unknown:
        raise ShapeError(f"has an unknown part {', '.join(unknown)} in a route. Known: mapping, events, keys_from.")
    return {
        "mapping": text()(given["mapping"]),
        "events": texts(given.get("events", [])),
        "keys_from": text(120)(given.get("keys_from", "body:id")),
    }


def ports(value: Any) -> list[int]:
    """A list of port numbers."""
    read = whole(1, 65_535)
    if not isinstance(value, list):
        raise ShapeError("must be a list of ports, for example [443].")
    return [read(port) for port in value]


ZONE: Mapping[str, Reader] = {
    "title": text(),
    "networks": texts,
    "ports": ports,
    "allow_http": flag,
    "ca_bundle": text(200_000),
    "reason": text(300),
    "expires_at": optional(moment),
    "is_open": flag,
}
CREDENTIAL: Mapping[str, Reader] = {
    "title": text(),
    "kind": choice(CredentialKind),
    "details": settings,
    "origins": texts,
    "expires_at": optional(moment),
    "values": settings,
}
CONNECTION: Mapping[str, Reader] = {
    "title": text(),
    "connector": text(80),
    "config": settings,
    "credential": optional(text(80)),
    "owner": optional(text(150)),
    "landing_seconds": whole(0, 604_800),
    "timeout_seconds": whole(1, 3_600),
    "max_in_flight": whole(1, 1_000),
    "per_second": optional(whole(1, 100_000)),
    "per_minute": optional(whole(1, 1_000_000)),
    "per_day": optional(whole(1, 1_000_000_000)),
    "burst": optional(whole(1, 100_000)),
    "catch_up_rate": optional(whole(1, 1_000_000)),
}
INTEGRATION: Mapping[str, Reader] = {
    "title": text(),
    "purpose": text(5_000),
    "owner": text(150),
    "deputy": text(150),
    "criticality": choice(Criticality),
    "schedule": text(100),
    "time_zone": text(60),
    "missed_slots": choice(MissedPolicy),
    "grace_minutes": whole(1, 525_600),
    "fresh_minutes": whole(1, 525_600),
    "mappings": settings,
}
MAPPING: Mapping[str, Reader] = {
    "title": text(),
    "source": stream,
    "destination": stream,
    "semantics": choice(Semantics),
    "read_mode": choice(ReadMode),
    "direction": choice(Direction),
    "delete_policy": choice(DeletePolicy),
    "back_delete_policy": choice(DeletePolicy),
    "back_archive_fields": settings,
    "archive_fields": settings,
    "page_size": whole(1, 10_000),
    "slices": whole(1, BUCKETS),
    "verify_after": optional(whole(0, 86_400)),
    "scope_field": text(120),
    "max_deletions": whole(0, 1_000_000),
    "max_deletion_share": share,
    "body": settings,
}
WEBHOOK: Mapping[str, Reader] = {
    "title": text(),
    "connection": text(80),
    "is_active": flag,
    "style": choice(SignatureStyle),
    "signature": settings,
    "credential": optional(text(80)),
    "tolerance_seconds": whole(1, 86_400),
    "id_from": text(120),
    "event_from": text(120),
    "largest": whole(100, 20_971_520),
    "keep_days": whole(7, 3_650),
    "catch_up_minutes": whole(0, 525_600),
    "full_hours": whole(0, 8_760),
    "routes": routes,
}
