"""Asks the database what its tables look like."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import NullType, TypeEngine

from connectors.sql.column import NOT_A_KEY, Column, Kind
from connectors.sql.session import Session
from connectors.sql.shape import Shape
from connectors.sql.spec import TableSpec
from hub.sdk import ConfigError

# The first that fits: a Float is a Numeric, an Enum is a String.
KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (sa.Boolean, Kind.BOOLEAN),
    (sa.Integer, Kind.INTEGER),
    (sa.Float, Kind.NUMBER),
    (sa.Numeric, Kind.DECIMAL),
    (sa.DateTime, Kind.DATETIME),
    (sa.Date, Kind.DATE),
    (sa.JSON, Kind.JSON),
    (sa.Uuid, Kind.UUID),
    (sa.LargeBinary, Kind.BINARY),
    (sa.String, Kind.STRING),
)
RISING = {Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER, Kind.DATE, Kind.DATETIME, Kind.STRING}
MARKING = {Kind.BOOLEAN, Kind.INTEGER, Kind.DATE, Kind.DATETIME}
BASIC = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME})


def kind_of(reflected: TypeEngine[Any]) -> Kind:
    """The kind of a reflected type; OTHER for whatever is read and written as text."""
    if isinstance(reflected, postgresql.DOMAIN):
        return kind_of(reflected.data_type)
    if isinstance(reflected, sa.ARRAY):
        return Kind.ARRAY if kind_of(reflected.item_type) in BASIC else Kind.OTHER
    return next((kind for known, kind in KINDS if isinstance(reflected, known)), Kind.OTHER)


class Catalogue:
    """The tables of one schema of one database."""

    def __init__(self, session: Session, connection: sa.Connection, schema: str | None) -> None:
        self._session, self._connection, self._schema = session, connection, schema
        self._inspector = sa.inspect(connection)

    def keyed_tables(self) -> dict[str, TableSpec]:
        """Every table that has a primary key."""
        found = self._inspector.get_multi_pk_constraint(schema=self._schema)
        names = sorted(name for (_, name), key in found.items() if key["constrained_columns"])
        return {name: TableSpec(table=name) for name in names}

    def shape(self, stream: str, spec: TableSpec) -> Shape:
        """The table of a stream. Raises ConfigError naming what is configured and not there."""
        if not self._inspector.has_table(spec.table, self._schema):
            place = f"schema “{self._schema}”" if self._schema else "the database"
            raise ConfigError(f"tables.{stream}: there is no table “{spec.table}” in {place}.")
        columns = self._columns(spec.table)
        key = spec.key or self._primary(spec.table)
        _check_names(stream, spec, key, columns)
        read = _used(spec, key, columns)
        habits = self._session.dialect.habits(self._connection, spec.table, self._schema)
        return Shape(
            stream=stream,
            spec=spec,
            table=_table(spec.table, self._schema, read),
            columns={name: columns[name] for name in read},
            visible=tuple(name for name in read if not spec.columns or name in {*spec.columns, *key}),
            key=tuple(columns[name] for name in key),
            unique=self._unique(spec.table),
            writable=spec.table in self._inspector.get_table_names(self._schema),
            landing=self._session.dialect.landing(self._session.timeout),
            adds=habits.adds,
            tells=habits.tells,
        )

    def _primary(self, table: str) -> tuple[str, ...]:
        return tuple(self._inspector.get_pk_constraint(table, self._schema)["constrained_columns"])

    def _unique(self, table: str) -> frozenset[frozenset[str]]:
        found: list[Sequence[str]] = [self._primary(table)]
        found += [c["column_names"] for c in self._inspector.get_unique_constraints(table, self._schema)]
        for index in self._inspector.get_indexes(table, self._schema):
            partial = any(option.endswith("_where") for option in index.get("dialect_options", {}))
            if index["unique"] and not partial and None not in index["column_names"]:
                found.append([name for name in index["column_names"] if name is not None])
        return frozenset(frozenset(names) for names in found if names)

    def _columns(self, table: str) -> dict[str, Column]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # a type it does not know is read as text
            reflected = self._inspector.get_columns(table, self._schema)
        spelled = self._session.dialect.types(self._connection, table, self._schema)
        rowid = self._rowid(table)
        return {str(found["name"]): self._column(found, spelled, rowid) for found in reflected}

    def _rowid(self, table: str) -> tuple[str, ...]:
        """SQLite numbers a lone INTEGER PRIMARY KEY by itself and says so nowhere."""
        return self._primary(table) if self._connection.dialect.name == "sqlite" else ()

    def _column(self, found: Any, spelled: Mapping[str, str], rowid: tuple[str, ...]) -> Column:
        name, kind = str(found["name"]), kind_of(found["type"])
        numbered = rowid == (name,) and str(found["type"]).upper() == "INTEGER"
        default = found.get("default") is not None or bool(found.get("identity")) or bool(found.get("computed"))
        return Column(
            name=name,
            kind=kind,
            type_name=spelled.get(name, ""),
            scale=getattr(found["type"], "scale", None) if kind is Kind.DECIMAL else None,
            padded=self._session.dialect.pads and spelled.get(name) == "bpchar",
            nullable=bool(found["nullable"]),
            filled=default or numbered,
        )


def _used(spec: TableSpec, key: Sequence[str], columns: Mapping[str, Column]) -> list[str]:
    """The columns to read: those allowed, and those that this connector needs itself."""
    marks = [mark.column for mark in (spec.version, spec.cursor, spec.deleted) if mark]
    needed = {*spec.columns, *key, *marks, spec.external_id}
    return [name for name in columns if not spec.columns or name in needed]


def _table(name: str, schema: str | None, columns: Sequence[str]) -> sa.Table:
    # Without types SQLAlchemy leaves every value alone: this connector converts them itself.
    return sa.Table(name, sa.MetaData(), *(sa.Column(n, NullType()) for n in columns), schema=schema)


def _check_names(stream: str, spec: TableSpec, key: Sequence[str], columns: Mapping[str, Column]) -> None:
    marks = [mark.column for mark in (spec.version, spec.cursor, spec.deleted) if mark]
    wanted = [*key, *spec.columns, *marks, *([spec.external_id] if spec.external_id else [])]
    missing = sorted({name for name in wanted if name not in columns})
    if missing:
        known = ", ".join(columns)
        raise ConfigError(f"tables.{stream}: table “{spec.table}” has no column {', '.join(missing)}; it has {known}.")
    if not key:
        raise ConfigError(f"tables.{stream}: table “{spec.table}” has no primary key; name its key columns.")
    odd = [name for name in key if columns[name].kind in NOT_A_KEY]
    if odd:
        raise ConfigError(f"tables.{stream}: {', '.join(odd)} cannot be a key: it is no single value.")
    _check_marks(stream, spec, columns)


def _check_marks(stream: str, spec: TableSpec, columns: Mapping[str, Column]) -> None:
    if spec.cursor and columns[spec.cursor.column].kind not in RISING:
        raise ConfigError(f"tables.{stream}: {spec.cursor.column} cannot be a cursor: it is neither number nor time.")
    if spec.version and spec.version.step and columns[spec.version.column].kind is not Kind.INTEGER:
        raise ConfigError(f"tables.{stream}: {spec.version.column} has a step, so it must be a whole number.")
    if spec.deleted and spec.deleted.value is None and columns[spec.deleted.column].kind not in MARKING:
        raise ConfigError(f"tables.{stream}: deleted needs the value that {spec.deleted.column} has when deleted.")
