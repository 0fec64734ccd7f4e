"""Keys as settings give them: `id:64 hexadecimal digits`, newest first."""

import re
from collections.abc import Sequence

from hub.vault.error import UnsealError

ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
DIGITS = re.compile(r"[0-9a-fA-F]{64}")
SHAPE = (
    "Write id:key pairs, newest first, each key 64 hexadecimal digits (`openssl rand -hex 32` makes one), "
    "for example 2026b:…,2026a:…"
)
PAIR_SHAPE = "Write id:key pairs, newest first, each key 64 hexadecimal digits; `manage.py seal_keys` makes a pair."


def parsed(keys: Sequence[str], setting: str, shape: str = SHAPE) -> dict[str, bytes]:
    """The 32 bytes of each key by its id. An error never quotes a key, whose id may be a part of it.

    Raises UnsealError naming the setting and the shape.
    """
    found = dict(_one(number, key, setting, shape) for number, key in enumerate(keys, start=1))
    if len(found) != len(keys) or not keys:
        raise UnsealError(f"{setting}: every key needs an id of its own. {shape}")
    return found


def _one(number: int, key: str, setting: str, shape: str) -> tuple[str, bytes]:
    name, _, digits = key.partition(":")
    if not ID.fullmatch(name) or not DIGITS.fullmatch(digits):
        raise UnsealError(f"{setting}: key number {number} is not valid. {shape}")
    return name, bytes.fromhex(digits)
