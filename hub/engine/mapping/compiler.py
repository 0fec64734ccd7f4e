"""From the body of a mapping version, which is data, to a mapping that runs."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub.engine.canonical import digest
from hub.engine.mapping.builder import Builder
from hub.engine.mapping.compiled import Compiled, FieldRule
from hub.engine.mapping.expression import Expression, exact
from hub.engine.mapping.findings import Findings
from hub.engine.mapping.sides import DEFAULTS, RULE, Policies, check_back, loss
from hub.engine.mapping.step import Part, linked
from hub.engine.mapping.values import Refusal, check_sound, shown
from hub.engine.merge.policy import PLAIN
from hub.sdk.record import Json

ENGINE_VERSION = "1"  # part of every digest: raise it when the same body would map differently
MAX_FIELDS = 500
MAX_ENTRIES = 100_000  # of one value map

_BODY = ("filter", "match", "natural_key", "fields", "value_maps", "back", "back_filter", "clocks", *DEFAULTS)
_BACK = ("steps", "jsonata", "as", "required", "missing", "null", "reference", "round_trip", "personal")
_RULE = (*_BACK, *(name for name in RULE if name not in _BACK))
_AS = re.compile(r"(decimal|text|integer|boolean|date|datetime)(?:\((\d{1,2})\))?")


def compile_mapping(body: Mapping[str, Any]) -> Compiled:
    """The mapping, ready to run. Raises MappingError naming every wrong place and its cure."""
    findings = Findings()
    whole = findings.mapping("", body)
    findings.unknown("", whole, _BODY)
    compiled = _Compiler(findings, whole).compiled()
    findings.raise_any()
    return compiled


def describe(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(destination field, plain English sentence) for every field. Raises MappingError."""
    return [(rule.name, rule.sentence) for rule in compile_mapping(body).rules]


