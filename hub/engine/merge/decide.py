"""Decides field by field: nothing changed, one side changed, both did, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from hub.engine import canonical
from hub.engine.merge.policy import MISSING, PLAIN, Authority, Conflict, Policy, Unauthorised, further, larger, newer
from hub.sdk import Fields


class Verdict(StrEnum):
    """What is to happen with one field."""

    SAME = "same"
    ACKNOWLEDGE = "acknowledge"  # both sides are as they should be: remember it, write nothing
    TO_DESTINATION = "to destination"
    TO_SOURCE = "to source"
    TO_BOTH = "to both"  # a union that neither side has yet
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a record in the mapping's form: as last acknowledged (None: never) and as it is now.

    `at` is when its system says it was last changed, on a clock that the mapping trusts.
    """

    acknowledged: Fields | None
    present: Fields
    at: datetime | None = None

    def known(self, name: str) -> Any:
        """The field as last acknowledged."""
        return MISSING if self.acknowledged is None else self.acknowledged.get(name, MISSING)

    def value(self, name: str) -> Any:
        """The field as it is now."""
        return self.present.get(name, MISSING)

    def has_changed(self, name: str) -> bool:
        """Whether the field differs from what was acknowledged; one that is left out says nothing."""
        now, before = self.value(name), self.known(name)
        return now is not MISSING and not alike(now, before)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen with one field, and why. `value` is what both sides are to have, `lost` what gives way."""

    name: str
    verdict: Verdict
    rule: str = ""
    value: Any = MISSING
    lost: Any = MISSING


@dataclass(frozen=True, slots=True)
class Merged:
    """The decisions about one record."""

    decisions: tuple[Decision, ...] = ()

    @property
    def to_destination(self) -> dict[str, Any]:
        """Fields to write to the destination."""
        return self._to(Verdict.TO_DESTINATION, Verdict.TO_BOTH)

    @property
    def to_source(self) -> dict[str, Any]:
        """Fields to write to the source, in the mapping's form."""
        return self._to(Verdict.TO_SOURCE, Verdict.TO_BOTH)

    @property
    def acknowledged(self) -> list[str]:
        """Fields that need no write but must be remembered as they are now."""
        return [one.name for one in self.decisions if one.verdict is Verdict.ACKNOWLEDGE]

    @property
    def asked(self) -> list[Decision]:
        """Fields a person must decide on; they are left alone meanwhile."""
        return [one for one in self.decisions if one.verdict is Verdict.ASK]

    def why(self, names: Fields) -> dict[str, dict[str, Any]]:
        """For each of these fields the rule that decided, and the value that gave way."""
        told = {one.name: one for one in self.decisions if one.name in names}
        return {
            name: {"rule": one.rule} | ({} if one.lost is MISSING else {"lost": one.lost}) for name, one in told.items()
        }

    def _to(self, *verdicts: Verdict) -> dict[str, Any]:
        return {one.name: one.value for one in self.decisions if one.verdict in verdicts}


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a record that is being decided."""

    name: str
    policy: Policy
    source: Side
    destination: Side
    skew: float

    def decide(self) -> Decision:
        here, there = self.source.has_changed(self.name), self.destination.has_changed(self.name)
        if not here and not there:
            return Decision(self.name, Verdict.SAME)
        if equivalent(self.here, self.there):
            return self._acknowledge("both sides came to the same value")
        if self.source.known(self.name) is MISSING and self.destination.known(self.name) is MISSING:
            return self._first()
        if here and there:
            return self._conflict()
        changed = Authority.SOURCE if here else Authority.DESTINATION
        return (
            self._propagate(changed, f"the {changed} changed it") if self.policy.may_write(changed) else self._alone()
        )

    @property
    def here(self) -> Any:
        return self.source.value(self.name)

    @property
    def there(self) -> Any:
        return self.destination.value(self.name)

    def _first(self) -> Decision:
        """Nothing was ever agreed on this field: the side with authority gives, else the one that has a value."""
        told = "nothing was agreed on before"
        if self.policy.authority is not Authority.EITHER:
            return self._propagate(self.policy.authority, told)
        if self.there in (MISSING, None):
            return self._propagate(Authority.SOURCE, told)
        return self._propagate(Authority.DESTINATION, told) if self.here in (MISSING, None) else self._conflict()

    def _alone(self) -> Decision:
        """The side without authority changed it, and only that side."""
        owner = self.policy.authority
        told = f"only the {owner} may change it"
        if self.policy.unauthorised is Unauthorised.REVERT:
            return self._propagate(owner, f"{told}: written over")
        if self.policy.unauthorised is Unauthorised.ACCEPT:
            return self._acknowledge(f"{told}: left as it is")
        return Decision(self.name, Verdict.ASK, told)

    def _conflict(self) -> Decision:
        """Both sides changed it, to different values. A side without authority never wins, whatever else is said."""
        told = f"both sides changed it: {self.policy.conflict}"
        if self.policy.conflict is Conflict.MANUAL:
            return Decision(self.name, Verdict.ASK, told)
        if self.policy.conflict is Conflict.UNION:
            return self._union(told)
        winner = self._winner()
        if not winner or not self.policy.may_write(winner):
            return Decision(self.name, Verdict.ASK, f"{told} cannot tell")
        return self._propagate(Authority(winner), told)

    def _winner(self) -> str:
        """The side that the policy prefers; an empty string when it cannot tell."""
        policy = self.policy
        if policy.conflict is Conflict.AUTHORITY:
            return str(policy.authority) if policy.authority is not Authority.EITHER else ""
        if policy.conflict is Conflict.NEWEST:
            return newer(self.source.at, self.destination.at, self.skew)
        if policy.conflict is Conflict.RANK:
            return further(self.here, self.there, policy.order)
        lowest = policy.conflict is Conflict.LOWEST
        return larger(self.there, self.here) if lowest else larger(self.here, self.there)

    def _union(self, told: str) -> Decision:
        """Three-way: what either side added stays, what either removed goes. In the source's order."""
        lists = (self.here, self.there, self.destination.known(self.name))
        here, there, known_there = ([] if one in (MISSING, None) else one for one in lists)
        lists_only = all(isinstance(one, list | tuple) for one in (here, there))
        if self.policy.authority is not Authority.EITHER or not lists_only:
            return Decision(self.name, Verdict.ASK, f"{told} cannot tell")
        removed = [one for one in known_there if one not in there]
        added = [one for one in there if one not in known_there and one not in here]
        whole = [one for one in here if one not in removed] + added
        if alike(whole, here):
            return self._propagate(Authority.SOURCE, told)
        if alike(whole, there):
            return self._propagate(Authority.DESTINATION, told)
        return Decision(self.name, Verdict.TO_BOTH, told, whole)

    def _propagate(self, winner: Authority, rule: str) -> Decision:
        value, lost = (self.here, self.there) if winner is Authority.SOURCE else (self.there, self.here)
        if value is MISSING:  # the side with authority says nothing about it
            return self._acknowledge(rule)
        verdict = Verdict.TO_DESTINATION if winner is Authority.SOURCE else Verdict.TO_SOURCE
        return Decision(self.name, verdict, rule, value, lost)

    def _acknowledge(self, rule: str) -> Decision:
        return Decision(self.name, Verdict.ACKNOWLEDGE, rule, self.here)


def merge(
    names: Sequence[str], policies: Mapping[str, Policy], source: Side, destination: Side, skew: float = 0.0
) -> Merged:
    """What is to happen with each of these fields. `skew` (seconds) is what both trusted clocks may be apart.

    Values are JSON in the mapping's form on both sides.
    """
    return Merged(tuple(_Field(name, policies.get(name, PLAIN), source, destination, skew).decide() for name in names))


def alike(one: Any, other: Any) -> bool:
    """Whether two values of one side have the same canonical form; an absent one equals only an absent one."""
    if one is MISSING or other is MISSING:
        return one is other
    if type(one) is type(other) and isinstance(one, str | int | None) and one == other:
        return True
    return canonical.canonical({"": one}) == canonical.canonical({"": other})


def equivalent(one: Any, other: Any) -> bool:
    """Whether values of two sides mean the same: a system may answer a number as text, or 50.5 for 50.50."""
    if one in (MISSING, None) or other in (MISSING, None):
        return one in (MISSING, None) and other in (MISSING, None)
    number = _number(one)
    return alike(one, other) or (number is not None and number == _number(other))


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
