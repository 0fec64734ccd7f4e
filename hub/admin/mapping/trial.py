"""Trials as the page shows them: the source's fields on one side, what the rules make of them on the other."""

import json
from dataclasses import dataclass, replace
from typing import Any

from hub.services.story.lens import HIDDEN, Hides, Lens
from hub.services.trial import Trial, Verdict

TONES = {
    Verdict.CREATE: "live",
    Verdict.CHANGE: "live",
    Verdict.SAME: "ok",
    Verdict.EXCLUDED: "idle",
    Verdict.PROBLEM: "bad",
    Verdict.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a side. `before` is what was last acknowledged, when it differs; `kind` is "", changed or wrong.

    `takes` names the right it takes to see a value that is hidden.
    """

    name: str
    value: str
    kind: str = ""
    before: str = ""
    takes: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One record with its two sides."""

    key: str
    version: str
    destination_key: str
    verdict: str
    tone: str
    reason: str
    source: list[Line]
    mapped: list[Line]


def shown(trial: Trial, lens: Lens) -> Shown:
    """A trial, ready for the page of somebody who sees it through this lens."""
    return Shown(
        key=trial.record.key,
        version=trial.record.version or "",
        destination_key=trial.destination_key,
        verdict=str(trial.verdict),
        tone=TONES[trial.verdict],
        reason=trial.reason,
        source=[_masked(Line(name, words(value)), lens.source) for name, value in trial.record.data.items()],
        mapped=_mapped(trial, lens),
    )


def summary(trials: list[Trial]) -> str:
    """How many records got which verdict: “3 would be created, 1 is left out”."""
    verdicts = [str(trial.verdict) for trial in trials]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))


def words(value: Any) -> str:
    """A value as text; structures as JSON."""
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "“”" if value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def _masked(line: Line, hides: Hides) -> Line:
    """The line without its values, where their field takes a right that the person has not."""
    takes = hides(line.name)
    return replace(line, value=HIDDEN, before=HIDDEN if line.before else "", takes=takes) if takes else line


def _mapped(trial: Trial, lens: Lens) -> list[Line]:
    found = [_masked(_line(name, value, trial), lens.mapped) for name, value in trial.image.items()]
    found += [Line(name, f"the record linked to {key} by {other}") for name, (other, key) in trial.references.items()]
    gone = [name for name in trial.changes if name not in trial.image]
    found += [
        Line(name, "no longer sent", "changed", HIDDEN if lens.mapped(name) else words(trial.changes[name][0]))
        for name in gone
    ]
    said = {name: lens.sentence(message, field=name, is_of_mapping=True) for name, message in trial.problems.items()}
    return found + [Line(name, text.removeprefix(f"{name}: "), "wrong") for name, text in said.items()]


def _line(name: str, value: Any, trial: Trial) -> Line:
    if name not in trial.changes:
        return Line(name, words(value))
    before = trial.changes[name][0]
    return Line(name, words(value), "changed", words(before) if before is not None else "nothing")
