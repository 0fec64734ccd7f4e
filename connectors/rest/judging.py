"""What an answer means for the change that asked: one table for single requests and for parts of a batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.rest.asking import Ask
from connectors.rest.manifest import Manifest, StreamPlan
from connectors.rest.messages import words
from connectors.rest.overriding import override_of
from connectors.rest.streams import record_of, version_of
from connectors.rest.template import Pointer, dig
from hub.http import exchange_of
from hub.sdk import (
    ANSWERS,
    Answer,
    AuthError,
    ConfigError,
    Exchange,
    HubError,
    Operation,
    Outcome,
    RateLimitedError,
    RecordError,
    SignalClass,
    TransientError,
    classify,
)

CODES = {400: "validation", 422: "validation", 403: "forbidden", 404: "not-found", 409: "conflict", 413: "too-large"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, alone or as a part of a batch. Header names are in lower case; `scrub` hides secrets."""

    status: int
    headers: Mapping[str, str]
    body: Any
    exchange: Exchange
    scrub: Callable[[str], str]
    text: str = ""


def judge(manifest: Manifest, plan: StreamPlan, ask: Ask, heard: Heard) -> Outcome:
    """The outcome of one change."""
    answer, code = _overridden(manifest, ask, heard) or _verdict(ask, heard)
    if answer is Answer.APPLIED:
        return _applied(plan, ask, heard, code)
    outcome = Outcome(ask.change.id, answer, code=code, exchange=heard.exchange)
    if answer is Answer.ACCEPTED:
        return replace(outcome, job=heard.headers.get("location", ""))
    outcome = replace(outcome, message=heard.scrub(words(manifest, heard.body) or heard.text))
    if answer is Answer.CONFLICT or code == "exists":
        return _with_current(plan, ask, heard, outcome)
    return outcome


def of_error(change_id: str, error: HubError) -> Outcome:
    """The outcome of a change whose request ended in an error."""
    answer, code = Answer.UNKNOWN, error.code
    if isinstance(error, AuthError):
        answer = Answer.AUTH
    elif isinstance(error, TransientError | ConfigError):
        answer = Answer.RETRY
    elif isinstance(error, RecordError):
        answer = Answer.REFUSED
    wait = error.retry_after if isinstance(error, RateLimitedError) else None
    exchange = exchange_of(error)
    return Outcome(change_id, answer, code=code, message=str(error), retry_after=wait, exchange=exchange)


def _verdict(ask: Ask, heard: Heard) -> tuple[Answer, str]:
    """Answer and code of a status: what the manifest says first, then what it means everywhere."""
    write, status = ask.write, heard.status
    said = {
        Answer.REFUSED: write.refused,
        Answer.RETRY: write.retry,
        Answer.CONFLICT: write.conflict,
        Answer.MISSING: write.missing,
        Answer.ACCEPTED: write.accepted,
    }
    if status in write.exists:
        return Answer.REFUSED, "exists"
    for answer, statuses in said.items():
        if status in statuses:
            return _settled(ask, answer, status)
    if status in write.success:
        failed = write.errors and dig(heard.body, write.errors)
        return (Answer.REFUSED, "refused") if failed else (Answer.APPLIED, "")
    return _usual(status, retry_after="retry-after" in heard.headers)


def _settled(ask: Ask, answer: Answer, status: int) -> tuple[Answer, str]:
    if answer is Answer.MISSING and ask.change.operation is Operation.DELETE:
        return Answer.UNCHANGED, "missing"
    if answer is Answer.CONFLICT and ask.write.if_none_match and ask.change.operation is Operation.CREATE:
        return Answer.CONFLICT, "exists"
    usual = {Answer.CONFLICT: "version", Answer.MISSING: "missing", Answer.RETRY: "busy", Answer.ACCEPTED: "accepted"}
    return answer, usual.get(answer) or CODES.get(status, f"http-{status}")


