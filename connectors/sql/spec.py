"""What the operator wrote about each table: its key, version, cursor and marks, checked before anything is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.sdk import ConfigError, CursorKind

CURSOR_KINDS = {"sequence": CursorKind.SEQUENCE, "timestamp": CursorKind.TIMESTAMP}


@dataclass(frozen=True, slots=True)
class CursorSpec:
    """The column that rises with every change. `overlap` is how far back each read starts again (None: the default)."""

    column: str
    kind: CursorKind
    overlap: int | None = None


@dataclass(frozen=True, slots=True)
class VersionSpec:
    """The column that changes with every write. `step`: the hub raises it by this much; None: the database does."""

    column: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class DeletedSpec:
    """The column that marks a deleted row. `value` is what marks it; None: true, or any time at all."""

    column: str
    value: str | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One configured stream. An empty `key` means the primary key, empty `columns` mean all columns."""

    table: str
    key: tuple[str, ...] = ()
    version: VersionSpec | None = None
    cursor: CursorSpec | None = None
    columns: tuple[str, ...] = ()
    external_id: str = ""
    deleted: DeletedSpec | None = None


def parse_tables(raw: Any) -> dict[str, TableSpec]:
    """The streams written under `tables`. Raises ConfigError naming every wrong entry at once."""
    if not raw:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError("tables: must be an object: stream name → {table, key, …}.")
    specs: dict[str, TableSpec] = {}
    problems: list[str] = []
    for stream, entry in raw.items():
        try:
            specs[stream] = _table(stream, entry)
        except ConfigError as error:
            problems.append(f"tables.{stream}: {error}")
    if problems:
        raise ConfigError("; ".join(problems))
    return specs


def _table(stream: str, entry: Any) -> TableSpec:
    parts = _parts(entry, {"table", "key", "version", "cursor", "columns", "external_id", "deleted"})
    return TableSpec(
        table=_text(parts, "table") or stream,
        key=_names(parts, "key"),
        version=_version(parts.get("version")),
        cursor=_cursor(parts.get("cursor")),
        columns=_names(parts, "columns"),
        external_id=_text(parts, "external_id"),
        deleted=_deleted(parts.get("deleted")),
    )


def _cursor(raw: Any) -> CursorSpec | None:
    if not raw:
        return None
    parts = _parts(raw, {"column", "kind", "overlap"})
    kind, overlap = parts.get("kind"), parts.get("overlap")
    if not _text(parts, "column") or kind not in CURSOR_KINDS:
        raise ConfigError("cursor needs a column and a kind, “sequence” or “timestamp”.")
    if overlap is not None and (not isinstance(overlap, int) or isinstance(overlap, bool) or overlap < 0):
        raise ConfigError("cursor.overlap must be a whole number, zero or more.")
    return CursorSpec(parts["column"], CURSOR_KINDS[kind], overlap)


def _version(raw: Any) -> VersionSpec | None:
    if not raw:
        return None
    if isinstance(raw, str):
        return VersionSpec(raw)
    parts = _parts(raw, {"column", "step"})
    step = parts.get("step")
    if not _text(parts, "column") or not (step is None or (isinstance(step, int) and step > 0)):
        raise ConfigError("version must be a column name, or {column, step} with a step above zero.")
    return VersionSpec(parts["column"], step)


def _deleted(raw: Any) -> DeletedSpec | None:
    if not raw:
        return None
    if isinstance(raw, str):
        return DeletedSpec(raw)
    parts = _parts(raw, {"column", "value"})
    value = parts.get("value")
    if not _text(parts, "column") or not (value is None or isinstance(value, str | int)):
        raise ConfigError("deleted must be a column name, or {column, value}.")
    return DeletedSpec(parts["column"], value)


def _parts(raw: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise ConfigError(f"must be an object with {', '.join(sorted(known))}.")
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ConfigError(f"{', '.join(unknown)} is not known here; known: {', '.join(sorted(known))}.")
    return raw


def _text(parts: Mapping[str, Any], name: str) -> str:
    value = parts.get(name) or ""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a name.")
    return value


def _names(parts: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = parts.get(name) or []
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigError(f"{name} must be a list of column names.")
    if len(set(value)) != len(value):
        raise ConfigError(f"{name} names a column twice.")
    return tuple(value)
