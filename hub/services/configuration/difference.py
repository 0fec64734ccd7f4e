"""Tells, field by field, what applying the files would change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.engine.mapping import compile_mapping
from hub.models import Credential
from hub.services import credential as credential_service
from hub.services.configuration.item import Item, Kind
from hub.services.configuration.present import Present
from hub.services.configuration.source import SecretValue

HIDDEN = "•••"
# By these names the entries of a list are told apart, so that one inserted rule is one line of difference.
IDENTITIES = ("name", "to", "field", "id", "key")


@dataclass(frozen=True, slots=True)
class Line:
    """One value that would change. `sign` is + for a new one, - for one that goes, ~ for another one."""

    sign: str
    path: str
    old: Any = None
    new: Any = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What would change in one thing. `fields` are to be written, `secrets` to be sealed."""

    item: Item
    is_new: bool
    lines: tuple[Line, ...]
    fields: tuple[str, ...] = ()
    secrets: Mapping[str, SecretValue] | None = None
    origins: Sequence[str] | None = None


def difference(item: Item, present: Present, origins: Sequence[str] | None, *, ask: bool) -> Difference | None:
    """What writing `item` would change; None when nothing would. `ask`: prompted secrets are asked for again."""
    is_new = present.row(item) is None
    lines: list[Line] = []
    changed: list[str] = []
    wanted = {name: value for name, value in item.given.items() if name != "origins"}
    for name, value in wanted.items():
        old = present.value(item, name)
        if _differs(name, old, value):
            changed.append(name)
            lines.extend(Line("+", *found[1:]) if is_new else Line(*found) for found in _lines(name, old, value))
    secrets: Mapping[str, SecretValue] = {}
    moved = False
    if item.kind is Kind.CREDENTIAL:
        old_origins = present.value(item, "origins") or []
        moved = origins is not None and sorted(origins) != sorted(old_origins)
        is_other_kind = "kind" in changed and not is_new
        if moved:
            lines.extend(Line(*found) for found in _lines("origins", old_origins, origins))
        secrets = _secrets(item, present, moved=moved or is_other_kind, ask=ask)
        lines.extend(_secret_lines(item, present, secrets))
    if not (lines or is_new):
        return None
    return Difference(item, is_new, tuple(lines), tuple(changed), secrets, origins if moved else None)


def uncompared(item: Item, present: Present, *, ask: bool) -> list[str]:
    """The values that a file gives and that this process may seal but not read, so that nobody can compare them."""
    row = present.row(item)
    if item.kind is not Kind.CREDENTIAL or row is None or ask or credential_service.may_open(row.kind):
        return []
    return sorted(name for name, secret in item.secrets.items() if secret.value is not None and name in row.fields)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every value below `value` that is no dict or list, by its path; empty dicts and lists are values."""
    if isinstance(value, dict) and value:
        named = [(f".{name}", child) for name, child in value.items()]
    elif isinstance(value, list) and value:
        named = [(f"[{name}]", child) for name, child in _identified(value)]
    else:
        return {path: value}
    return {where: leaf for step, child in named for where, leaf in leaves(child, path + step).items()}


def _lines(name: str, old: Any, new: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Sign, path, old and new value of everything that differs below a field."""
    if not isinstance(old, dict | list) and not isinstance(new, dict | list):
        yield ("+" if old in (None, "") else "~"), name, old, new
        return
    before, after = (leaves(value, name) if value else {} for value in (old, new))
    for path, value in after.items():
        if path not in before:
            yield "+", path, None, value
        elif before[path] != value:
            yield "~", path, before[path], value
    for path, value in before.items():
        if path not in after:
            yield "-", path, value, None


def _identified(entries: list[Any]) -> list[tuple[str, Any]]:
    """The entries of a list by the name they carry, or by their number from 0."""
    for identity in IDENTITIES:
        names = [entry.get(identity) if isinstance(entry, dict) else None for entry in entries]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return [(str(name), entry) for name, entry in zip(names, entries, strict=True)]
    return [(str(number), entry) for number, entry in enumerate(entries)]


def _differs(name: str, old: Any, new: Any) -> bool:
    if name == "body" and old is not None:
        return compile_mapping(old).digest != compile_mapping(new).digest
    return bool(old != new)


def _secrets(item: Item, present: Present, *, moved: bool, ask: bool) -> dict[str, SecretValue]:
    """The secrets that must be sealed: those with another value, and all of them where the addresses change."""
    row = present.row(item)
    if row is None or moved:
        return dict(item.secrets)
    if not credential_service.may_open(row.kind):
        # Nothing can be compared or kept: all of them are set, or none.
        is_new_to_it = not set(item.secrets) <= set(row.fields)
        return dict(item.secrets) if ask or is_new_to_it else {}
    return {name: secret for name, secret in item.secrets.items() if _is_other(row, name, secret, ask=ask)}


def _is_other(row: Credential, name: str, secret: SecretValue, *, ask: bool) -> bool:
    if secret.value is None:
        return ask or name not in row.fields
    return not credential_service.holds(row, {name: secret.value.reveal()})


def _secret_lines(item: Item, present: Present, secrets: Mapping[str, SecretValue]) -> Iterator[Line]:
    held = present.value(item, "fields") or []
    for name, secret in secrets.items():
        sign, old = ("~", HIDDEN) if name in held else ("+", None)
        yield Line(sign, f"values.{name}", old, HIDDEN if secret.value else f"{HIDDEN} (will be asked for)")
