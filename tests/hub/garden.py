"""Connector folders of the tests: written to disk and found by the registry like any other."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from hub import registry

# Its mood decides how it answers, so that every way in which a system may answer can be had.
TOY = '''
"""A system of the tests that answers as its mood tells it."""

from hub.sdk import (
    AuthError, Capabilities, ConfigError, ConfigField, Connector, FatalError, FieldKind, Page, Record,
    SilenceError, Stream, TransientError,
)

CLOSED = []


class Toy:
    def __init__(self, settings):
        self.settings = settings

    def streams(self):
        return [Stream("things", "Things", Capabilities())]

    def check(self):
        password = self.settings.secrets["password"].reveal()
        moods = {
            "refusing": AuthError(f"The toy does not know “{password}”."),
            "wrong": ConfigError("The toy has no such shelf. Choose another."),
            "away": TransientError("The toy is away."),
            "silent": SilenceError("The toy did not answer."),
            "untrue": FatalError("The toy broke a promise."),
            "broken": KeyError(password),
        }
        if self.settings.config["mood"] in moods:
            raise moods[self.settings.config["mood"]]
        return f"The toy plays, and has heard {password}."

    def read(self, stream, cursor, limit):
        start = (cursor or {"at": 0})["at"]
        keys = range(start, min(start + min(limit, 4), 10))
        records = [Record(str(key), {"name": f"thing {key}"}, deleted=key == 1) for key in keys]
        return Page(records, {"at": start + len(records)}, done=start + len(records) >= 10)

    def fetch(self, stream, keys):
        return []

    def close(self):
        CLOSED.append(self)


CONNECTOR = Connector(
    name="toy",
    label="Toy",
    summary="For tests.",
    fields=(
        ConfigField("url", "Address", "Where the toy is.", FieldKind.URL),
        ConfigField("mood", "Mood", "How it answers.", required=False, default="well"),
        ConfigField("size", "Size", "How large it is.", FieldKind.NUMBER, required=False, default=1),
        ConfigField("password", "Password", "The toy asks for it.", FieldKind.SECRET),
        ConfigField("token", "Token", "For another door.", FieldKind.SECRET, required=False),
    ),
    open=Toy,
    origins=lambda config: (config["url"],),
)
'''


class Garden:
    """A folder beside the hub's own connectors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plant(self, name: str, code: str = TOY) -> None:
        """Add a connector."""
        (self.folder / name).mkdir()
        (self.folder / name / "__init__.py").write_text(code)
        forget()


def forget() -> None:
    """Let the registry look again."""
    importlib.invalidate_caches()
    registry.names.cache_clear()
    registry.get.cache_clear()


@pytest.fixture
def garden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Garden]:
    """A garden that is gone after the test."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(folder)])
    yield Garden(folder)
    for name in set(sys.modules) - before:
        if name.startswith("connectors."):
            del sys.modules[name]
            vars(connectors).pop(name.partition(".")[2], None)
    monkeypatch.undo()
    forget()
