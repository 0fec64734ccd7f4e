"""One symmetric key wraps and unwraps: for trying out, for one machine, and for signing secrets of webhooks."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.vault.error import UnsealError
from hub.vault.key import parsed

LABEL = b"hub-data-key\n"
NONCE = 12


class Local:
    """Wraps with AES-256-GCM under the first key and unwraps with any."""

    scheme = "local"
    is_remote = False

    def __init__(self, keys: Sequence[str], setting: str) -> None:
        """`keys` as `id:64 hex digits`, newest first. Raises UnsealError."""
        self._setting = setting
        self._ciphers = {name: AESGCM(key) for name, key in parsed(keys, setting).items()}
        self._newest = next(iter(self._ciphers))

    def wrap(self, data_keys: list[bytes]) -> list[tuple[str, bytes]]:
        """(key id, wrapped key) of each, under the newest key."""
        return [(self._newest, self._wrapped(data_key)) for data_key in data_keys]

    def _wrapped(self, data_key: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._ciphers[self._newest].encrypt(nonce, data_key, LABEL + self._newest.encode())

    def knows(self, key_id: str) -> bool:
        """Whether the key is there."""
        return key_id in self._ciphers

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key. Raises UnsealError."""
        return self._opened(key_id, wrapped, LABEL + key_id.encode())

    def open_direct(self, key_id: str, sealed: bytes, bound_to: str) -> str:
        """What earlier versions of the hub sealed without a data key. Raises UnsealError."""
        return self._opened(key_id, sealed, bound_to.encode()).decode()

    def _opened(self, key_id: str, sealed: bytes, bound_to: bytes) -> bytes:
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnsealError(f"The key “{key_id}” that sealed this secret is not in {self._setting}.")
        try:
            return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], bound_to)
        except (InvalidTag, ValueError):  # a nonce that is too short is no nonce
            raise UnsealError("This secret was sealed for another owner, address or environment.") from None
