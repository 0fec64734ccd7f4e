"""Small languages of a manifest: where a value stands in an answer, and how a path or body is filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.http import Response, links, quote_segment
from hub.sdk import RecordError

Path = tuple[str, ...]
_HOLE = re.compile(r"\{(\w+)\}")


def path_of(text: str) -> Path:
    """`data.items` as a path; an empty text is the whole answer."""
    return tuple(text.split(".")) if text else ()


def dig(value: Any, path: Path) -> Any:
    """The value at a path, None when there is none. A number in the path counts the entries of a list from 0."""
    for name in path:
        if isinstance(value, list) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(name)
        else:
            return None
    return value


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where an answer says something: a path in its body, `header:Name`, or `link:next` for a Link header."""

    text: str

    def find(self, response: Response, body: Any) -> Any:
        """What stands there, None when nothing does."""
        kind, _, name = self.text.partition(":")
        if kind == "header" and name:
            return response.header(name)
        if kind == "link" and name:
            return links(response).get(name)
        return dig(body, path_of(self.text))


def fill_path(template: str, values: Mapping[str, str]) -> str:
    """A path with its holes filled, each value one safe segment. Raises RecordError for a missing value."""
    return _HOLE.sub(lambda hole: quote_segment(_value(values, hole[1])), template)


def fill_text(template: Any, values: Mapping[str, str]) -> Any:
    """A parameter with its holes filled; other values than texts stay as they are."""
    if not isinstance(template, str):
        return template
    return _HOLE.sub(lambda hole: _value(values, hole[1]), template)


def fill_body(template: Any, values: Mapping[str, Any]) -> Any:
    """A body in which every text such as `$record` is replaced by that value."""
    if isinstance(template, str):
        return values[template[1:]] if template.startswith("$") and template[1:] in values else template
    if isinstance(template, Mapping):
        return {name: fill_body(each, values) for name, each in template.items()}
    return [fill_body(each, values) for each in template] if isinstance(template, list) else template


def key_text(data: Mapping[str, Any], fields: Path) -> str | None:
    """The key of a record as one text, None when a part is missing. Several parts are joined by `|`."""
    if len(fields) == 1 and "." not in fields[0]:  # nearly every API, and every record of it
        return _scalar(data.get(fields[0]))
    parts = [_scalar(dig(data, path_of(name))) for name in fields]
    if any(part is None for part in parts):
        return None
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts if part is not None)


def key_values(key: str, fields: Path) -> dict[str, str]:
    """The holes that a key fills: `{key}`, and each part of a key of several fields by its name."""
    if len(fields) == 1:
        return {"key": key}
    parts = [part.replace("%7C", "|").replace("%25", "%") for part in key.split("|")]
    return {"key": key, **dict(zip(fields, parts, strict=False))}


def text_of(value: Any) -> str | None:
    """A version or reference as text, None when it is not one."""
    return _scalar(value)


def _scalar(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return None


def _value(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise RecordError(f"The address needs {{{name}}}, which this record does not have.", code="key")
    return values[name]
