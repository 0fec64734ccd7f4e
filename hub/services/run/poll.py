"""Asks what became of writes that were taken for later, until each is done, refused, or too old to be believed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hub import clock, failpoint
from hub.engine import resolve
from hub.models import Change
from hub.sdk import Answer, HubError, Job, Outcome, Poller, SilenceError, TransientError
from hub.services.run import evidence, outcome, write
from hub.services.run.flow import End, Flow

LOST = "The destination took it for later and gave nothing to ask by."
UNTOLD = "The destination did not say what became of it."
OLD = "The destination has been at it longer than anything takes there. It is looked into as if it had been lost."


def settle(flow: Flow, changes: Sequence[Change]) -> None:
    """Ask about each of these ACCEPTED changes and commit what is said. They are under our epoch already."""
    for side in dict.fromkeys(change.side for change in changes):
        end, there = flow.end(side), [change for change in changes if change.side == side]
        answered = list(_answers(end, there))
        failpoint.reach("poll.answered")
        told = evidence.enriched(flow, [_fit(end, change, answer) for change, answer in answered])
        outcome.record(flow, told, may_repeat=False, purpose="poll")


def _answers(end: End, changes: Sequence[Change]) -> Iterable[tuple[Change, Outcome]]:
    """What the destination says of each; one that cannot be asked now is asked again later."""
    asked = {str(change.pk): change for change in changes if change.job and isinstance(end.system, Poller)}
    yield from ((change, _unknown(change, LOST)) for change in changes if str(change.pk) not in asked)
    jobs = [Job(change.job, write.order(change)) for change in asked.values()]
    error: HubError | None = None
    try:
        for answer in end.system.poll(end.stream, jobs) if jobs and isinstance(end.system, Poller) else ():
            if answer.change_id in asked:
                yield asked.pop(answer.change_id), answer
    except (TransientError, SilenceError) as problem:
        error = problem
    for change in asked.values():
        told = Outcome(str(change.pk), Answer.RETRY, code=error.code, message=str(error)) if error else None
        yield change, told or _unknown(change, UNTOLD)


def _unknown(change: Change, message: str) -> Outcome:
    return Outcome(str(change.pk), Answer.UNKNOWN, code="job", message=message)


def _fit(end: End, change: Change, answer: Outcome) -> tuple[Change, Outcome]:
    """A job that is older than any may be is lost, whatever is said of it; a lost one begins its doubt anew."""
    offered, now = end.offers.of(change.operation), clock.now()
    age = now - (change.sent_at or now)
    landing = offered.landing if offered and offered.landing is not None else resolve.JOB_LANDING
    if answer.answer in (Answer.ACCEPTED, Answer.RETRY) and age > timedelta(seconds=max(landing, end.landing)):
        answer = _unknown(change, OLD)
    if answer.answer is Answer.UNKNOWN:
        change.tries = 0
    return change, replace(answer, key=answer.key or change.key_there)
