"""Where values of a file come from: the text itself, the environment, a JSON file, or a prompt."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.sdk import Secret
from hub.services.configuration.document import Node, scalar
from hub.services.configuration.problem import Place, Problems

VARIABLE = re.compile(r"(?P<escaped>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
# They hold secrets of the hub itself and must not end up in a readable setting.
NEVER = {
    "HUB_SECRET_KEY", "HUB_SEAL_KEYS", "HUB_SEAL_PRIVATE", "HUB_INBOUND_KEYS", "HUB_VAULT_TRANSIT_TOKEN",
    "HUB_AUDIT_KEYS", "HUB_OIDC_CLIENT_SECRET", "DATABASE_URL", "REDIS_URL",
}  # fmt: skip
SECRET_SHAPE = "from_env: VARIABLE, from_json: {file: …, pointer: /…} or prompt: A question"  # noqa: S105


class _MissingError(Exception):
    """A value could not be had; the text says why and how to cure it."""


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret of a file: its value, or the question that a person will be asked."""

    value: Secret | None
    question: str = ""


@dataclass(slots=True)
class Sources:
    """Resolves the values of the files; every failure becomes a problem at its place."""

    environment: Mapping[str, str]
    problems: Problems

    def resolved(self, node: Node) -> Node:
        """`node` with `${VARIABLE}` and `from_json` replaced everywhere below it."""
        try:
            return Node(self._resolved(node), node.place, node.is_plain)
        except _MissingError as error:
            self.problems.add(node.place, str(error))
            return Node(None, node.place)

    def secret(self, node: Node) -> SecretValue | None:
        """The secret that `node` points to; None and a problem for a literal, which must not be in a file."""
        try:
            return self._secret(node)
        except _MissingError as error:
            self.problems.add(node.place, str(error))
            return None

    def _resolved(self, node: Node) -> Any:
        value = node.value
        if isinstance(value, str) and "${" in value:
            text = self._interpolated(value)
            return scalar(text) if node.is_plain else text
        if isinstance(value, dict):
            if set(value) == {"from_json"}:
                return self._from_json(value["from_json"])
            return {name: self.resolved(child) for name, child in value.items()}
        if isinstance(value, list):
            return [self.resolved(child) for child in value]
        return value

    def _secret(self, node: Node) -> SecretValue:
        given = node.value if isinstance(node.value, dict) and len(node.value) == 1 else {}
        match next(iter(given.items()), ("", node)):
            case "from_env", Node(value=str(name)):
                return SecretValue(Secret(self._variable(name, None)))
            case "from_json", pointer:
                return SecretValue(Secret(_as_text(self._from_json(pointer))))
            case "prompt", Node(value=str(question)):
                return SecretValue(None, question)
        raise _MissingError(
            f"must not be written into a file. Write {SECRET_SHAPE}; if this was a real secret, replace it "
            f"at the system it belongs to."
        )

    def _interpolated(self, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            return "${" if match["escaped"] else self._variable(match["name"], match["default"])

        return VARIABLE.sub(replace, text)

    def _variable(self, name: str, default: str | None) -> str:
        if name in NEVER:
            raise _MissingError(f"{name} is the hub's own secret and cannot be used in a file. Use another variable.")
        value = self.environment.get(name, "") or default
        if value is None:
            raise _MissingError(f"{name} is not set in the environment. Set it, or write ${{{name}:-default}}.")
        return value

    def _from_json(self, node: Node) -> Any:
        where = node.value if isinstance(node.value, dict) else {}
        names = {name: self.resolved(child).value for name, child in where.items()}
        if set(names) != {"file", "pointer"} or not all(isinstance(text, str) for text in names.values()):
            raise _MissingError("from_json needs file and pointer, as {file: systems.json, pointer: /crm/url}.")
        return _pointed(_json(Path(node.place.file).parent / names["file"]), names["pointer"], node.place)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise _MissingError(f"{file} cannot be read: {error.strerror}. Start what writes it, or correct it.") from None
    except ValueError:
        raise _MissingError(f"{file} is not JSON. Correct it, or name another file.") from None


def _pointed(document: Any, pointer: str, place: Place) -> Any:
    """The value at a JSON pointer (RFC 6901), as nodes of `place`."""
    found = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise _MissingError(f"The JSON file has nothing at {pointer}. Correct the pointer.")
    return _as_nodes(found, place)


def _as_nodes(value: Any, place: Place) -> Any:
    if isinstance(value, dict):
        return {name: Node(_as_nodes(child, place), place) for name, child in value.items()}
    if isinstance(value, list):
        return [Node(_as_nodes(child, place), place) for child in value]
    return value


def _as_text(value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise _MissingError("The JSON file does not hold a secret there, but an empty or other value.")
    return str(value)