def _overridden(manifest: Manifest, ask: Ask, heard: Heard) -> tuple[Answer, str] | None:
    """Answer and code of an answer that the manifest gives a class of its own; the override's name is the code."""
    found = override_of(manifest, heard.status, heard.body)
    if found is None:
        return None
    if found.means is SignalClass.DUPLICATE:
        return Answer.REFUSED, "exists"
    answer = ANSWERS[found.means]
    if answer is Answer.MISSING and ask.change.operation is Operation.DELETE:
        return Answer.UNCHANGED, "missing"
    return answer, USUAL.get(found.means, found.code)


# Codes that the hub itself acts on, for classes that statuses and overrides may lead to.
USUAL = {
    SignalClass.AUTH: "auth",
    SignalClass.PERMISSION: "forbidden",
    SignalClass.NOT_APPLIED: "rate-limited",
    SignalClass.THROTTLED: "rate-limited",
    SignalClass.BUSY: "busy",
    SignalClass.CONFLICT: "version",
    SignalClass.APPLIED: "",
    SignalClass.ACCEPTED: "accepted",
    SignalClass.DUPLICATE_TARGET: "ambiguous-target",
}
# Without a word of the manifest, these say too little to be acted on: a person reads them.
REFUSED = frozenset({SignalClass.CONFLICT, SignalClass.TARGET_GONE, SignalClass.REJECTED, SignalClass.SPLIT})


def _usual(status: int, *, retry_after: bool) -> tuple[Answer, str]:
    """Statuses the manifest says nothing about (parts of a batch bring those that a client would raise)."""
    kind = classify(status, write=True, retry_after=retry_after)
    if status == 304:
        return Answer.UNCHANGED, ""
    if kind in REFUSED:
        return Answer.REFUSED, CODES.get(status, f"http-{status}")
    if 200 <= status < 300 or kind is SignalClass.CONFIG:
        return Answer.UNKNOWN, f"http-{status}"  # a success that is not among those the manifest expects
    return ANSWERS[kind], USUAL.get(kind) or f"http-{status}"


def _applied(plan: StreamPlan, ask: Ask, heard: Heard, code: str) -> Outcome:
    etag = heard.headers.get(plan.version.header.lower()) if plan.version.header else None
    data = dig(heard.body, ask.write.record)
    record = record_of(plan, data, etag)
    key = (record.key if record else None) or _pointed(ask, heard) or ask.key
    if key is None:
        # It is there, but nobody can say where: only a search by our reference settles it.
        told = "The answer does not say the new key."
        return Outcome(ask.change.id, Answer.UNKNOWN, code="no-key", message=told, exchange=heard.exchange)
    version = record.version if record else version_of(plan, data, etag)
    image = None if record is None or ask.change.operation is Operation.DELETE else record.data
    return Outcome(ask.change.id, Answer.APPLIED, key, version, image, code, exchange=heard.exchange)


def _pointed(ask: Ask, heard: Heard) -> str | None:
    """The new key where the manifest says it stands; of an address, its last part."""
    if ask.write.key_from is None:
        return None
    kind, _, name = ask.write.key_from.text.partition(":")
    found = heard.headers.get(name.lower()) if kind == "header" else _in_body(ask.write.key_from, heard.body)
    return str(found).rstrip("/").rpartition("/")[2] or None if found is not None else None


def _in_body(pointer: Pointer, body: Any) -> Any:
    return dig(body, tuple(pointer.text.split(".")))


def _with_current(plan: StreamPlan, ask: Ask, heard: Heard, outcome: Outcome) -> Outcome:
    """The record that is in the way, when the refusal shows it."""
    etag = heard.headers.get(plan.version.header.lower()) if plan.version.header else None
    paths = [ask.write.record] if heard.status < 300 else []
    paths += [ask.write.current] if ask.write.current else []
    found = [record for path in paths if (record := record_of(plan, dig(heard.body, path), etag))]
    if not found:
        return replace(outcome, key=ask.key)
    return replace(outcome, key=found[0].key, version=found[0].version, image=found[0].data)
