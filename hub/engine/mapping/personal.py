"""Which fields hold personal data, on either side of a mapping, from what its rules say (`"personal": true`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.engine.roundtrip import reads
from hub.sdk.record import Json

Marks = dict[str, bool]
Rules = dict[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Personal:
    """The personal fields of a mapping: `mapped` by the destination's names, `source` by the source's.

    `known` are all mapped fields, `touched` those whose rules read a personal field of the source, marked or not: what
    such a rule says when it refuses a value quotes it. `is_all_source`: the expression of a personal rule may read
    anything, so that every field of the source counts that no other rule reads.
    """

    mapped: frozenset[str] = frozenset()
    source: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    plain_source: frozenset[str] = frozenset()
    is_all_source: bool = False

    def __bool__(self) -> bool:
        return bool(self.mapped or self.source or self.is_all_source)

    def is_source(self, name: str) -> bool:
        """Whether a field of the source is personal."""
        return name in self.source or (self.is_all_source and name not in self.plain_source)


NOBODYS = Personal()


def personal_fields(bodies: Sequence[Any]) -> Personal:
    """The personal fields of the versions of a mapping, given the newest first: it decides of each field it knows."""
    mapped: Marks = {}
    source: Marks = {}
    rules: Rules = {}
    is_all = False
    for body in bodies:
        own_mapped, own_source, reads_all = _marks(body)
        rules = {**_rules(body, "fields"), **rules}
        mapped, source = {**own_mapped, **mapped}, {**own_source, **source}
        is_all = is_all or reads_all
    return _made(mapped, source, rules, is_all_source=is_all)


def drafted_fields(draft: Any, bodies: Sequence[Any]) -> Personal:
    """Those of a draft, which cannot take a mark away: whoever writes one must not see more for having written it.

    What was personal stays so, and a new or changed rule that reads a personal field of the source is personal itself.
    """
    own, former = personal_fields([draft]), personal_fields(bodies)
    rules, before = _rules(draft, "fields"), _rules(bodies[0], "fields") if bodies else {}
    mapped = dict.fromkeys(own.known | former.known, False) | dict.fromkeys(own.mapped | former.mapped, True)
    source = dict.fromkeys(own.plain_source & former.plain_source, False)
    source |= dict.fromkeys(own.source | former.source, True)
    is_all = own.is_all_source or former.is_all_source
    both = _made(mapped, source, rules, is_all_source=is_all)
    changed = {name for name in both.touched if rules.get(name) != before.get(name)}
    return _made(mapped | dict.fromkeys(changed, True), source, rules, is_all_source=is_all)


def _made(mapped: Marks, source: Marks, rules: Rules, *, is_all_source: bool) -> Personal:
    marked = frozenset(name for name, is_marked in mapped.items() if is_marked)
    found = frozenset(name for name, is_marked in source.items() if is_marked)
    has_any = bool(marked or found or is_all_source)
    touched = {
        name for name, rule in rules.items() if (has_any and "jsonata" in rule) or not found.isdisjoint(reads(rule))
    }
    return Personal(
        mapped=marked,
        source=found,
        known=frozenset(mapped),
        touched=marked | touched,
        plain_source=frozenset(source) - found,
        is_all_source=is_all_source,
    )


def _marks(body: Any) -> tuple[Marks, Marks, bool]:
    """For each mapped field and each known field of the source whether it is personal; whether all of it may be."""
    forth, back = _rules(body, "fields"), _rules(body, "back")
    from_back = {name for rule in back.values() if _is_marked(rule) for name in reads(rule)}
    mapped = {name: _is_marked(rule) or name in from_back for name, rule in forth.items()}
    source: Marks = {}
    for name, rule in forth.items():
        for read in reads(rule):
            source[read] = source.get(read, False) or mapped[name]
    for name, rule in back.items():
        is_fed = any(mapped.get(read, False) for read in reads(rule)) or ("jsonata" in rule and any(mapped.values()))
        source[name] = source.get(name, False) or _is_marked(rule) or is_fed
    return mapped, source, any("jsonata" in rule and mapped[name] for name, rule in forth.items())


def _rules(body: Any, section: str) -> Rules:
    """The rules of a section; a body that is written wrong has none."""
    written = body.get(section) if isinstance(body, Mapping) else None
    fields = written if isinstance(written, Mapping) else {}
    return {str(name): rule for name, rule in fields.items() if isinstance(rule, Mapping)}


def _is_marked(rule: Mapping[str, Json]) -> bool:
    return rule.get("personal") is True
