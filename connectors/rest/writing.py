"""Writes changes: one request each, several at once, or several in one request where the system offers that."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from connectors.rest.asking import Ask, ask
from connectors.rest.fan import fan_out
from connectors.rest.judging import Heard, judge, of_error
from connectors.rest.manifest import BatchPlan, Manifest, StreamPlan
from connectors.rest.messages import body_of
from hub.http import HttpClient, Response, encode
from hub.sdk import NOT_BEGUN, Answer, Change, Exchange, HubError, Orders, Outcome, PacedError, SilenceError

MOST_SILENCES = 3  # in a row; then the rest waits instead of each one running into its deadline


@dataclass(slots=True)
class Brake:
    """Stops the changes that have not left yet, once nothing more can come of sending them."""

    orders: Sequence[Change] = ()
    pulled: Outcome | None = None
    _silences: int = 0

    def after(self, outcome: Outcome) -> Outcome:
        """Note what became of a change: refused credentials, a busy or silent system stop the rest."""
        silent = outcome.answer is Answer.UNKNOWN and outcome.code != "no-key"
        self._silences = self._silences + 1 if silent else 0
        if outcome.answer is Answer.AUTH or (outcome.answer is Answer.RETRY and outcome.code != "busy"):
            self.pulled = self.pulled or replace(outcome, exchange=None)
        elif self._silences >= MOST_SILENCES:
            message = "Not sent: the system stopped answering."
            self.pulled = Outcome("", Answer.RETRY, code="silence", message=message)
        return outcome

    def hold(self, change: Change) -> Outcome | None:
        """The outcome of a change that may not leave any more; None when it may. It was not tried: see PacedError."""
        if isinstance(self.orders, Orders) and self.orders.is_stopped:
            return Outcome(change.id, Answer.RETRY, code=NOT_BEGUN, message="Not sent: the hub was paused.")
        if self.pulled is None:
            return None
        code = PacedError.code if self.pulled.answer is Answer.RETRY else self.pulled.code
        return replace(self.pulled, change_id=change.id, code=code)


@dataclass(slots=True)
class Writer:
    """Writes through one connection."""

    client: HttpClient
    manifest: Manifest
    connections: int = 1
    _prefix: str = field(init=False)

    def __post_init__(self) -> None:
        self._prefix = urlsplit(self.client.base_url).path.rstrip("/")

    def apply(self, plan: StreamPlan, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Apply each change and yield one outcome for each."""
        brake = Brake(changes)
        if self.manifest.batch and len(changes) > 1:
            for some in _chunks(changes, self.manifest.batch.most):
                yield from self._together(plan, brake, self.manifest.batch, some)
            return
        task = partial(self._one, plan, brake)
        yield from fan_out(task, changes, self._width)

    @property
    def _width(self) -> int:
        """How many changes may be under way at once now."""
        pace = self.client.pace
        return self.connections if pace is None else max(1, min(self.connections, pace.width))

    def _one(self, plan: StreamPlan, brake: Brake, change: Change) -> Outcome:
        held = brake.hold(change)
        if held is not None:
            return held
        try:
            request = ask(plan, change)
            response = self._send(request)
            outcome = judge(self.manifest, plan, request, _heard(response, request))
        except HubError as error:
            outcome = of_error(change.id, error)
        return brake.after(outcome)

    def _send(self, request: Ask) -> Response:
        write = request.write
        expect = write.refused | write.retry | write.exists | write.conflict | write.missing
        if request.body is None:
            return self.client.call(request.method, request.path, headers=request.headers, expect=expect)
        return self.client.call(request.method, request.path, headers=request.headers, expect=expect, json=request.body)

    def _together(
        self, plan: StreamPlan, brake: Brake, batch: BatchPlan, changes: Sequence[Change]
    ) -> Iterator[Outcome]:
        """Several changes in one request; what cannot even be asked for is answered first."""
        asks: list[Ask] = []
        for change in changes:
            held = brake.hold(change)
            try:
                if held is None:
                    asks.append(ask(plan, change))
            except HubError as error:
                held = of_error(change.id, error)
            if held is not None:
                yield held
        if asks:
            yield from self._batch(plan, brake, batch, asks)

    def _batch(self, plan: StreamPlan, brake: Brake, batch: BatchPlan, asks: Sequence[Ask]) -> Iterable[Outcome]:
        try:
            response = self.client.call("POST", batch.path, json={"requests": [self._part(each) for each in asks]})
            if response.refused:
                # The envelope was refused and nothing in it was looked at, so each change is asked for alone.
                return [self._one(plan, brake, each.change) for each in asks]
            answers = _answers(response, len(asks))
        except HubError as error:
            return [brake.after(of_error(each.change.id, error)) for each in asks]
        return [
            brake.after(judge(self.manifest, plan, each, _part_heard(answer, each, response)))
            for each, answer in zip(asks, answers, strict=True)
        ]

    def _part(self, request: Ask) -> dict[str, Any]:
        part = {"method": request.method, "path": self._prefix + request.path, "headers": dict(request.headers)}
        return part if request.body is None else {**part, "body": request.body}


def _heard(response: Response, request: Ask) -> Heard:
    """The answer; a success must be readable, or nobody knows what happened."""
    body = response.json() if response.status in request.write.success else body_of(response)
    text = "" if response.ok else response.scrub.excerpt(response.body, 300).strip()
    return Heard(response.status, response.headers, body, response.exchange, response.scrub, text)


def _answers(response: Response, count: int) -> Sequence[Any]:
    """One answer for each part. Raises SilenceError when they cannot be told apart."""
    body = response.json()
    answers = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(answers, list) or len(answers) != count:
        raise SilenceError(f"The batch of {count} was answered, but not one by one.")
    return answers


def _part_heard(answer: Any, request: Ask, whole: Response) -> Heard:
    """One part of a batch's answer, with the part of the request that it answers."""
    found = answer if isinstance(answer, dict) else {}
    headers = {str(name).lower(): str(value) for name, value in (found.get("headers") or {}).items()}
    status = found.get("status")
    status = status if isinstance(status, int) else 0
    body = found.get("body")
    # What was sent and accepted is what the change says; only of a refusal is it worth the time to write it down.
    sent = "" if status in request.write.success else _excerpt(whole, request.body)
    asked = f"{request.method} {request.path} (in a batch)\n\n{sent}"
    exchange = Exchange(asked, f"{status}\n\n{_excerpt(whole, body)}", status or None, whole.milliseconds)
    return Heard(status, headers, body, exchange, whole.scrub)


def _excerpt(whole: Response, part: Any) -> str:
    return whole.scrub.excerpt(encode(part)) if part is not None else ""


def _chunks(changes: Sequence[Change], size: int) -> Iterator[list[Change]]:
    waiting = iter(changes)
    while some := list(islice(waiting, size)):
        yield some
