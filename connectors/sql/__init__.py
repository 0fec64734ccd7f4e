"""SQL databases: PostgreSQL and SQLite tables as streams, read by key and cursor, written in transactions."""

from collections.abc import Mapping
from typing import Any

from connectors.sql.connection import SqlConnection
from connectors.sql.dialects import DIALECTS
from connectors.sql.session import Session
from connectors.sql.spec import parse_tables
from hub.sdk import ConfigError, ConfigField, Connector, FieldKind, Settings


def open_database(settings: Settings) -> SqlConnection:
    """A connection that calls out when it is first used."""
    config = settings.config
    place = origins(config)
    if settings.origins and not set(place) <= set(settings.origins):
        raise ConfigError(f"This connection may reach {', '.join(settings.origins)}, not {', '.join(place)}.")
    specs = parse_tables(config.get("tables"))
    return SqlConnection(Session(DIALECTS[config["driver"]], settings), specs, config.get("schema") or None)


def origins(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The server, or the file."""
    driver = str(config.get("driver"))
    if driver not in DIALECTS:
        raise ConfigError(f"driver: must be one of {', '.join(DIALECTS)}.")
    return (DIALECTS[driver].origin(config),)


CONNECTOR = Connector(
    name="sql",
    label="SQL database",
    summary="Tables of a PostgreSQL or SQLite database, read and written by their keys.",
    fields=(
        ConfigField(
            "driver",
            "Kind of database",
            "Which database this is.",
            FieldKind.CHOICE,
            default="postgresql+psycopg",
            choices=tuple(DIALECTS),
        ),
        ConfigField("host", "Server", "Name or address of the server; empty for SQLite.", required=False),
        ConfigField("port", "Port", "Empty means the usual one.", FieldKind.NUMBER, required=False),
        ConfigField("database", "Database", "Name of the database, or the path of the SQLite file."),
        ConfigField("user", "User", "The account to log in with; give it only the rights it needs.", required=False),
        ConfigField("password", "Password", "The account's password.", FieldKind.SECRET, required=False),
        ConfigField("schema", "Schema", "Empty means the account's own default schema.", required=False),
        ConfigField(
            "sslmode",
            "Encryption",
            "PostgreSQL: “verify-full” checks the server's certificate, “prefer” encrypts if the server can.",
            FieldKind.CHOICE,
            required=False,
            default="prefer",
            choices=("prefer", "require", "verify-full", "disable"),
        ),
        ConfigField(
            "tables",
            "Tables",
            "An object: stream name → {table, key, version, cursor, columns, external_id, deleted}. "
            "Empty means every table that has a primary key.",
            FieldKind.JSON,
            required=False,
            default={},
        ),
    ),
    open=open_database,
    origins=origins,
    is_paced_by_call=True,
)

__all__ = ["CONNECTOR"]
