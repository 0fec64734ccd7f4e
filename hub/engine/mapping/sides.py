"""What a body says about its two sides: who may change a field, who gives way, whose clocks count, what gets lost."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from hub.engine.mapping.compiled import FieldRule
from hub.engine.mapping.findings import Findings
from hub.engine.mapping.values import Kind, shown
from hub.engine.merge.clocks import Clocks
from hub.engine.merge.policy import Authority, Conflict, Policy, Unauthorised
from hub.sdk.record import Json

DEFAULTS = ("authority", "conflict", "when_unauthorised")
RULE = (*DEFAULTS, "round_trip")
MOST_RANKS = 200
# These let the other side's value win, so either side must be allowed to write the field.
_EVEN = frozenset({Conflict.NEWEST, Conflict.HIGHEST, Conflict.LOWEST, Conflict.UNION, Conflict.RANK})
_NEEDS = {
    Conflict.HIGHEST: ((Kind.NUMBER, Kind.DATE), "a number or a date; end its steps with decimal, integer or date"),
    Conflict.LOWEST: ((Kind.NUMBER, Kind.DATE), "a number or a date; end its steps with decimal, integer or date"),
    Conflict.UNION: ((Kind.LIST,), "a list; end its steps with one that gives a list, like distinct"),
}


def clocks(findings: Findings, written: Json) -> Clocks | None:
    """The trusted clocks of a body, if it names any."""
    if written is None:
        return None
    told = findings.mapping("clocks", written)
    findings.unknown("clocks", told, ("source", "destination", "skew"))
    for side in ("source", "destination"):
        if not isinstance(told.get(side), str) or not told.get(side):
            findings.add(f"clocks.{side}", "must name the field that holds when a record was last changed there")
    skew = told.get("skew", 0)
    if isinstance(skew, bool) or not isinstance(skew, int | float) or skew < 0:
        findings.add("clocks.skew", f"must be the seconds both clocks may be apart; {shown(skew)} is none")
        skew = 0
    return Clocks(str(told.get("source")), str(told.get("destination")), float(skew))


class Policies:
    """Reads the policy of each field; what a field does not say is taken from the body's own defaults."""

    def __init__(self, findings: Findings, body: Mapping[str, Json]) -> None:
        self._findings = findings
        self._clocks = clocks(findings, body.get("clocks"))
        self._authority = self._word(Authority, body, "", "authority", Authority.SOURCE)
        self._unauthorised = self._word(Unauthorised, body, "", "when_unauthorised", Unauthorised.EXCEPTION)
        self._default, self._default_order = self._conflict(body, "")

    @property
    def clocks(self) -> Clocks | None:
        """The clocks that “newest” trusts."""
        return self._clocks

    def of(self, rule: Mapping[str, Json], where: str, gives: Kind) -> Policy:
        """The policy of one field, which gets values of the kind `gives`."""
        authority = self._word(Authority, rule, where, "authority", self._authority)
        if "when_unauthorised" in rule and authority is Authority.EITHER:
            self._findings.add(f"{where}.when_unauthorised", "has no meaning where either side may change the field")
        unauthorised = self._word(Unauthorised, rule, where, "when_unauthorised", self._unauthorised)
        conflict, order = self._conflict(rule, where)
        if conflict is None:
            conflict, order = self._inherited(authority, unauthorised)
        self._check(conflict, authority, where, gives)
        return Policy(authority, conflict, unauthorised, order)

    def _inherited(self, authority: Authority, unauthorised: Unauthorised) -> tuple[Conflict, tuple[Any, ...]]:
        """The body's own policy where it fits; else the owner wins where its word is law, and a person is asked.

        A mapping that puts every unauthorised change to a person does not mean one to be lost because the owner
        happened to change the field as well.
        """
        default = self._default
        if default is not None and (default in _EVEN) == (authority is Authority.EITHER):
            return default, self._default_order
        is_law = authority is not Authority.EITHER and unauthorised is not Unauthorised.EXCEPTION
        return (Conflict.AUTHORITY if is_law else Conflict.MANUAL), ()

    def _check(self, conflict: Conflict, authority: Authority, where: str, gives: Kind) -> None:
        place = f"{where}.conflict"
        if conflict is Conflict.AUTHORITY and authority is Authority.EITHER:
            self._findings.add(place, "“authority” decides nothing where either side may change the field; say another")
        if conflict in _EVEN and authority is not Authority.EITHER:
            self._findings.add(
                place,
                f"“{conflict}” may let either side win, but only the {authority} may change the field; "
                "give it the authority “either”",
            )
        if conflict is Conflict.NEWEST and self._clocks is None:
            self._findings.add(place, "“newest” needs “clocks” that both sides can be trusted with")
        kinds, needed = _NEEDS.get(conflict, ((), ""))
        if kinds and gives not in kinds:
            self._findings.add(place, f"“{conflict}” needs {needed}")

    def _conflict(self, given: Mapping[str, Json], where: str) -> tuple[Conflict | None, tuple[Any, ...]]:
        """The policy written there, if one is, with the order of a rank."""
        value = given.get("conflict")
        place = f"{where}.conflict" if where else "conflict"
        if value is None:
            return None, ()
        if isinstance(value, Mapping) and set(value) == {"rank"}:
            return Conflict.RANK, self._order(value["rank"], f"{place}.rank")
        words = [str(word) for word in Conflict if word is not Conflict.RANK]
        if value in words:
            return Conflict(value), ()
        self._findings.add(
            place,
            f"must be one of {', '.join(words)}, or {{“rank”: [lowest, …, highest]}}; {shown(value)} is none of them",
        )
        return None, ()

    def _order(self, value: Json, place: str) -> tuple[Any, ...]:
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        plain = [one for one in value if not isinstance(one, Mapping | list | tuple)] if is_list else []
        if not is_list or len(plain) != len(value) or not 2 <= len(plain) <= MOST_RANKS:
            self._findings.add(place, f"needs a list of 2 to {MOST_RANKS} plain values, lowest first")
            return ()
        return tuple(plain)

    def _word(self, words: type[StrEnum], given: Mapping[str, Json], where: str, name: str, default: Any) -> Any:
        value = given.get(name, default)
        if value in list(words):
            return words(value)
        place = f"{where}.{name}" if where else name
        self._findings.add(place, f"must be one of {', '.join(words)}; {shown(value)} is none of them")
        return default


def loss(findings: Findings, rule: Mapping[str, Json], where: str) -> str:
    """Why a value may come back otherwise than it left; empty when nothing may get lost."""
    if "round_trip" not in rule:
        return ""
    told = rule["round_trip"]
    reason = told.get("lossy") if isinstance(told, Mapping) and set(told) == {"lossy"} else None
    if isinstance(reason, str) and reason.strip():
        return reason.strip()
    findings.add(f"{where}.round_trip", "must say what gets lost and why, like {“lossy”: “kept in upper case there”}")
    return ""


def check_back(findings: Findings, rules: Sequence[FieldRule], reads: frozenset[str] | None) -> None:
    """What `back` reads must be fields of the mapping, and every field the destination may change must be read."""
    if reads is None:  # an expression may read anything
        return
    findings.unknown("back", sorted(reads), [rule.name for rule in rules])
    for rule in rules:
        if rule.policy.may_write("destination") and rule.name not in reads:
            findings.add(
                f"fields.{rule.name}",
                "the destination may change it, but no rule of “back” reads it; add one, or give the "
                "source the authority",
            )
