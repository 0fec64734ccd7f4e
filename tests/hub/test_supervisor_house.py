"""The house starts the web process without what opens secrets."""

from typing import Any

from hub.supervisor import house
from hub.vault import pair

PUBLIC, PRIVATE = pair("a")


def test_the_web_process_gets_the_public_half_only(settings: Any) -> None:
    settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_PRIVATE = [], [PRIVATE]

    given = house._web().settings

    assert given["HUB_SEAL_PUBLIC"] == PUBLIC
    assert (given["HUB_SEAL_PRIVATE"], given["HUB_SEAL_PRIVATE_FILE"]) == ("", "")


def test_nothing_is_taken_where_one_key_does_both(settings: Any) -> None:
    assert dict(house._web().settings) == {"HUB_DB_POOL": "1"}
