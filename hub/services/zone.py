"""Egress zones: proposed by one person, opened by another, closed by anybody who may; and told to the way out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from hub import clock
from hub.http import Zone, Zones, current
from hub.http.zone import are_authorities, install, networks_of
from hub.models import EgressZone, User
from hub.sdk import ConfigError, FatalError
from hub.services import access, audit
from hub.services.history import save_as

BEFORE = "before-zones"
"""The zone that an upgrade opens, so that what was reachable stays so until somebody narrows it."""
SCOPE = ("networks", "ports", "allow_http", "ca_bundle", "expires_at")
FIELDS = ("name", "title", *SCOPE, "reason")
ALONE = "opened by who proposed it, as nobody else may open zones"


def refresh() -> Zones:
    """Have the way out know which zones are open now. One question; asked before a connection is opened, and every few
    seconds while one is in use. A database that is away changes nothing.
    """
    try:
        rows = list(now_open(clock.now()))
    except DatabaseError:
        return current()
    return install([*declared(), *map(_as_rule, rows)], own_servers())


def now_open(at: datetime) -> QuerySet[EgressZone]:
    """The zones that are open at this moment."""
    return EgressZone.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at), is_open=True)


def declared() -> tuple[Zone, ...]:
    """Zones of this process beside the rows: none. Tests open this machine here, where their servers are."""
    return ()


def own_servers() -> tuple[tuple[str, int], ...]:
    """(host, port) of the hub's own database and Redis, which no zone lets in."""
    found = []
    database = settings.DATABASES["default"]
    if "postgresql" in database["ENGINE"]:
        found.append((database.get("HOST") or "localhost", int(database.get("PORT") or 5432)))
    redis = urlsplit(settings.REDIS_URL)
    if redis.scheme in {"redis", "rediss"}:
        found.append((redis.hostname or "localhost", redis.port or 6379))
    return tuple((host, port) for host, port in found if not host.startswith("/"))


@transaction.atomic
def save(*, zone: EgressZone, by: User | None) -> bool:
    """Save a new or changed zone; returns whether it is open. Raises ConfigError and FatalError.

    A new one is a proposal. So is an open one that was widened: it is closed until it is opened again. One that was
    only narrowed stays open.
    """
    _refuse(by, "change" if zone.pk else "add", zone)
    check(zone)
    before = EgressZone.objects.select_for_update().filter(pk=zone.pk).first()
    changed = [name for name in FIELDS if before is None or getattr(before, name) != getattr(zone, name)]
    if not changed:
        return zone.is_open
    is_wider = before is None or _is_wider(before, zone)
    zone.is_open = before is not None and before.is_open and not is_wider
    if is_wider:
        zone.proposed_by = by
    save_as(zone, by=by, reason=zone.reason)
    audit.record(
        actor=by, action=f"egresszone.{'change' if before else 'add'}", subject=zone, reason=zone.reason,
        detail={"fields": changed, "stays_open": zone.is_open},
        before=_told(before, changed) if before else {}, after=_told(zone, changed),
    )  # fmt: skip
    return zone.is_open


@transaction.atomic
def open_zone(*, zone: EgressZone, by: User, reason: str) -> str:
    """Open it; returns a sentence. Another than who proposed it must do this, where there is one.

    Raises ConfigError when it is not sound, and FatalError where `by` may not, or is the one who proposed it.
    """
    zone = EgressZone.objects.select_for_update().get(pk=zone.pk)
    _refuse(by, "open", zone)
    if zone.is_open:
        raise FatalError(f"“{zone}” is open already.")
    if zone.expires_at is not None and zone.expires_at <= clock.now():
        raise ConfigError(f"“{zone}” has expired. Give it a later end, or none.")
    check(zone)
    others = openers().exclude(pk=by.pk)
    is_alone = zone.proposed_by_id in {None, by.pk} and not others.exists()
    if zone.proposed_by_id == by.pk and not is_alone:
        names = ", ".join(str(person) for person in others[:5])
        raise FatalError(f"You proposed “{zone}”, so somebody else has to open it: {names}.")
    zone.is_open, zone.opened_by, zone.opened_at = True, by.get_username(), clock.now()
    save_as(zone, by=by, reason=reason, fields=["is_open", "opened_by", "opened_at"])
    told = {"proposed_by": zone.proposed_by.get_username() if zone.proposed_by else "the hub"}
    audit.record(
        actor=by, action="zone.open", subject=zone, reason=reason, after=_told(zone, SCOPE),
        detail=told | ({"alone": ALONE} if is_alone else {}),
    )  # fmt: skip
    return f"Opened, alone: {ALONE}." if is_alone else "Opened. It counts within some seconds."


@transaction.atomic
def close(*, zone: EgressZone, by: User, reason: str) -> None:
    """Close it: new connections end at once, those that are kept within seconds. Raises FatalError."""
    zone = EgressZone.objects.select_for_update().get(pk=zone.pk)
    _refuse(by, "close", zone)
    if not zone.is_open:
        raise FatalError(f"“{zone}” is not open.")
    zone.is_open = False
    save_as(zone, by=by, reason=reason, fields=["is_open"])
    audit.record(actor=by, action="zone.close", subject=zone, reason=reason, before=_told(zone, SCOPE))


def check(zone: EgressZone) -> None:
    """Raise ConfigError when the zone could not be opened as it stands; a wrong part is named."""
    try:
        zone.networks = [str(network) for network in networks_of(zone.networks)]
    except ValueError as error:
        raise ConfigError(f"networks: {error}") from None
    if not zone.networks:
        raise ConfigError("networks: name at least one.")
    if any(isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65_536 for port in zone.ports):
        raise ConfigError("ports: each must be a number from 1 to 65535.")
    zone.ca_bundle = zone.ca_bundle.strip()
    if zone.ca_bundle and not are_authorities(zone.ca_bundle):
        raise ConfigError("ca_bundle: this does not hold certificates as PEM (-----BEGIN CERTIFICATE-----).")


def openers() -> QuerySet[User]:
    """The people whose role lets them open zones."""
    theirs = Permission.objects.filter(codename="open_egresszone", content_type__app_label="hub")
    return User.objects.filter(is_active=True, groups__permissions__in=theirs).distinct()


def _is_wider(before: EgressZone, after: EgressZone) -> bool:
    """Whether it lets in anything more, or believes anybody else. Equal parts are not looked at twice."""
    if before.allow_http < after.allow_http or before.ca_bundle != after.ca_bundle:
        return True
    if before.expires_at is not None and (after.expires_at is None or after.expires_at > before.expires_at):
        return True
    if before.ports and (not after.ports or set(after.ports) - set(before.ports)):
        return True
    there = networks_of(before.networks)
    return not all(
        any(new.version == old.version and new.subnet_of(old) for old in there)  # type: ignore[arg-type]
        for new in networks_of(after.networks)
    )


def _as_rule(zone: EgressZone) -> Zone:
    return Zone(zone.name, networks_of(zone.networks), frozenset(zone.ports), zone.allow_http, zone.ca_bundle)


def _told(zone: EgressZone, names: Iterable[str]) -> dict[str, Any]:
    """These parts as the audit trail keeps them."""
    return {name: str(value) if isinstance(value := getattr(zone, name), datetime) else value for name in names}


def _refuse(by: User | None, action: str, zone: EgressZone) -> None:
    if by is None:
        raise FatalError("Egress zones are proposed and opened by a person who may: say who, with --by.")
    decision = access.can(by, action, zone if zone.pk else EgressZone)
    if not decision:
        raise FatalError(decision.reason)
