"""Where the demo's third-party systems are, and how they are asked to do something."""

import os
from pathlib import Path

from django.conf import settings

from hub import env


class SystemsMissingError(Exception):
    """The environment of the demo's systems was not made; the text says how to make it."""


def folder() -> Path:
    """Where the systems keep what is theirs."""
    return Path(settings.HUB_STATE) / "demo"


def addresses() -> Path:
    """The file that says where they answer; it exists while they do."""
    return folder() / "systems.json"


def files() -> list[Path]:
    """The configuration files of the demo's integrations."""
    return sorted(set((Path(settings.BASE_DIR) / "deploy" / "demo").glob("*.yaml")) - {zones()})


def zones() -> Path:
    """The file that opens this machine, where the systems are: applied first, in the name of a Security admin."""
    return Path(settings.BASE_DIR) / "deploy" / "demo" / "zones.yaml"


def command(verb: str, *options: str) -> list[str]:
    """The command line of a verb of systems.py: serve, edit, status or reset. Raises SystemsMissingError."""
    base = Path(settings.BASE_DIR)
    python = Path(env.text("HUB_DEMO_PYTHON", str(base / ".venv-demo" / "bin" / "python")))
    if not os.access(python, os.X_OK):
        raise SystemsMissingError(
            f"The demo's systems are not installed: there is no {python}. Start with `make demo`, which installs "
            f"them, or set HUB_DEMO_PYTHON to a Python that has deploy/demo/requirements.txt."
        )
    return [str(python), str(base / "deploy" / "demo" / "systems.py"), verb, "--state", str(folder()), *options]
