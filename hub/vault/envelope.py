"""Envelopes: each value is sealed with a key of its own, which is kept beside it, wrapped by whoever keeps the keys."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.vault.error import ProviderError, SealOnlyError, UnsealError
from hub.vault.local import Local
from hub.vault.provider import Unwrapper, Wrapper
from hub.vault.transit import Transit

DIRECT = ""  # the scheme of what was sealed before there were envelopes
NONCE = 12
SEAL_ONLY = (
    "This process may seal and not open. Workers open secrets: let one do this, or give this process the private key "
    "(HUB_SEAL_PRIVATE)."
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value as it is stored. `wrapped` is its data key; None with what was sealed directly."""

    scheme: str
    key_id: str
    wrapped: bytes | None
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DataKey:
    """A fresh key for one value, and what it is stored as. It calls nothing."""

    scheme: str
    key_id: str
    wrapped: bytes
    _key: bytes = field(repr=False)

    def seal(self, value: str, bound_to: str) -> Sealed:
        """`value`, readable only with the same `bound_to`."""
        nonce = os.urandom(NONCE)
        sealed = nonce + AESGCM(self._key).encrypt(nonce, value.encode(), bound_to.encode())
        return Sealed(self.scheme, self.key_id, self.wrapped, sealed)


class Vault:
    """Seals with one provider and opens with those that are given: none in a process that may only seal."""

    def __init__(self, wrapper: Wrapper, unwrappers: Sequence[Unwrapper] = (), direct: Local | None = None) -> None:
        """`direct` opens what was sealed before there were envelopes."""
        self._wrapper = wrapper
        self._unwrappers = {one.scheme: one for one in unwrappers}
        self._direct = direct
        self._stock: list[DataKey] = []
        self._lock = threading.Lock()

    @property
    def scheme(self) -> str:
        """How it seals."""
        return self._wrapper.scheme

    @property
    def may_open(self) -> bool:
        """Whether it has what opens what it seals."""
        return self._wrapper.scheme in self._unwrappers

    def get_ready(self, count: int) -> None:
        """Have so many data keys at hand, so that sealing calls no service. Raises ProviderError."""
        if not self._wrapper.is_remote:
            return
        with self._lock:
            wanting = count - len(self._stock)
        if wanting > 0:
            made = self._made(wanting)
            with self._lock:
                self._stock += made

    def data_key(self) -> DataKey:
        """A fresh one. Raises ProviderError."""
        with self._lock:
            if self._stock:
                return self._stock.pop()
        return self._made(1)[0]

    def newest(self) -> str:
        """The id of the key that seals now. It may call the service. Raises ProviderError."""
        return self._made(1)[0].key_id

    def seal(self, value: str, bound_to: str) -> Sealed:
        """`value`, readable only with the same `bound_to`. Raises ProviderError."""
        return self.data_key().seal(value, bound_to)

    def knows(self, scheme: str, key_id: str) -> bool:
        """Whether it has the key of a stored value."""
        if scheme == DIRECT:
            return self._direct is not None and self._direct.knows(key_id)
        return scheme in self._unwrappers and self._unwrappers[scheme].knows(key_id)

    def open(self, stored: Sealed, bound_to: str) -> str:
        """The value sealed earlier. Raises UnsealError; SealOnlyError in a process that may only seal."""
        if stored.scheme == DIRECT:
            if self._direct is None:
                raise self._unknown(stored)
            return self._direct.open_direct(stored.key_id, stored.sealed, bound_to)
        cipher = AESGCM(self._unwrapped(stored))
        try:
            return cipher.decrypt(stored.sealed[:NONCE], stored.sealed[NONCE:], bound_to.encode()).decode()
        except (InvalidTag, ValueError):  # a nonce that is too short is no nonce
            raise UnsealError("This secret was sealed for another owner, address or environment.") from None

    def rewrap(self, stored: Sequence[Sealed]) -> list[Sealed | UnsealError]:
        """The same ciphertexts, their data keys wrapped by the newest key: what cannot be is its error.

        Raises ProviderError. What was sealed directly has no data key: it is opened and sealed anew.
        """
        given = [(one.key_id, one.wrapped or b"") for one in stored]
        if isinstance(self._wrapper, Transit) and all(one.scheme == self.scheme for one in stored):
            return self._with_wrapped(stored, self._wrapper.rewrap(given))
        keys = [self._tried(one) for one in stored]
        fresh = iter(self._wrapper.wrap([key for key in keys if isinstance(key, bytes)]))
        return self._with_wrapped(stored, [next(fresh) if isinstance(key, bytes) else key for key in keys])

    def _with_wrapped(
        self, stored: Sequence[Sealed], wrapped: Sequence[tuple[str, bytes] | UnsealError]
    ) -> list[Sealed | UnsealError]:
        return [
            new if isinstance(new, UnsealError) else Sealed(self.scheme, *new, old.sealed)
            for old, new in zip(stored, wrapped, strict=True)
        ]

    def _tried(self, stored: Sealed) -> bytes | UnsealError:
        try:
            return self._unwrapped(stored)
        except ProviderError:
            raise
        except UnsealError as error:
            return error

    def _made(self, count: int) -> list[DataKey]:
        keys = [AESGCM.generate_key(256) for _ in range(count)]
        wrapped = self._wrapper.wrap(keys)
        return [DataKey(self.scheme, *under, key) for key, under in zip(keys, wrapped, strict=True)]

    def _unwrapped(self, stored: Sealed) -> bytes:
        unwrapper = self._unwrappers.get(stored.scheme)
        if unwrapper is None:
            raise self._unknown(stored)
        key = unwrapper.unwrap(stored.key_id, stored.wrapped or b"")
        if len(key) != 32:
            raise UnsealError("This secret is damaged: its key has another length.")
        return key

    def _unknown(self, stored: Sealed) -> UnsealError:
        if not self._unwrappers or stored.scheme == self.scheme:
            return SealOnlyError(SEAL_ONLY)
        how = stored.scheme or "local"
        return UnsealError(f"The key “{stored.key_id}” ({how}) that sealed this secret is not given to this process.")
