"""A mapping ready to run: one record in, one image or the reasons why not out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hub.engine.canonical import storable_text
from hub.engine.mapping.expression import Document
from hub.engine.mapping.values import (
    MISSING,
    Kind,
    ProblemKind,
    Refusal,
    as_text,
    check_sound,
    shown,
)
from hub.engine.merge.clocks import Clocks
from hub.engine.merge.policy import PLAIN, Policy
from hub.sdk import Fields, Record
from hub.sdk.record import Json


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one destination field could not be filled, for the person who must correct it."""

    field: str
    kind: ProblemKind
    message: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """The destination image of a record, without its references.

    `references` names for a destination field the mapping and the source key whose linked record's
    key belongs there.
    """

    image: dict[str, Json]
    references: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Excluded:
    """The record is not meant for the destination."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The record is meant for the destination but cannot be mapped."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field is filled. `missing` is omit or null; `null` is keep, omit or refuse.

    `gives` is the kind of its values as far as it is known, `policy` who may change it, `lossy` why a value may come
    back otherwise than it left.
    """

    name: str
    run: Callable[[Any, Any], Any]
    says: str
    required: bool = False
    missing: str = "omit"
    null: str = "keep"
    reference: str = ""
    is_expression: bool = False
    gives: Kind = Kind.ANY
    policy: Policy = PLAIN
    lossy: str = ""
    is_personal: bool = False

    @property
    def sentence(self) -> str:
        """The rule in plain English."""
        extras = [
            (bool(self.reference), f"as the record linked by the mapping {self.reference}"),
            (self.required, "required"),
            (self.missing == "null", "null when missing"),
            (self.null == "omit", "left out when null"),
            (self.null == "refuse", "refused when null"),
            (not self.policy.is_plain, self.policy.says),
            (bool(self.lossy), f"not kept whole ({self.lossy})"),
            (self.is_personal, "personal"),
        ]
        return ", ".join([f"{self.name} ← {self.says}", *(text for applies, text in extras if applies)])

    def absent(self, value: Any) -> Any:
        """What becomes of missing, null or (when required) empty text. Raises Refusal."""
        if self.required:
            what = "is missing" if value is MISSING else "is null" if value is None else "is empty"
            raise Refusal(f"a value is required, but {self.says} {what}", ProblemKind.MISSING_VALUE)
        if value is MISSING:
            return None if self.missing == "null" else MISSING
        if value is None and self.null == "refuse":
            raise Refusal(f"null is not accepted, but {self.says} is null", ProblemKind.MISSING_VALUE)
        return MISSING if value is None and self.null == "omit" else value


# What a rule's programming may still raise on data nobody thought of. Signals and deadlines are not among them.
_SURPRISES = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
_TROUBLES = (Refusal, *_SURPRISES)
_HARMLESS = frozenset({int, bool, date, datetime})  # nothing to check: the fast way


@dataclass(frozen=True, slots=True)
class Compiled:
    """A mapping ready to run. `reads` is None when an expression may read any source field.

    `withheld` are the fields of which only the destination may change, so that nothing of them is sent there.
    `back` makes fields of the source from the mapped image of a destination's record, where the mapping goes both ways.
    `natural_key` names the mapped fields that make a fact the same one; empty: the record's own key does.
    """

    digest: str
    references: frozenset[str]
    reads: frozenset[str] | None
    rules: tuple[FieldRule, ...]
    filter: FieldRule | None
    has_expressions: bool
    back: "Compiled | None" = None
    clocks: Clocks | None = None
    withheld: frozenset[str] = frozenset()
    natural_key: tuple[str, ...] = ()

    @property
    def policies(self) -> dict[str, Policy]:
        """What is said about each field's two sides."""
        return {rule.name: rule.policy for rule in self.rules}

    def map_record(self, record: Record) -> "Mapped | Excluded | Rejected":
        """The record's image at the destination, or why there is none. Raises nothing for any record."""
        data = record.data
        document = Document(data) if self.has_expressions else MISSING
        if self.filter is not None:
            answer = _left_out(self.filter, data, document)
            if answer is not None:
                return answer
        return self._image(data, document)

    def image_of(self, record: Record) -> "Mapped | Rejected":
        """The record's image, whether or not the filter lets it in. Raises nothing for any record."""
        return self._image(record.data, Document(record.data) if self.has_expressions else MISSING)

    def _image(self, data: Fields, document: Any) -> "Mapped | Rejected":
        image: dict[str, Json] = {}
        references: dict[str, tuple[str, str]] = {}
        problems: list[Problem] = []
        for rule in self.rules:
            try:
                value = rule.run(data, document if rule.is_expression else MISSING)
                kind = type(value)
                if kind is str and value:
                    if "\0" in value or not value.isascii():
                        check_sound(value)
                elif kind not in _HARMLESS:
                    value = _settled(rule, value)
                    if value is MISSING:
                        continue
                if rule.reference:
                    _refer(rule, value, image, references)
                else:
                    image[rule.name] = value
            except _TROUBLES as error:
                problems.append(_problem(rule.name, error))
        return Rejected(tuple(problems)) if problems else Mapped(image, references)


def _settled(rule: FieldRule, value: Any) -> Any:
    """The rarer values: absent ones by the rule, nested ones and numbers once they are found sound."""
    if value is None or value is MISSING or (isinstance(value, str) and not value):
        return rule.absent(value)
    check_sound(value)
    return value


def _left_out(rule: FieldRule, data: Fields, document: Any) -> "Excluded | Rejected | None":
    """Why the filter keeps a record out; None when it lets the record in."""
    try:
        if rule.run(data, document if rule.is_expression else MISSING):
            return None
    except _TROUBLES as error:
        return Rejected((_problem("filter", error),))
    return Excluded(f"the filter does not hold: {rule.says}")


def _refer(rule: FieldRule, value: Any, image: dict[str, Json], references: dict[str, tuple[str, str]]) -> None:
    """Note which record a field refers to; an empty key refers to none."""
    if value is None or value == "":
        if value == "":
            value = rule.absent(None)
        if value is not MISSING:
            image[rule.name] = None
        return
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        raise Refusal(f"{shown(value)} is not a key of another record; text and numbers are accepted")
    key = as_text(value)
    check_sound(key)
    references[rule.name] = (rule.reference, key)


def _problem(name: str, error: Exception) -> Problem:
    """One record's problem, not the run's; also where a rule met data it was not written for."""
    if isinstance(error, Refusal):
        return Problem(name, error.kind, storable_text(f"{name}: {error.message}"))
    message = f"{name}: the rule cannot take this value ({type(error).__name__}: {str(error)[:100]})"
    return Problem(name, ProblemKind.INVALID_VALUE, storable_text(message))
