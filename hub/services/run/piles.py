"""The piles into which a page of records is sorted, and what the hub knows about those records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.engine import plan
from hub.models import Hint
from hub.sdk import Fields
from hub.services.hint import UNSETTLED
from hub.services.run.raised import Raised

UNLINKED = "its reference was not linked yet"
CANCELLED = "its change was cancelled with the run"
OpenChanges = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A step kept as it was read: its place in the queue of its record, and the record as text."""

    planned: plan.Planned
    text: str


@dataclass(slots=True)
class Sorted:
    """A page, sorted. Every record of it is in exactly one of the counted piles.

    `stuck` are steps behind one that a person must see, `steps` the last queued step of a record, `kept` those that
    cannot be mapped yet (None where none is to be kept), `facts` the digests of facts on their way, `appended` those
    that read as they did when they were appended, `origins` the record key of each fact that goes by a natural key.
    `questions` are raised beside a write of the same record, which is what the record counts as. `followed` are the
    hints that led here, `unread` those that could not be followed.
    """

    unchanged: int = 0
    excluded: int = 0
    held: int = 0
    raised: list[Raised] = field(default_factory=list)
    still_refused: list[str] = field(default_factory=list)
    planned: list[plan.Planned] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    touched: list[tuple[int, str, str | None, str]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    superseded: dict[str, int] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    followed: list[Hint] = field(default_factory=list)
    unread: list[Hint] = field(default_factory=list)
    questions: list[Raised] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    stuck: list[plan.Planned] = field(default_factory=list)
    steps: dict[str, plan.Step] = field(default_factory=dict)
    kept: list[Kept] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    appended: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)

    def postpone(self, key: str) -> None:
        """Leave a record of this page to the next run, because an earlier change of it is not settled."""
        planned = [one for one in self.planned if one.source_key != key]
        if len(planned) == len(self.planned) and key in self.agreed:
            self.agreed.remove(key)
            self.unchanged -= 1
        self.planned = planned
        self.held += 1
        self.hints[key] = UNSETTLED

    @property
    def excepted(self) -> int:
        """Records that ended with a person."""
        return len(self.raised) + len(self.still_refused)

    @property
    def settled(self) -> int:
        """Records of this page that are accounted for without a write."""
        return self.unchanged + self.excluded + self.held + self.excepted


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the hub knows about the records of one page, read in one statement each.

    `frozen` are the fields, by record, about which a person is being asked.
    """

    images: dict[int, Fields]
    open_changes: OpenChanges
    open_refusals: frozenset[str]
    references: dict[tuple[str, str], str]
    frozen: Mapping[str, Sequence[str]]
