"""Sets up connections as people do it on a form: settings, and in the same step their secrets."""

from collections.abc import Mapping

from django.db import transaction

from hub import registry
from hub.models import Connection, Credential, User
from hub.sdk import ConfigError, check_config
from hub.services import audit, credential
from hub.services.history import save_as

FIELDS = (
    "name", "title", "connector", "config", "credential", "owner", "landing_seconds", "timeout_seconds",
    "max_in_flight", "per_second", "per_minute", "per_day", "burst", "catch_up_rate",
)  # fmt: skip


def save_connection(*, connection: Connection, secrets: Mapping[str, str], by: User | None) -> None:
    """Save a new or changed connection; the `secrets` that are given replace those of its credential.

    A connection without a credential gets one of its own. Raises ConfigError when a setting is wrong, or when the
    connection would lead its credential to an address for which nobody has given the secrets.
    """
    if secrets:
        credential.get_ready(1)
    _save(connection, secrets, by)


@transaction.atomic
def _save(connection: Connection, secrets: Mapping[str, str], by: User | None) -> None:
    is_new = connection.pk is None
    origins = reached(connection)
    if secrets:
        connection.credential = _with_values(connection, origins, secrets, by)
    _refuse_other_addresses(connection, origins)
    changed = _changed(connection)
    if is_new or changed:
        save_as(connection, by=by, reason="set up" if is_new else "changed")
        action = "connection.add" if is_new else "connection.change"
        audit.record(actor=by, action=action, subject=connection, detail={"fields": changed})


def reached(connection: Connection) -> list[str]:
    """The addresses that a connection's settings lead to. Raises ConfigError."""
    connector = registry.get(connection.connector)
    return credential.normal_origins(connector.origins(check_config(connector.fields, connection.config)))


def _with_values(connection: Connection, origins: list[str], secrets: Mapping[str, str], by: User | None) -> Credential:
    """The connection's credential with these values, allowed where the connection goes."""
    kept = connection.credential or _own_credential(connection, by)
    others = Connection.objects.filter(credential=kept).exclude(pk=connection.pk).exists()
    allowed = sorted({*kept.origins, *origins}) if others else origins
    credential.set_values(credential=kept, values=secrets, by=by, origins=allowed)
    return kept


def _own_credential(connection: Connection, by: User | None) -> Credential:
    """A new credential under the connection's name, or the next free one."""
    names = [connection.name, *(f"{connection.name[:70]}-{number}" for number in range(2, 100))]
    taken = set(Credential.objects.filter(name__in=names).values_list("name", flat=True))
    own = Credential(name=next(name for name in names if name not in taken), title=connection.title)
    save_as(own, by=by, reason=f"made for the connection {connection.name}")
    audit.record(actor=by, action="credential.add", subject=own)
    return own


def _refuse_other_addresses(connection: Connection, origins: list[str]) -> None:
    kept = connection.credential
    beyond = [origin for origin in origins if kept and kept.fields and origin not in kept.origins]
    if kept and beyond:
        raise ConfigError(
            f"This leads to {', '.join(beyond)}, where the credential “{kept}” may not be sent. "
            f"Give its secrets again, all of them, to allow it."
        )


def _changed(connection: Connection) -> list[str]:
    """The names of the fields that differ from what is stored; all of them for a new connection."""
    stored = Connection.objects.filter(pk=connection.pk).first()
    if stored is None:
        return list(FIELDS)
    return [name for name in FIELDS if getattr(stored, name) != getattr(connection, name)]
