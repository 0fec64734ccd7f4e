"""Seals secrets with AES-256-GCM and opens them again; the ciphertext is bound to where it belongs."""

import os
import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
DIGITS = re.compile(r"[0-9a-fA-F]{64}")
SHAPE = (
    "Write id:key pairs, newest first, each key 64 hexadecimal digits (`openssl rand -hex 32` makes one), "
    "for example 2026b:…,2026a:…"
)


class UnsealError(Exception):
    """A sealed value cannot be opened: another key, another owner, another environment, or damage."""


class Vault:
    """Seals with the first key and opens with any. Keys are `id:64 hex digits`, newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = dict(self._parsed(number, key) for number, key in enumerate(keys, start=1))
        if len(self._keys) != len(keys) or not keys:
            raise UnsealError(f"HUB_SEAL_KEYS: every key needs an id of its own. {SHAPE}")
        self.key_id = next(iter(self._keys))

    @staticmethod
    def _parsed(number: int, key: str) -> tuple[str, AESGCM]:
        """Id and cipher of one key. An error never quotes the key, whose id may be a part of it."""
        name, _, digits = key.partition(":")
        if not ID.fullmatch(name) or not DIGITS.fullmatch(digits):
            raise UnsealError(f"HUB_SEAL_KEYS: key number {number} is not valid. {SHAPE}")
        return name, AESGCM(bytes.fromhex(digits))

    def seal(self, value: str, bound_to: str) -> tuple[str, bytes]:
        """Return (key id, nonce + ciphertext) of `value`, readable only with the same `bound_to`."""
        nonce = os.urandom(12)
        sealed = self._keys[self.key_id].encrypt(nonce, value.encode(), bound_to.encode())
        return self.key_id, nonce + sealed

    def open(self, key_id: str, sealed: bytes, bound_to: str) -> str:
        """The value sealed earlier. Raises UnsealError."""
        key = self._keys.get(key_id)
        if key is None:
            raise UnsealError(f"The key “{key_id}” that sealed this secret is not in HUB_SEAL_KEYS.")
        try:
            return key.decrypt(sealed[:12], sealed[12:], bound_to.encode()).decode()
        except InvalidTag:
            raise UnsealError("This secret was sealed for another owner, address or environment.") from None
