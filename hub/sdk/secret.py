"""A secret in memory: usable, never printable."""

from typing import Any, NoReturn


class Secret:
    """Holds one secret value. `reveal()` is for building a request and nothing else.

    It does not appear in str, repr, format, comparison, pickle or JSON.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not written down.")

    def __copy__(self) -> NoReturn:
        raise TypeError("A secret is not copied.")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError("A secret is not copied.")
