"""System checks with ids: what is wrong with this installation, and the cure."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.db import DatabaseError, connection
from django.db.models import Q

from hub import clock, env, registry
from hub.models import Connection, Integration, guard
from hub.sdk import ConfigError
from hub.services import audit, credential, zone
from hub.services.audit import anchor, verification
from hub.vault import UnsealError

KEYS = (
    ("HUB_SEAL_PUBLIC", "HUB_SEAL_PRIVATE HUB_VAULT_TRANSIT_URL HUB_SEAL_KEYS", "what `manage.py seal_keys` prints"),
    ("HUB_INBOUND_KEYS", "HUB_SEAL_KEYS", "id:key pairs"),
    ("HUB_AUDIT_KEYS", "", "id:key pairs"),
    ("HUB_SECRET_KEY", "", "50 random characters or more"),
)


@register()
def connectors_load(**_: Any) -> Iterable[CheckMessage]:
    """hub.E001: a connector's folder is broken. A warning, because one bad folder must not stop the hub."""
    for name, reason in registry.broken().items():
        yield Warning(
            f"The connector “{name}” cannot be loaded: {reason}",
            hint=f"Correct connectors/{name}, or remove the folder. Its connections fail until then.",
            id="hub.E001",
        )


@register()
def keys_seal(**_: Any) -> Iterable[CheckMessage]:
    """hub.E002: without sound keys no secret can be sealed or opened."""
    try:
        credential.main_vault()
        credential.inbound_vault()
    except UnsealError as error:
        name = str(error).partition(":")[0]
        yield Error(str(error), hint=f"Correct {name} in the environment and start again.", id="hub.E002")


@register()
def evidence_is_signed(**_: Any) -> Iterable[CheckMessage]:
    """hub.E003: without sound keys and anchors that somebody speaks nothing can be sealed."""
    try:
        audit.public_keys()
        for address in settings.HUB_AUDIT_ANCHORS:
            anchor.driver_of(address)
    except (audit.AuditKeyError, ValueError) as error:
        yield Error(str(error), hint="Correct HUB_AUDIT_KEYS or HUB_AUDIT_ANCHORS and start again.", id="hub.E003")


@register(deploy=True)
def evidence_is_anchored(**_: Any) -> Iterable[CheckMessage]:
    """hub.W012: seals that nobody else knows can be made anew by whoever has the database and the key."""
    if not settings.HUB_AUDIT_ANCHORS:
        yield Warning(
            "The audit trail is tamper-resistant, not tamper-evident: no place outside knows its seals.",
            hint="Set HUB_AUDIT_ANCHORS, for example syslog://loghost:514 or file:///a/volume/of/others/anchor.jsonl.",
            id="hub.W012",
        )


@register()
def kept_keys_are_private(**_: Any) -> Iterable[CheckMessage]:
    """hub.W003: other people of this machine can read a key kept in the state folder."""
    for name in ("seal_key", "inbound_key", "secret_key", "audit_key"):
        kept = Path(settings.HUB_STATE) / name
        if kept.exists() and kept.stat().st_mode & 0o077:
            yield Warning(f"{kept} can be read by others.", hint=f"chmod 600 {kept}", id="hub.W003")


