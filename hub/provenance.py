"""Who stands behind what this process does now, and how it came here: set at the doors, read where evidence is written.

A door (a request, a job, a command) says it once for all that happens behind it. So no caller passes it on, and what
nobody said anything about is recognised as such: a hand at the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any

THE_HUB = "the hub"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who acts, from where, how they proved who they are, and within which request or run."""

    actor: str = THE_HUB
    actor_id: int | None = None
    on_behalf: str = ""
    method: str = ""  # session, command, worker
    request: str = ""
    address: str = ""
    session: str = ""  # a fingerprint
    run_id: int | None = None

    def told(self) -> dict[str, Any]:
        """What of it is known, as plain data."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}


_current: ContextVar[Provenance | None] = ContextVar("provenance", default=None)


def current() -> Provenance | None:
    """What was said at the door; None where there was none."""
    return _current.get()


@contextmanager
def acting(provenance: Provenance | None) -> Iterator[None]:
    """All that happens within comes from there."""
    token = _current.set(provenance)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def within(**more: Any) -> Iterator[None]:
    """The same, known more closely from here on, such as for which run."""
    with acting(replace(_current.get() or Provenance(), **more)):
        yield


def begin(provenance: Provenance | None) -> None:
    """The same for all the rest of this process: a command is one deed from its start to its end."""
    _current.set(provenance)
