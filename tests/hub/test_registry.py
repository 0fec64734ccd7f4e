"""The registry: connector folders are found by themselves, and a broken one hurts nobody else."""

import pytest

from hub import registry
from hub.sdk import ConfigError
from tests.hub.garden import Garden


class TestRegistry:
    def test_finds_a_folder_that_was_just_added(self, garden: Garden) -> None:
        garden.plant("toy")

        assert "toy" in registry.names()
        assert registry.get("toy").label == "Toy"

    def test_names_the_known_ones_when_one_is_not(self, garden: Garden) -> None:
        garden.plant("toy")

        with pytest.raises(ConfigError, match=r"There is no connector “tory”. Known: .*toy"):
            registry.get("tory")

    def test_refuses_a_folder_without_a_connector(self, garden: Garden) -> None:
        garden.plant("empty", '"""Nothing."""')

        with pytest.raises(ConfigError, match=r"connectors/empty/__init__.py offers no CONNECTOR"):
            registry.get("empty")


class TestBroken:
    def test_tells_of_each_broken_folder_and_still_finds_the_others(self, garden: Garden) -> None:
        garden.plant("toy")
        garden.plant("torn", "import there_is_no_such_thing")
        garden.plant("typo", "def (")

        broken = registry.broken()

        assert broken["torn"].startswith("ModuleNotFoundError")
        assert broken["typo"].startswith("SyntaxError")
        assert "toy" not in broken
