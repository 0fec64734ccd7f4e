"""A key pair: the public key wraps, so that whoever seals cannot open; only the private one unwraps (RFC 9180).

The base mode with X25519, HKDF-SHA256 and AES-256-GCM, as `cryptography` brings it. The library reads 32 bytes of
ephemeral public key, then the ciphertext.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from hub.vault.error import UnsealError
from hub.vault.key import PAIR_SHAPE, parsed

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
LABEL = b"hub-data-key\n"


class Public:
    """Seals with the first public key."""

    scheme = "hpke"
    is_remote = False

    def __init__(self, keys: Sequence[str], setting: str = "HUB_SEAL_PUBLIC") -> None:
        """`keys` as `id:64 hex digits`, newest first. Raises UnsealError."""
        self._newest, key = next(iter(parsed(keys, setting, PAIR_SHAPE).items()))
        self._key = X25519PublicKey.from_public_bytes(key)

    def wrap(self, data_keys: list[bytes]) -> list[tuple[str, bytes]]:
        """(key id, wrapped key) of each, under the newest key."""
        info = LABEL + self._newest.encode()
        return [(self._newest, SUITE.encrypt(data_key, self._key, info)) for data_key in data_keys]


class Private:
    """Opens with any of the private keys."""

    scheme = "hpke"
    is_remote = False

    def __init__(self, keys: Sequence[str], setting: str = "HUB_SEAL_PRIVATE") -> None:
        """`keys` as `id:64 hex digits`, newest first. Raises UnsealError."""
        found = parsed(keys, setting, PAIR_SHAPE)
        self._keys = {name: X25519PrivateKey.from_private_bytes(key) for name, key in found.items()}

    def knows(self, key_id: str) -> bool:
        """Whether the key is there."""
        return key_id in self._keys

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key. Raises UnsealError."""
        key = self._keys.get(key_id)
        if key is None:
            raise UnsealError(f"The private key “{key_id}” that opens this secret is not in HUB_SEAL_PRIVATE.")
        try:
            return SUITE.decrypt(wrapped, key, LABEL + key_id.encode())
        except (InvalidTag, ValueError):  # the second one: too short to hold a public key
            raise UnsealError("This secret was sealed for another key, or is damaged.") from None

    def public(self) -> list[str]:
        """The public keys that belong to it, as HUB_SEAL_PUBLIC spells them."""
        return [f"{name}:{key.public_key().public_bytes_raw().hex()}" for name, key in self._keys.items()]


def pair(name: str) -> tuple[str, str]:
    """A fresh pair of this id: (public, private), as the settings spell them. Raises UnsealError for a bad id."""
    private = f"{name}:{X25519PrivateKey.generate().private_bytes_raw().hex()}"
    return Private([private], "The id").public()[0], private
