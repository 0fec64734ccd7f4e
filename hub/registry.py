"""Finds connectors: every folder under `connectors/` that offers a CONNECTOR."""

import importlib
import pkgutil
from functools import cache

from hub.sdk import ConfigError, Connector

GARDEN = "connectors"


@cache
def names() -> tuple[str, ...]:
    """The names of all connector folders, sorted."""
    package = importlib.import_module(GARDEN)
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg))


@cache
def get(name: str) -> Connector:
    """The connector of this name. Raises ConfigError when there is none or it offers no CONNECTOR."""
    if name not in names():
        raise ConfigError(f"There is no connector “{name}”. Known: {', '.join(names())}.")
    found = getattr(importlib.import_module(f"{GARDEN}.{name}"), "CONNECTOR", None)
    if not isinstance(found, Connector):
        raise ConfigError(f"connectors/{name}/__init__.py offers no CONNECTOR.")
    return found


def broken() -> dict[str, str]:
    """Connector folders that cannot be loaded, each with the reason: one bad folder never stops the hub."""
    problems: dict[str, str] = {}
    for name in names():
        try:
            get(name)
        except Exception as error:  # noqa: BLE001  a plugin may fail in any way
            problems[name] = f"{type(error).__name__}: {error}"
    return problems
