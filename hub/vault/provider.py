"""What keeps the keys that data keys are wrapped with. To wrap and to unwrap are two capabilities.

A process is given the one, the other, or both. A key-management service is added by writing these two.
"""

from typing import Protocol


class Wrapper(Protocol):
    """Wraps data keys, which is all that sealing needs."""

    scheme: str
    is_remote: bool  # whether it calls a service, which no transaction waits for

    def wrap(self, data_keys: list[bytes]) -> list[tuple[str, bytes]]:
        """(key id, wrapped key) of each data key, under the newest key. Raises ProviderError."""
        ...


class Unwrapper(Protocol):
    """Unwraps data keys, which opening needs."""

    scheme: str
    is_remote: bool

    def knows(self, key_id: str) -> bool:
        """Whether it can unwrap what this key wrapped, as far as can be told without a call."""
        ...

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The data key. Raises UnsealError."""
        ...
