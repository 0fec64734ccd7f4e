"""The keys that sign seals: the first one signs, all of them are trusted."""

import re
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

SHAPE = re.compile(r"([A-Za-z0-9._-]{1,40}):([0-9a-fA-F]{64})")


class AuditKeyError(Exception):
    """HUB_AUDIT_KEYS is not as it must be. The text never quotes a key."""


def public_keys() -> dict[str, str]:
    """The public key of each, by its id."""
    return {name: key.public_key().public_bytes_raw().hex() for name, key in _keys().items()}


def sign(text: bytes) -> tuple[str, str]:
    """(key id, signature) of a text."""
    name, key = next(iter(_keys().items()))
    return name, key.sign(text).hex()


def signer() -> str:
    """The id of the key that signs."""
    return next(iter(_keys()))


def _keys() -> dict[str, Ed25519PrivateKey]:
    return _parsed(tuple(settings.HUB_AUDIT_KEYS))


@cache
def _parsed(given: tuple[str, ...]) -> dict[str, Ed25519PrivateKey]:
    found = [SHAPE.fullmatch(key) for key in given]
    keys = {
        match[1]: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(match[2])) for match in found if match is not None
    }
    if not keys or len(keys) != len(given):
        raise AuditKeyError(
            "HUB_AUDIT_KEYS must be id:key pairs, newest first, each with an id of its own and a key of 64 hexadecimal "
            "digits (`openssl rand -hex 32` makes one)."
        )
    return keys