@register(Tags.database)
def evidence_is_verified(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """hub.W020: evidence was found altered, or nobody has verified it for more than a day."""
    if not databases:
        return
    try:
        for told in verification.alarms():
            yield Warning(told, hint="Run manage.py verify_audit, and read docs/audit.md.", id="hub.W020")
    except DatabaseError:  # before the first migration there is no evidence
        return


@register(deploy=True)
def keys_are_given(**_: Any) -> Iterable[CheckMessage]:
    """hub.W004: keys made at the first start lie beside the data they protect, and are lost with it."""
    for name, instead, shape in KEYS:
        if not any(env.secret(one) for one in (name, *instead.split())):
            yield Warning(
                f"{name} is not set: a key made at the first start is used, from {settings.HUB_STATE}.",
                hint=f"Set {name} ({shape}) from your secret store, and keep it apart from database backups.",
                id="hub.W004",
            )


@register(deploy=True)
def web_cannot_open(**_: Any) -> Iterable[CheckMessage]:
    """hub.E004: with one key for both, whoever takes over the web process has every secret."""
    if settings.HUB_SEAL_PUBLIC or settings.HUB_SEAL_PRIVATE:
        return
    if settings.HUB_VAULT_TRANSIT is None:
        yield Error(
            "One key seals and opens secrets, so the web process can read all of them.",
            hint="Make a pair with `manage.py seal_keys`: HUB_SEAL_PUBLIC for all, HUB_SEAL_PRIVATE for workers only. "
            "Then `manage.py rewrap_credentials`. See docs/credentials.md.",
            id="hub.E004",
        )


@register(Tags.database)
def secrets_can_be_opened(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """hub.E005: secrets in use that this process should be able to open and has no key for."""
    if not databases:
        return
    try:
        lacking = credential.lacking_keys()
    except (DatabaseError, ConfigError):  # before the first migration; keys that are none are told by hub.E002
        return
    for wrapping, count in lacking.items():
        yield Error(
            f"{count} stored secrets cannot be opened here: {wrapping} is not given to this process.",
            hint="Give it the key, from where keys are kept apart from the database, or set the values anew.",
            id="hub.E005",
        )


@register(deploy=True)
def servers_are_given(**_: Any) -> Iterable[CheckMessage]:
    """hub.W005, hub.W006: the embedded database and Redis are for trying out."""
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        yield Warning(
            "The database is SQLite, which one machine can use and which writes one thing at a time.",
            hint="Set DATABASE_URL=postgresql://user:password@host:5432/name.",
            id="hub.W005",
        )
    if settings.HUB_EMBEDDED_REDIS:
        yield Warning(
            "Redis is the embedded one, which only this machine's processes can use.",
            hint="Set REDIS_URL=redis://host:6379/0.",
            id="hub.W006",
        )


@register(deploy=True)
def history_is_kept(**_: Any) -> Iterable[CheckMessage]:
    """hub.W007: without history nobody can tell who changed a setting."""
    if not settings.SIMPLE_HISTORY_ENABLED:
        yield Warning("The history of settings is off.", hint="Remove SIMPLE_HISTORY_ENABLED = False.", id="hub.W007")


@register(deploy=True)
def writers_have_a_second_factor(**_: Any) -> Iterable[CheckMessage]:
    """hub.W014: a password alone can be stolen, and everything that the hub may write goes with it."""
    if settings.HUB_SECOND_FACTOR == "off":
        yield Warning(
            "Nobody needs a second factor to sign in.",
            hint="Set HUB_SECOND_FACTOR=writers (whoever can change something) or all.",
            id="hub.W014",
        )


@register(deploy=True)
def the_network_of_people_is_known(**_: Any) -> Iterable[CheckMessage]:
    """hub.W013: behind a proxy that is not named, everybody comes from one network, and shares its failed sign-ins."""
    is_named = settings.ALLAUTH_TRUSTED_PROXY_COUNT or settings.ALLAUTH_TRUSTED_CLIENT_IP_HEADER
    if settings.HUB_HTTPS and not is_named:
        yield Warning(
            "People's addresses are not known: all sign-ins seem to come from the proxy that does HTTPS.",
            hint="Set HUB_PROXIES to the number of proxies that add to X-Forwarded-For, or HUB_CLIENT_ADDRESS_HEADER.",
            id="hub.W013",
        )


@register(Tags.database)
def mapped_roles_exist(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """hub.W015: a group of the provider leads to a role that there is not, so it gives nothing."""
    if not databases or settings.HUB_OIDC is None:
        return
    try:
        missing = settings.HUB_OIDC.roles - set(Group.objects.values_list("name", flat=True))
    except DatabaseError:  # before the first migration there are none
        return
    if missing:
        yield Warning(
            f"HUB_OIDC_GROUPS names roles that do not exist: {', '.join(sorted(missing))}.",
            hint="Correct their names, or make groups of these names on the page “Roles”.",
            id="hub.W015",
        )


@register(deploy=True)
def hosts_are_named(**_: Any) -> Iterable[CheckMessage]:
    """hub.W008: a hub that answers to any name can be led to write wrong addresses."""
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning("HUB_HOSTS allows every name.", hint="Set HUB_HOSTS=hub.example.com.", id="hub.W008")


@register(Tags.database)
def everything_is_owned(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """hub.W009, hub.W010, hub.W011, hub.W016: what nobody looks after, or guards. Asked with `--database default`."""
    if not databases:
        return []
    try:
        return [*_left_integrations(), *_left_connections(), *_lowered_guard(), *_wide_zone()]
    except DatabaseError:  # before the first migration there is nothing to own
        return []


def _left_integrations() -> Iterable[CheckMessage]:
    gone = Integration.objects.filter(Q(owner__is_active=False) | Q(deputy__is_active=False))
    for integration in gone.select_related("owner", "deputy"):
        people = [person.username for person in (integration.owner, integration.deputy) if not person.is_active]
        yield Warning(
            f"The integration “{integration}” belongs to {' and '.join(people)}, who can no longer sign in.",
            hint="Name an owner and a deputy who can, on the integration's page or in its file.",
            id="hub.W009",
        )


def _lowered_guard() -> Iterable[CheckMessage]:
    lacking = guard.missing(connection)
    if lacking:
        yield Warning(
            f"The database does not guard its evidence: {guard.told(lacking)} is missing or altered.",
            hint="Find out who took it down, then put it up again with manage.py migrate.",
            id="hub.W011",
        )


def _wide_zone() -> Iterable[CheckMessage]:
    """What an upgrade left open is closed by whoever knows what is really needed."""
    if zone.now_open(clock.now()).filter(name=zone.BEFORE).exists():
        yield Warning(
            f"The egress zone “{zone.BEFORE}” is open: every private address can be reached.",
            hint="Propose and open a zone for each network that is needed (docs/egress.md), then close it.",
            id="hub.W016",
        )


def _left_connections() -> Iterable[CheckMessage]:
    for row in Connection.objects.filter(Q(owner__isnull=True) | Q(owner__is_active=False)):
        yield Warning(
            f"The connection “{row}” has no owner who can sign in.",
            hint="Name one on the connection's page, or as owner in its file.",
            id="hub.W010",
        )
