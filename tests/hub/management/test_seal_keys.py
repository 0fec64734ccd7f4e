"""`manage.py seal_keys`: a pair of keys, each half with where it belongs."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub.vault import Private, Public, Vault


def told(**options: Any) -> dict[str, str]:
    """The settings that were printed."""
    out = StringIO()
    call_command("seal_keys", stdout=out, **options)
    return dict(line.split("=", 1) for line in out.getvalue().splitlines() if line.startswith("HUB_"))


def test_prints_two_halves_that_belong_together() -> None:
    found = told(id="2026b")
    web, worker = Public([found["HUB_SEAL_PUBLIC"]]), Private([found["HUB_SEAL_PRIVATE"]])

    assert Vault(web, [worker]).open(Vault(web).seal("hunter2", "a"), "a") == "hunter2"
    assert found["HUB_SEAL_PUBLIC"].startswith("2026b:")


def test_makes_another_pair_each_time() -> None:
    assert told()["HUB_SEAL_PRIVATE"] != told()["HUB_SEAL_PRIVATE"]


def test_refuses_an_id_that_settings_could_not_hold() -> None:
    with pytest.raises(CommandError, match="letters, digits, dots"):
        told(id="a,b")
