"""Tryton on a bench: a real one on SQLite, its parties removed and entered anew for each test."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connectors.tryton import CONNECTOR
from hub.sdk import Secret, Settings, check_config
from tests.connectors.bench import SEEDED, Bench
from tests.connectors.tryton.erp import DATABASE, PASSWORD, USER, Erp, erp

PASSWORDS: Mapping[str, Secret] = MappingProxyType({"password": Secret(PASSWORD)})
_numbers = count()


def settings(url: str, **config: Any) -> Settings:
    """How the connector is opened."""
    checked = check_config(CONNECTOR.fields, {"url": url, "database": DATABASE, "user": USER, **config})
    return Settings(checked, PASSWORDS, CONNECTOR.origins(checked))


@contextmanager
def sqlite(folder: Path) -> Iterator[Bench]:
    """The Tryton of this process, with seven parties."""
    system = erp()
    system.clear()
    system.add(*({"name": f"Seeded {number}", "code": f"S{number}"} for number in range(SEEDED)))
    right = settings(system.url)
    yield Bench(
        settings=right,
        stream="parties",
        held=system.parties,
        insert=lambda: _insert(system),
        fresh=lambda number: {"name": f"Fresh {number}", "lang": "de"},
        edit={"name": "Edited", "lang": "fr"},
        bad={"code": "a code cannot be changed"},
        touch=lambda key: system.edit(key, {"name": f"Touched {next(_numbers)}"}),
        absent="99999999",
        wrong_address=settings("http://127.0.0.1:9"),
        wrong_secret=replace(right, secrets={"password": Secret("wrong")}),
    )
    system.clear()


def _insert(system: Erp) -> str:
    (key,) = system.add({"name": "Inserted", "code": f"I{next(_numbers)}"})
    return key


BENCHES: Mapping[str, Callable[[Path], AbstractContextManager[Bench]]] = {"sqlite": sqlite}
