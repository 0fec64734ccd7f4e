"""A bench: one real system that a connector is tried on, with a way to look at it from outside.

How a connector joins the contract suite (tests/connectors/test_contract*.py)
---------------------------------------------------------------------------
Write `tests/connectors/<name>/bench.py` with one mapping:

    BENCHES: Mapping[str, Callable[[Path], AbstractContextManager[Bench]]] = {
        "sqlite": sqlite,          # one entry per kind of system the connector must work with
        "postgresql": postgresql,
    }

Each entry takes an empty folder, starts (or fills) a real system with at least `SEEDED` records, yields
a `Bench`, and stops and removes what it started. It is entered anew for every test, so keep it under a
second; start a slow server once per process (functools.cache + atexit) and only refill it. When the
system is not on this machine, call `pytest.skip("why")` inside; never fake it. Nothing else is to be
registered: the suite finds the folder by the connector's name, and a connector without benches fails.

All looks and edits "from outside" must not use the connector: they are the truth it is compared with.
The values of `fresh` and `edit` must come back from `held` exactly as they were given (text and whole
numbers are safe).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.sdk import Fields, Settings

SEEDED = 7  # the suite reads pages of 3, so that there is a full, another full and a short page

Table = Mapping[str, Fields]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One real system, and what the suite needs to know of it."""

    # How the connector is opened when everything is right.
    settings: Settings
    # The stream that is read. It holds at least SEEDED records.
    stream: str
    # What `stream` truly holds at this moment, by key, deleted records left out.
    held: Callable[[], Table]
    # Somebody else adds a record to `stream`, later than everything in it; returns its key.
    insert: Callable[[], str]

    # The stream that is written; empty when it is `stream` itself.
    target: str = ""
    # What `target` truly holds, by key; None when it is `held`.
    target_held: Callable[[], Table] | None = None
    # The fields of a valid new record of `target`, different for every number (0, 1, 2, …).
    fresh: Callable[[int], Fields] = lambda _: {}
    # Fields of a valid update of any record of `target`; they change every record they are sent to.
    edit: Fields = field(default_factory=dict)
    # Fields that `target` refuses for what they say, as part of an update; None when it refuses nothing.
    bad: Fields | None = None
    # Somebody else changes this record of `target`, so that its version is another.
    touch: Callable[[str], None] | None = None
    # A key that no record has, in the form keys have here.
    absent: str = "no-such-key"

    # Settings whose place does not exist (a closed port, a missing folder).
    wrong_address: Settings | None = None
    # Settings whose secrets are wrong; None when this system has none.
    wrong_secret: Settings | None = None

    @property
    def written(self) -> str:
        """The name of the stream that is written."""
        return self.target or self.stream

    def written_held(self) -> Table:
        """What the written stream truly holds."""
        return (self.target_held or self.held)()
