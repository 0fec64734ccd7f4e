"""What a connector asks the person who sets up a connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.sdk.errors import ConfigError


class FieldKind(StrEnum):
    """How a config value is entered and checked."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    URL = "url"
    JSON = "json"
    SECRET = "secret"  # noqa: S105  a kind, not a value; sealed, write-only, bound to the connection's origins


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One value a connector needs: its name in the config, its label, and the sentence that explains it."""

    name: str
    label: str
    help: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    default: Any = None
    choices: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether the value is sealed and never shown again."""
        return self.kind is FieldKind.SECRET


def check_config(fields: tuple[ConfigField, ...], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `config` with defaults filled in; raise ConfigError naming every wrong value at once."""
    known = {field.name: field for field in fields if not field.is_secret}
    problems = [f"{name}: not a setting of this connector" for name in config if name not in known]
    checked: dict[str, Any] = {}
    for name, field in known.items():
        value = config.get(name, field.default)
        checked[name] = value
        problem = _problem(field, value)
        if problem:
            problems.append(f"{name}: {problem}")
    if problems:
        raise ConfigError("; ".join(problems))
    return checked


def _problem(field: ConfigField, value: Any) -> str:
    """What is wrong with one value, or an empty string."""
    if value is None or value == "":
        return f"is required. {field.help}" if field.required else ""
    checks = {
        FieldKind.TEXT: isinstance(value, str),
        FieldKind.NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
        FieldKind.FLAG: isinstance(value, bool),
        FieldKind.CHOICE: value in field.choices,
        FieldKind.URL: isinstance(value, str) and "://" in value,
        FieldKind.JSON: isinstance(value, dict | list),
    }
    if checks.get(field.kind, True):
        return ""
    shape = f"one of {', '.join(field.choices)}" if field.choices else f"a {field.kind.value}"
    return f"must be {shape}. {field.help}"
