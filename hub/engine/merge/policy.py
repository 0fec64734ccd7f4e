"""What a mapping says about one field: who may change it, and what happens when that is not kept or both did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

MISSING = object()


class Authority(StrEnum):
    """Which side's changes of a field count."""

    SOURCE = "source"
    DESTINATION = "destination"
    EITHER = "either"


class Conflict(StrEnum):
    """Who wins when both sides changed a field to different values."""

    AUTHORITY = "authority"  # the side with authority
    MANUAL = "manual"  # a person; the field is frozen meanwhile
    NEWEST = "newest"  # the later change, on clocks that the mapping trusts
    HIGHEST = "highest"
    LOWEST = "lowest"
    UNION = "union"  # of lists: what either side added stays, what either removed goes
    RANK = "rank"  # the value further on in a given order


class Unauthorised(StrEnum):
    """What becomes of a change by the side without authority."""

    EXCEPTION = "exception"  # a person had a reason: ask
    REVERT = "revert"  # write the other side's value over it
    ACCEPT = "accept"  # leave it until the side with authority next changes the field


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one field. `order` belongs to rank, lowest first."""

    authority: Authority = Authority.SOURCE
    conflict: Conflict = Conflict.MANUAL
    unauthorised: Unauthorised = Unauthorised.EXCEPTION
    order: tuple[Any, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether nothing was said: the source has authority, and a person is asked about everything else."""
        return self == PLAIN

    def may_write(self, side: str) -> bool:
        """Whether a change by `side` may reach the other."""
        return self.authority in (Authority.EITHER, side)

    @property
    def says(self) -> str:
        """The rules in plain English."""
        if self.authority is Authority.EITHER:
            return f"either side may change it, {_CONFLICTS[self.conflict].format(order=_shown(self.order))}"
        told = f"only the {self.authority} may change it"
        beyond = _UNAUTHORISED[self.unauthorised]
        won = ", and wins when both changed it" if self.conflict is Conflict.AUTHORITY else ""
        return f"{told}{won}, {beyond}"


PLAIN = Policy()
_CONFLICTS = {
    Conflict.MANUAL: "a person decides when both did",
    Conflict.NEWEST: "the later change wins when both did",
    Conflict.HIGHEST: "the higher value wins when both did",
    Conflict.LOWEST: "the lower value wins when both did",
    Conflict.UNION: "additions and removals of both count when both did",
    Conflict.RANK: "the value further on in {order} wins when both did",
    Conflict.AUTHORITY: "a person decides when both did",
}
_UNAUTHORISED = {
    Unauthorised.EXCEPTION: "other changes are put to a person",
    Unauthorised.REVERT: "other changes are written over",
    Unauthorised.ACCEPT: "other changes stay until its next one",
}


def _shown(order: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in order)


def newer(source: datetime | None, destination: datetime | None, skew: float) -> str:
    """Which side changed later: source, destination, or an empty string when the clocks cannot tell.

    `skew` is in seconds, of both clocks together: a smaller gap proves nothing.
    """
    if source is None or destination is None:
        return ""
    gap = (source - destination).total_seconds()
    if abs(gap) <= skew:
        return ""
    return "source" if gap > 0 else "destination"


def larger(source: Any, destination: Any) -> str:
    """Which side's number or date is the higher one; an empty string when they cannot be compared."""
    one, other = _measure(source), _measure(destination)
    if one is None or other is None or type(one) is not type(other) or one == other:
        return ""
    return "source" if one > other else "destination"


def _measure(value: Any) -> Any:
    """A value that can be compared: a number, or a date as a moment in UTC."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value)
    try:
        found = Decimal(text)
        return found if found.is_finite() else None
    except InvalidOperation:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def further(source: Any, destination: Any, order: Sequence[Any]) -> str:
    """Which side's value stands further on in `order`; an empty string when one of them is not in it."""
    if source not in order or destination not in order:
        return ""
    return "source" if order.index(source) > order.index(destination) else "destination"
