"""What can be wrong with a text or a value that came out of a file."""

from collections.abc import Mapping
from typing import Any

NUL = "it holds a NUL character"
BYTES = "it holds bytes that are not {encoding}"


def flaw_of(text: str, encoding: str) -> str:
    """What is wrong with a text, or an empty string."""
    if "\0" in text:
        return NUL
    if not text.isascii() and not _is_whole(text):
        return BYTES.format(encoding=encoding.removesuffix("-sig"))
    return ""


def flawed_field(item: Mapping[str, Any], encoding: str) -> tuple[str, str]:
    """The first field with a flaw anywhere inside it, and the flaw; two empty strings when there is none."""
    for name, value in item.items():
        flaw = flaw_of(name, encoding) or _inside(value, encoding)
        if flaw:
            return name if _is_whole(name) else "?", flaw
    return "", ""


def _inside(value: Any, encoding: str) -> str:
    if isinstance(value, str):
        return flaw_of(value, encoding)
    if isinstance(value, Mapping):
        return flawed_field(value, encoding)[1]
    if isinstance(value, list):
        return next((flaw for item in value if (flaw := _inside(item, encoding))), "")
    return ""


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