def describe_back(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(source field, plain English sentence) for every field that is written back. Raises MappingError."""
    back = compile_mapping(body).back
    return [(rule.name, rule.sentence) for rule in back.rules] if back else []


def describe_filter(body: Mapping[str, Any]) -> str:
    """Which records are meant, in plain English; empty when all are. Raises MappingError."""
    rule = compile_mapping(body).filter
    return f"only records where {rule.says}" if rule else ""


class _Compiler:
    """Reads one body from top to bottom."""

    def __init__(self, findings: Findings, body: Mapping[str, Json]) -> None:
        self._findings = findings
        self._body = body
        self._maps = _value_maps(findings, body.get("value_maps", {}))
        self._builder = Builder(findings, self._maps)
        self._has_expressions = False
        self._policies = Policies(findings, body)

    def compiled(self) -> Compiled:
        """The whole mapping; its findings may still make it useless."""
        filter_rule = self._filter("filter")
        rules = self._rules("fields", _RULE)
        self._check_match(rules)
        self._check_natural_key(rules)
        return self._made(rules, filter_rule, self._back(rules))

    def _back(self, rules: tuple[FieldRule, ...]) -> Compiled | None:
        """The way back: source fields from the mapped image of a destination's record."""
        if "back" not in self._body:
            if "back_filter" in self._body:
                self._findings.add("back_filter", "has no meaning without “back”")
            return None
        forth, self._builder = self._builder, Builder(self._findings, self._maps)
        had_expressions, self._has_expressions = self._has_expressions, False
        back = self._made(self._rules("back", _BACK), None, None)
        check_back(self._findings, rules, back.reads)
        back = replace(back, filter=self._filter("back_filter"), has_expressions=self._has_expressions)
        self._builder, self._has_expressions = forth, had_expressions
        return back

    def _made(self, rules: tuple[FieldRule, ...], filter_rule: FieldRule | None, back: Compiled | None) -> Compiled:
        return Compiled(
            digest=self._digest(),
            references=frozenset(rule.reference for rule in rules if rule.reference),
            reads=None if self._has_expressions else frozenset(self._builder.reads),
            rules=rules,
            filter=filter_rule,
            has_expressions=self._has_expressions,
            back=back,
            clocks=self._policies.clocks,
            withheld=frozenset(rule.name for rule in rules if not rule.policy.may_write("source")),
            natural_key=tuple(map(str, self._body.get("natural_key") or ())),
        )

    def _digest(self) -> str:
        try:
            return digest(self._body, ENGINE_VERSION.encode())
        except TypeError as error:
            self._findings.add("", f"is not JSON: {error}")
            return ""

    def _filter(self, section: str) -> FieldRule | None:
        written = self._body.get(section)
        if not written:
            return None
        rule = self._findings.mapping(section, written)
        self._findings.unknown(section, rule, ("steps", "jsonata"))
        part = self._builder.truth(self._value(rule, section), section)
        return FieldRule(section, part.run, part.says, is_expression="jsonata" in rule)

    def _rules(self, section: str, known: tuple[str, ...]) -> tuple[FieldRule, ...]:
        fields = self._findings.mapping(section, self._body.get(section))
        if not fields:
            self._findings.add(section, f"names no {'destination' if section == 'fields' else 'source'} field")
        if len(fields) > MAX_FIELDS:
            self._findings.add(section, f"names {len(fields)} fields; at most {MAX_FIELDS} are allowed")
            return ()
        return tuple(self._rule(f"{section}.{name}", name, written, known) for name, written in fields.items())

    def _rule(self, where: str, name: str, written: Json, known: tuple[str, ...]) -> FieldRule:
        self._check_name(where, name)
        rule = self._findings.mapping(where, written)
        self._findings.unknown(where, rule, known)
        part = self._value(rule, where)
        return FieldRule(
            name=name,
            run=part.run,
            says=part.says,
            required=self._flag(rule, where, "required"),
            missing=self._word(rule, where, "missing", ("omit", "null")),
            null=self._word(rule, where, "null", ("keep", "omit", "refuse")),
            reference=self._reference(rule, where),
            is_expression="jsonata" in rule,
            gives=part.gives,
            policy=self._policies.of(rule, where, part.gives) if known is _RULE else PLAIN,
            lossy=loss(self._findings, rule, where),
            is_personal=self._flag(rule, where, "personal"),
        )

    def _value(self, rule: Mapping[str, Json], where: str) -> Part:
        """Where a field or the filter gets its value: an expression, steps, or one after the other."""
        if "jsonata" not in rule:
            if "as" in rule:
                self._findings.add(f"{where}.as", "belongs to “jsonata”; use a step, like {“decimal”: true}")
            return self._builder.chain(rule.get("steps"), f"{where}.steps")
        start = self._expression(rule, where)
        return self._builder.chain(rule["steps"], f"{where}.steps", start=start) if "steps" in rule else start

    def _expression(self, rule: Mapping[str, Json], where: str) -> Part:
        self._has_expressions = True
        text, meant = rule["jsonata"], rule.get("as")
        try:
            run = Expression(text if isinstance(text, str) else "").run
        except ValueError as error:
            self._findings.add(f"{where}.jsonata", str(error))
            return Part(lambda _data, _value: None, "?", tolerant=True)
        is_declared = meant is not None
        part = Part(
            lambda _data, document: exact(run(document), is_declared=is_declared),
            f"the expression {shown(text)}",
            tolerant=True,
        )
        return linked([part, self._meant(meant, f"{where}.as")]) if is_declared else part

    def _meant(self, meant: Json, where: str) -> Part:
        """The step behind `as`."""
        found = _AS.fullmatch(meant) if isinstance(meant, str) else None
        if not found or (found[2] and found[1] != "decimal"):
            self._findings.add(
                where,
                f"{shown(meant)} is none of decimal, decimal(2), text, integer, boolean, date, datetime",
            )
            return Part(lambda _data, value: value, "?")
        steps = {
            "decimal": {"decimal": {"places": int(found[2])} if found[2] else True},
            "datetime": {"date": {"to": "datetime"}},
        }
        return self._builder.chain([steps.get(found[1], {found[1]: True})], where, inside=True)

    def _check_name(self, where: str, name: Json) -> None:
        try:
            check_sound(name)
        except Refusal as refusal:
            self._findings.add(where.partition(".")[0], refusal.message)
        if not isinstance(name, str) or not 0 < len(name) <= 200:
            self._findings.add(where, "a field's name is a text of 1 to 200 characters")

    def _flag(self, rule: Mapping[str, Json], where: str, name: str) -> bool:
        value = rule.get(name, False)
        if not isinstance(value, bool):
            self._findings.add(f"{where}.{name}", f"must be true or false; {shown(value)} is neither")
        return value is True

    def _word(self, rule: Mapping[str, Json], where: str, name: str, words: tuple[str, ...]) -> str:
        value = rule.get(name, words[0])
        if value in words:
            return str(value)
        self._findings.add(f"{where}.{name}", f"must be one of {', '.join(words)}; {shown(value)} is none of them")
        return words[0]

    def _reference(self, rule: Mapping[str, Json], where: str) -> str:
        value = rule.get("reference", "")
        if isinstance(value, str) and (value or "reference" not in rule):
            return value
        self._findings.add(f"{where}.reference", f"must name a mapping of this integration; {shown(value)} does not")
        return ""

    def _check_natural_key(self, rules: tuple[FieldRule, ...]) -> None:
        """Fields of the image that make a fact the same one; a linked record's key is known too late to be one."""
        written = self._body.get("natural_key", [])
        if not isinstance(written, list):
            self._findings.add("natural_key", "must be a list of destination fields")
            return
        own = [rule.name for rule in rules if not rule.reference]
        for name in written:
            if name not in own:
                self._findings.add("natural_key", f"names {shown(name)}, which is no mapped field of its own value")

    def _check_match(self, rules: tuple[FieldRule, ...]) -> None:
        written = self._body.get("match", [])
        if not isinstance(written, list | tuple):
            self._findings.add("match", f"must be a list of destination fields; {shown(written)} is none")
            return
        self._findings.unknown("match", written, [rule.name for rule in rules])


def _value_maps(findings: Findings, written: Json) -> dict[str, Mapping[str, Json]]:
    """The value maps, checked: text to one plain value each."""
    maps = findings.mapping("value_maps", written)
    for name, values in maps.items():
        where = f"value_maps.{name}"
        entries = findings.mapping(where, values)
        if len(entries) > MAX_ENTRIES:
            findings.add(where, f"has {len(entries)} entries; at most {MAX_ENTRIES} are allowed")
        for key, value in entries.items():
            if isinstance(value, Mapping | list | tuple):
                findings.add(f"{where}.{key}", f"must be one plain value; {shown(value)} is not")
    return {name: values for name, values in maps.items() if isinstance(values, Mapping)}
