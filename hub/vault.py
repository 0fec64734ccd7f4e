"""Seals secrets with AES-256-GCM and opens them again; the ciphertext is bound to where it belongs."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class UnsealError(Exception):
    """A sealed value cannot be opened: another key, another owner, another environment, or damage."""


class Vault:
    """Seals with the first key and opens with any. Keys are `id:64 hex digits`, newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = dict(self._parsed(key) for key in keys)
        self.key_id = next(iter(self._keys))

    @staticmethod
    def _parsed(key: str) -> tuple[str, AESGCM]:
        name, _, digits = key.partition(":")
        try:
            return name, AESGCM(bytes.fromhex(digits))
        except ValueError:
            raise UnsealError(
                f"HUB_SEAL_KEYS: the key “{name}” must be id:hex with 64 hexadecimal digits, newest first."
            ) from None

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
