"""Every test of this folder has a real folder for its files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.files.acts import Exports


@pytest.fixture
def exports(tmp_path: Path) -> Iterator[Exports]:
    """An empty folder with the connector on it."""
    exports = Exports(tmp_path)
    yield exports
    exports.close()
