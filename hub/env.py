"""Reads settings from the environment: a wrong value names the variable, its shape and the cure."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


class SettingError(Exception):
    """A setting is missing or wrong; the text names the variable, what it must look like, and the cure."""


def text(name: str, default: str | None = None, *, shape: str = "some text") -> str:
    """The text of variable `name`, or `default`. Raises SettingError when it is needed and absent."""
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise SettingError(f"{name} is not set. It must be {shape}. Set it in the environment and start again.")
    return value


def parsed(name: str, default: Value, parse: Callable[[str], Value], shape: str) -> Value:
    """Variable `name` through `parse`; a ValueError from it becomes a SettingError that names the shape."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        return parse(value)
    except ValueError as error:
        raise SettingError(
            f"{name}={_masked(value)} is not valid ({error}). It must be {shape}. "
            f"Correct it, or unset it to use the default."
        ) from None


def flag(name: str, *, default: bool) -> bool:
    """A yes/no variable."""
    return parsed(name, default, _as_flag, "1 or 0")


def number(name: str, default: int, *, minimum: int = 0, maximum: int = 2**31) -> int:
    """A whole number between `minimum` and `maximum`."""

    def parse(value: str) -> int:
        found = int(value)
        if not minimum <= found <= maximum:
            raise ValueError("out of range")
        return found

    return parsed(name, default, parse, f"a whole number from {minimum} to {maximum}")


def choice(name: str, default: str, known: tuple[str, ...]) -> str:
    """One of a few words."""

    def parse(value: str) -> str:
        if value not in known:
            raise ValueError("unknown")
        return value

    return parsed(name, default, parse, " or ".join(known))


def secret(name: str) -> str:
    """A secret: the variable itself, or what is in the file that …_FILE names. Empty when neither is set."""
    file = text(f"{name}_FILE", "")
    if not file:
        return text(name, "")
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as error:
        raise SettingError(f"{name}_FILE={file} cannot be read ({error.strerror}). Correct the path.") from None


def listed(name: str) -> list[str]:
    """A comma-separated list that is secret: the variable, or what is in the file that …_FILE names, also by lines."""
    return [part.strip() for part in secret(name).replace("\n", ",").split(",") if part.strip()]


def names(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A comma-separated list; empty parts do not count."""

    def parse(value: str) -> list[str]:
        return [part.strip() for part in value.split(",") if part.strip()]

    return parsed(name, list(default), parse, "a,b,c")


def as_redis(url: str) -> str:
    """The address of a Redis. Raises ValueError."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("unknown scheme")
    return url


def _as_flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if value.lower() not in known:
        raise ValueError("neither yes nor no")
    return known[value.lower()]


def _masked(value: str) -> str:
    """The value as it may be shown: what stands before an @ in an address is a password's place."""
    scheme, separator, rest = value.partition("://")
    return f"{scheme}://…@{rest.rpartition('@')[2]}" if separator and "@" in rest else value
