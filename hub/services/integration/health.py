"""How an integration is: a colour, the word for it, and every reason, worst first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from hub.models import Integration, RunState, SyncRun


class Level(IntEnum):
    """How much attention is needed; the greatest counts."""

    IDLE = 0  # grey: nothing is expected of it now
    GOOD = 1  # green
    WARN = 2  # amber: somebody should look
    BAD = 3  # red: the data does not arrive

    @property
    def tone(self) -> str:
        """The name of its colour in the style sheet."""
        return ("idle", "ok", "warn", "bad")[self]


class Finding(NamedTuple):
    """One thing that counts for or against: its level, its word, and a sentence."""

    level: Level
    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Health:
    """The word of the worst finding, and the sentences of all."""

    level: Level
    word: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signs:
    """What health is judged by. `ended`: the newest ended run of each active mapping. `fresh_at`: see Card."""

    integration: Integration
    mappings: int
    active: int
    ended: tuple[SyncRun, ...]
    waiting: int
    exceptions: int
    fresh_at: datetime | None
    at: datetime
    silent: tuple[str, ...] = ()  # webhooks that usually deliver and do not


def judge(signs: Signs) -> Health:
    """The health of an integration. Paused or never run is grey, whatever else is known of it."""
    idle = _idle(signs)
    if idle:
        return Health(idle.level, idle.word, (idle.sentence,) if idle.sentence else ())
    found = sorted(_findings(signs), key=lambda finding: -finding.level)
    if not found:
        return Health(Level.GOOD, "Healthy")
    return Health(found[0].level, found[0].word, tuple(finding.sentence for finding in found))


def is_stale(fresh_minutes: int, fresh_at: datetime | None, at: datetime) -> bool:
    """Whether the last success is longer ago than it may be."""
    return fresh_at is not None and at - fresh_at > timedelta(minutes=fresh_minutes)


def _idle(signs: Signs) -> Finding | None:
    if signs.integration.is_paused:
        return Finding(Level.IDLE, "Paused", "")
    if not signs.mappings:
        return Finding(Level.IDLE, "Not set up", "It has no mapping yet.")
    if not signs.active:
        return Finding(Level.IDLE, "Not set up", "No mapping has an active version yet.")
    if not signs.ended:
        return Finding(Level.IDLE, "Never run", "")
    return None


def _findings(signs: Signs) -> list[Finding]:
    found = [_of_run(run) for run in signs.ended]
    found.append(_of_freshness(signs))
    if signs.waiting:
        found.append(Finding(Level.WARN, "Waiting", "Changes wait for an approval."))
    if signs.exceptions:
        found.append(Finding(Level.WARN, "Needs a person", "Records are in exception."))
    found += [Finding(Level.WARN, "Silent", _of_silence(title)) for title in signs.silent]
    return [finding for finding in found if finding]


def _of_silence(title: str) -> str:
    return f"Nothing comes to the webhook “{title}” any more. Look at the sender whether it still exists."


def _of_run(run: SyncRun) -> Finding | None:
    if run.state == RunState.FAILED:
        return Finding(Level.BAD, "Failing", f"{run.mapping}: {run.reason or 'the last run failed.'}")
    if run.state == RunState.CANCELLED:
        return Finding(Level.WARN, "Cancelled", f"{run.mapping}: the last run was cancelled.")
    if run.state == RunState.PARTIAL and not run.excepted:
        return Finding(Level.WARN, "Partly done", f"{run.mapping}: {run.reason}")
    return None


def _of_freshness(signs: Signs) -> Finding | None:
    """Data that should have come by itself and did not is worse than data nobody asked for."""
    limit = signs.integration.fresh_minutes
    if signs.fresh_at is None:
        return Finding(Level.WARN, "No success yet", "Not every mapping has succeeded yet.")
    if not is_stale(limit, signs.fresh_at, signs.at):
        return None
    if signs.integration.schedule:
        return Finding(Level.BAD, "Stale", "The last success is longer ago than it may be.")
    return Finding(Level.WARN, "Not fresh", "The last success is longer ago than wanted; it runs only by hand.")
