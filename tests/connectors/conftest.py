"""Puts every connector on its benches. How to write a bench stands at the top of `tests/connectors/bench.py`."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hub import registry
from hub.http.zone import Zone, install, networks_of
from hub.sdk import Connector, Opened
from tests.connectors.bench import Bench

# Connectors that do not keep a promise yet: {(connector, promise): why}. It may only shrink: an entry whose
# promise is kept fails the suite until it is removed.
EXCEPTIONS: dict[tuple[str, str], str] = {}


@pytest.fixture(autouse=True)
def systems_here_may_be_reached() -> None:
    """The benches' systems are on this machine: a zone lets them be reached, also where a project begins from these."""
    install([Zone("benches", networks_of(["127.0.0.0/8", "::1/128"]), allow_http=True)])


def benches(connector: str) -> list[str]:
    """The names of a connector's benches; empty when it has none."""
    if not (Path(__file__).parent / connector / "bench.py").exists():
        return []
    return list(import_module(f"tests.connectors.{connector}.bench").BENCHES)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each promise of every connector, and on every bench where it needs a system."""
    if not metafunc.module.__name__.rpartition(".")[2].startswith("test_contract"):
        return
    promise = metafunc.function.__name__.removeprefix("test_").replace("_", "-")
    if "bench" in metafunc.fixturenames:
        places = [(name, bench) for name in registry.names() for bench in benches(name)]
        cases = [_case(promise, name, bench) for name, bench in places]
        metafunc.parametrize(("name", "bench"), cases, indirect=["bench"])
    elif "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [_case(promise, name) for name in registry.names()])


def _case(promise: str, *place: str) -> Any:
    """One parameter set; an exception must go on failing, or it is no exception any more."""
    reason = EXCEPTIONS.get((place[0], promise))
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(*place, id="-".join(place), marks=marks)


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
