"""Shows what a mapping makes of sample records, without writing anything and without risk to the hub."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import hub
from hub.engine.mapping import MappingError, Problem, ProblemKind
from hub.engine.mapping.sample import pack
from hub.sdk import ConfigError, Fields
from hub.sdk.record import Json

MEMORY = 512 << 20  # bytes
PROCESSOR = 2  # seconds
DEADLINE = 10.0  # seconds, with the start of the process
MAX_RECORDS = 100
MAX_INPUT = 32 << 20  # bytes

_HOME = Path(hub.__file__).parents[1]
_CHILD = _HOME / "hub" / "engine" / "mapping" / "child.py"


class PreviewState(StrEnum):
    """What became of a sample record."""

    MAPPED = "mapped"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What the mapping makes of one sample record.

    `image` is JSON (decimals and dates as text); `references` names (mapping, source key) by field;
    `reason` says why it was excluded or why the preview failed.
    """

    state: PreviewState
    image: Mapping[str, Json] = field(default_factory=dict)
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    reason: str = ""


def evaluate(
    body: Mapping[str, Any],
    records: Sequence[Fields],
    value_maps: Mapping[str, Mapping[str, Json]] | None = None,
    *,
    deadline: float = DEADLINE,
) -> list[Result]:
    """What `body` makes of each of at most 100 `records`, in their order.

    `value_maps` are added to those of the body. Raises MappingError when the body is wrong. Whatever an
    expression does, this process is safe: the record it was at and those after it come out as failed.
    """
    if len(records) > MAX_RECORDS:
        raise ConfigError(f"A preview takes at most {MAX_RECORDS} records, not {len(records)}.")
    lines, end = _run(_question(_with_maps(body, value_maps), records), deadline)
    if lines and "findings" in lines[0]:
        raise MappingError(lines[0]["findings"])
    if not lines:
        raise MappingError([f"the body cannot be compiled: {end or 'the preview process ended without a word'}"])
    answers = [_result(line) for line in lines[1 : len(records) + 1]]
    return [*answers, *_failed(len(records) - len(answers), end)]


def check(body: Mapping[str, Any], value_maps: Mapping[str, Mapping[str, Json]] | None = None) -> tuple[str, ...]:
    """What is wrong with a body, one sentence a place; empty when nothing is."""
    try:
        evaluate(body, (), value_maps)
    except MappingError as error:
        return error.findings
    return ()


def _with_maps(body: Mapping[str, Any], value_maps: Mapping[str, Any] | None) -> dict[str, Any]:
    own = body.get("value_maps", {})
    return {**body, "value_maps": {**own, **value_maps}} if value_maps and isinstance(own, Mapping) else {**body}


def _question(body: Mapping[str, Any], records: Sequence[Fields]) -> bytes:
    try:
        text = json.dumps({"body": body, "records": [dict(data) for data in records]}, default=pack)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"These sample records cannot be previewed: {error}") from error
    if len(text) > MAX_INPUT:
        raise ConfigError(f"These sample records are too large for a preview ({len(text) >> 20} MB).")
    return text.encode()


def _run(question: bytes, deadline: float) -> tuple[list[dict[str, Any]], str]:
    """The lines the child wrote, and why it ended early (empty when it did not)."""
    command = [sys.executable, "-P", "-B", str(_CHILD), str(MEMORY), str(PROCESSOR)]
    # Nothing of this process's environment: it may hold secrets.
    environment = {"PYTHONPATH": str(_HOME), "PYTHONIOENCODING": "utf-8", "PATH": os.defpath}
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and module, no shell
            command,
            input=question,
            capture_output=True,
            timeout=deadline,
            cwd=_HOME,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return _lines(expired.stdout or b""), f"it took longer than {deadline:g} s"
    return _lines(done.stdout), _ending(done.returncode)


def _lines(output: bytes) -> list[dict[str, Any]]:
    """The complete lines; the last one may have been cut off."""
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def _ending(code: int) -> str:
    """Why a process ended, in words."""
    if code == 0:
        return ""
    causes = {
        -signal.SIGXCPU: f"it used more than {PROCESSOR} s of processor time",
        -signal.SIGKILL: f"it used more than {PROCESSOR} s of processor time or was stopped from outside",
        -signal.SIGABRT: f"it needed more than {MEMORY >> 20} MB of memory",
        -signal.SIGSEGV: "it overflowed its stack",
    }
    return causes.get(code, f"it needed more than {MEMORY >> 20} MB of memory or broke off (code {code})")


def _result(line: dict[str, Any]) -> Result:
    if "image" in line:
        references = {name: (mapping, key) for name, (mapping, key) in line["references"].items()}
        return Result(PreviewState.MAPPED, line["image"], references)
    if "reason" in line:
        return Result(PreviewState.EXCLUDED, reason=line["reason"])
    if "too_large" in line:
        return Result(PreviewState.FAILED, reason=f"The result is too large to show ({line['too_large']} bytes).")
    problems = tuple(Problem(name, ProblemKind(kind), message) for name, kind, message in line["problems"])
    return Result(PreviewState.REJECTED, problems=problems)


def _failed(count: int, end: str) -> list[Result]:
    """Results for the record an expression broke off at and for those it never reached."""
    if not count:
        return []
    cause = end or "the preview process ended early"
    first = Result(PreviewState.FAILED, reason=f"The mapping was stopped at this record: {cause}.")
    rest = Result(PreviewState.FAILED, reason="Not tried, because the mapping was stopped at an earlier record.")
    return [first, *[rest] * (count - 1)]
