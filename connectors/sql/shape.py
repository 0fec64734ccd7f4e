"""One table as this connector uses it: its columns, its key, and what may be promised about it."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from connectors.sql.column import Column, Kind
from connectors.sql.spec import CursorSpec, DeletedSpec, TableSpec, VersionSpec
from hub.sdk import (
    Batch,
    Capabilities,
    ConditionalWrite,
    CursorKind,
    DeleteFeed,
    ExternalId,
    ReadBack,
    Stream,
    StreamField,
    WriteCapability,
)

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A reflected table. `columns` are all that are read, `visible` those that records show and take."""

    stream: str
    spec: TableSpec
    table: sa.Table
    columns: Mapping[str, Column]
    visible: tuple[str, ...]
    key: tuple[Column, ...]
    unique: frozenset[frozenset[str]]  # sets of columns of which the database allows each value once
    writable: bool
    landing: int
    adds: bool = False  # see Habits
    tells: bool = False

    @property
    def name(self) -> str:
        """The table's name as people write it."""
        return f"{self.table.schema}.{self.table.name}" if self.table.schema else self.table.name

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the key columns."""
        return tuple(column.name for column in self.key)

    @property
    def key_is_unique(self) -> bool:
        """Whether the database itself keeps keys unique."""
        return any(names <= set(self.key_names) for names in self.unique)

    @property
    def reference(self) -> Column | None:
        """The column that holds our reference: the configured one, or else a key that nobody else hands out."""
        if self.spec.external_id:
            return self.columns[self.spec.external_id]
        natural = len(self.key) == 1 and not self.key[0].filled
        return self.key[0] if natural else None

    @property
    def reference_is_key(self) -> bool:
        """Whether the source's key is the key here as well."""
        return self.reference is not None and self.key == (self.reference,)

    @property
    def reference_is_unique(self) -> bool:
        """Whether the database refuses to store one reference twice."""
        return self.reference is not None and frozenset({self.reference.name}) in self.unique

    @property
    def version(self) -> VersionSpec | None:
        """The configured version column."""
        return self.spec.version

    @property
    def cursor(self) -> CursorSpec | None:
        """The configured cursor column."""
        return self.spec.cursor

    @property
    def deleted(self) -> DeletedSpec | None:
        """The configured mark of deleted rows."""
        return self.spec.deleted

    def as_stream(self) -> Stream:
        """The stream as the hub sees it."""
        return Stream(
            name=self.stream,
            label=self.name,
            capabilities=self._capabilities(),
            key_fields=self.key_names,
            version_field=self.version.column if self.version else "",
            fields=tuple(_field(self.columns[name], self.key_names) for name in self.visible),
        )

    def _capabilities(self) -> Capabilities:
        given_key = self.key_is_unique and not any(column.filled for column in self.key)
        refuses_twice = given_key or (self.reference_is_unique and bool(self.spec.external_id))
        change = self._write(ConditionalWrite(create=refuses_twice, strong=self.version is not None))
        create = self._write(ConditionalWrite(create=True) if refuses_twice else None)
        tombstones = self.deleted and self.cursor
        return Capabilities(
            create=create if self.writable else None,
            update=change if self.writable else None,
            delete=change if self.writable else None,
            cursor=self.cursor.kind if self.cursor else CursorKind.NONE,
            delete_feed=DeleteFeed.TOMBSTONES if tombstones else DeleteFeed.NONE,
            versions_rise=self._versions_rise,
        )

    @property
    def _versions_rise(self) -> bool:
        """Whether the version is the number by whose order changes are read."""
        if self.cursor is None or self.version is None or self.cursor.kind is not CursorKind.SEQUENCE:
            return False
        return self.cursor.column == self.version.column

    def _write(self, conditional: ConditionalWrite | None) -> WriteCapability:
        # Without the operator's word a mapping may give keys that are not the source's own.
        reference = self.spec.external_id
        external = ExternalId(reference, self.reference_is_unique) if reference else None
        return WriteCapability(
            external_id=external,
            conditional=conditional,
            read_back=ReadBack(by_key=True, by_external_id=bool(reference)),
            batch=Batch(max_items=BATCH),
            landing=self.landing,
            version_step=self.version.step if self.version else None,
        )


def _field(column: Column, key: tuple[str, ...]) -> StreamField:
    required = column.name in key or not (column.nullable or column.filled)
    note = "Base64 text" if column.kind is Kind.BINARY else ""
    return StreamField(column.name, column.stream_kind, required=required, help=note)
