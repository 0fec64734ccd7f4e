"""What the operator wrote about each stream of files, checked before anything is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.sdk import ConfigError

SPELLED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
KNOWN = {"pattern", "format", "key", "encoding", "delimiter", "header", "columns", "version"}


class Format(StrEnum):
    """How a file is laid out."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec:
    """One stream: all files of the folder whose names match `pattern`, in the order of their names.

    Empty `columns` mean all of them; without a header they name the columns from left to right.
    """

    pattern: str
    format: Format = Format.CSV
    key: tuple[str, ...]
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    header: bool = True
    columns: tuple[str, ...] = ()
    version: str = ""


def parse_streams(raw: Any) -> dict[str, FileSpec]:
    """The streams written under `streams`. Raises ConfigError naming every wrong entry at once."""
    if not isinstance(raw, dict) or not raw:
        raise ConfigError("streams: must be an object: stream name → {pattern, key, …}.")
    specs: dict[str, FileSpec] = {}
    problems: list[str] = []
    for stream, entry in raw.items():
        try:
            specs[stream] = _spec(entry)
        except ConfigError as error:
            problems.append(f"streams.{stream}: {error}")
    if problems:
        raise ConfigError("; ".join(problems))
    return specs


def _spec(entry: Any) -> FileSpec:
    if not isinstance(entry, dict):
        raise ConfigError(f"must be an object with {', '.join(sorted(KNOWN))}.")
    unknown = sorted(set(entry) - KNOWN)
    if unknown:
        raise ConfigError(f"{', '.join(unknown)} is not known here; known: {', '.join(sorted(KNOWN))}.")
    spec = FileSpec(
        pattern=_pattern(entry),
        format=_format(entry),
        key=_names(entry, "key"),
        encoding=_encoding(entry),
        delimiter=_delimiter(entry),
        header=_flag(entry, "header"),
        columns=_names(entry, "columns"),
        version=_text(entry, "version"),
    )
    _check_together(spec)
    return spec


def _check_together(spec: FileSpec) -> None:
    if not spec.key:
        raise ConfigError("key: name the fields that identify a record.")
    if spec.format is Format.CSV and not spec.header:
        absent = [name for name in (*spec.key, spec.version) if name and name not in spec.columns]
        if not spec.columns or absent:
            raise ConfigError("columns: without a header all columns need names here, the key among them.")


def _pattern(entry: Mapping[str, Any]) -> str:
    pattern = _text(entry, "pattern")
    if not pattern or "/" in pattern or "\\" in pattern or pattern in {".", ".."}:
        raise ConfigError("pattern: must be a file name with * and ?, such as airports*.csv, without a folder.")
    return pattern


def _format(entry: Mapping[str, Any]) -> Format:
    wanted = entry.get("format") or Format.CSV.value
    if wanted not in set(Format):
        raise ConfigError(f"format: must be one of {', '.join(Format)}.")
    return Format(wanted)


def _encoding(entry: Mapping[str, Any]) -> str:
    name = _text(entry, "encoding") or "utf-8"
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        raise ConfigError(f"encoding: “{name}” is not known; examples: utf-8, cp1252, utf-16.") from None
    # A mark at the beginning of a UTF-8 file is no part of its first column's name.
    return "utf-8-sig" if name.lower().replace("_", "-") in {"utf-8", "utf8"} else name


def _delimiter(entry: Mapping[str, Any]) -> str:
    written = _text(entry, "delimiter") or ","
    delimiter = SPELLED.get(written, written)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ConfigError("delimiter: must be one character, such as , ; | or tab.")
    return delimiter


def _flag(entry: Mapping[str, Any], name: str) -> bool:
    value = entry.get(name, True)
    if not isinstance(value, bool):
        raise ConfigError(f"{name}: must be true or false.")
    return value


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name) or ""
    if not isinstance(value, str):
        raise ConfigError(f"{name}: must be a text.")
    return value


def _names(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = entry.get(name) or []
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigError(f"{name}: must be a list of field names.")
    if len(set(value)) != len(value):
        raise ConfigError(f"{name}: names a field twice.")
    return tuple(value)
