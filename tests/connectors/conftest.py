"""Puts every connector on its benches. How to write a bench stands at the top of `tests/connectors/bench.py`."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from hub import registry
from hub.sdk import Connector, Opened
from tests.connectors.bench import Bench


def benches(connector: str) -> list[str]:
    """The names of a connector's benches; empty when it has none."""
    if not (Path(__file__).parent / connector / "bench.py").exists():
        return []
    return list(import_module(f"tests.connectors.{connector}.bench").BENCHES)


@pytest.fixture
def bench(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> Iterator[Bench]:
    """The real system of this bench, freshly filled."""
    module = import_module(f"tests.connectors.{name}.bench")
    with module.BENCHES[request.param](tmp_path) as bench:
        yield bench


@pytest.fixture
def connector(name: str) -> Connector:
    """The connector under test."""
    return registry.get(name)


@pytest.fixture
def opened(connector: Connector, bench: Bench) -> Iterator[Opened]:
    """The connector, opened on its bench."""
    opened = connector.open(bench.settings)
    yield opened
    opened.close()
