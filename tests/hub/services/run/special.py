"""Third parties with manners of their own: one that takes writes for later, one whose writes take several calls."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from hub import registry
from hub.sdk import Answer, Call, Change, Exchange, Job, Operation, Outcome, SilenceError, Stream, TransientError
from tests import simulator
from tests.hub.services.run.conftest import Pair
from tests.simulator import ThirdParty


class LaterParty(ThirdParty):
    """Takes every write for later (202). `work` does what was taken; `silent` does not answer questions."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.taken: dict[str, tuple[Change, Outcome | None]] = {}
        self.asked = 0
        self.silent = False

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        for change in changes:
            token = f"/jobs/{len(self.taken) + 1}"
            self.taken[token] = (change, None)
            self._killed("after", change)
            yield Outcome(change.id, Answer.ACCEPTED, job=token, exchange=Exchange("POST /things", "202", 202, 3))

    def work(self) -> None:
        """Do what was taken."""
        for token, (change, done) in self.taken.items():
            if done is None:
                self.taken[token] = (change, next(iter(self._apply_one(change))))

    def poll(self, stream: str, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """What became of it."""
        self.asked += len(jobs)
        if self.silent:
            raise TransientError("The third party is closed for lunch.")
        for job in jobs:
            _, done = self.taken.get(job.token, (None, Outcome(job.change.id, Answer.UNKNOWN)))
            yield replace(done, change_id=job.change.id) if done else Outcome(job.change.id, Answer.ACCEPTED)


class CallsParty(ThirdParty):
    """A create takes three calls: header, lines, activate. Each remembers its key. Calls are written down."""

    CALLS = (Call("header"), Call("lines"), Call("activate", repeatable=True))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.calls: list[tuple[str, str]] = []
        self.remembered: set[str] = set()
        self.lose: set[str] = set()  # calls whose answers are lost, once
        self.drop_call: set[str] = set()  # calls that never arrive, once
        self.refuse_call: set[str] = set()
        self.kill_after: str = ""

    def streams(self) -> list[Stream]:
        [stream] = super().streams()
        create = replace(self.write, calls=self.CALLS)
        return [replace(stream, capabilities=replace(stream.capabilities, create=create))]

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        for change in changes:
            if change.operation is not Operation.CREATE:
                yield from self._apply_one(change)
                continue
            yield from self._in_calls(change)

    def _in_calls(self, change: Change) -> Iterator[Outcome]:
        names = [call.name for call in self.CALLS]
        key, answer = change.key, None
        for name in names[names.index(change.step) + 1 if change.step else 0 :]:
            if name in self.refuse_call:
                yield Outcome(change.id, Answer.REFUSED, code="validation", message="No such article.", step=name)
                return
            answer = self._arrive(change, name, key)
            if answer is None:
                yield Outcome(change.id, Answer.UNKNOWN, code="silence", step=name)
                return
            key = answer.key or key
            if self.kill_after == name:
                self.kill_after = ""
                raise simulator.KilledError(name)
            if name != names[-1]:
                yield Outcome(change.id, Answer.STEP, key=key, step=name)
        yield replace(answer or Outcome(change.id, Answer.APPLIED), answer=Answer.APPLIED, key=key)

    def _arrive(self, change: Change, name: str, key: str | None) -> Outcome | None:
        """One call; None when its answer is lost."""
        if name in self.drop_call:
            self.drop_call.discard(name)
            return None
        token = change.key_for(name)
        answer = Outcome(change.id, Answer.APPLIED, key=key)
        if not (self.write.key and token in self.remembered):
            self.remembered.add(token)
            self.calls.append((name, change.external_id))
            if name == "header":
                [answer] = list(self._apply_one(change))
            elif key:
                self.rows[key].data[name] = True
        elif name == "header":
            answer = replace(answer, key=self.store.found(change.external_id)[0])
        if name in self.lose:
            self.lose.discard(name)
            return None
        return answer


def give(pair: Pair, monkeypatch: pytest.MonkeyPatch, party: ThirdParty) -> None:
    """Let the pair write to another destination."""
    plates: dict[str, Any] = {
        "shop": simulator.connector("shop", pair.source),
        "books": simulator.connector("books", party),
    }
    find: Callable[[str], Any] = plates.__getitem__
    monkeypatch.setattr(registry, "get", find)
    pair.destination = party


__all__ = ["CallsParty", "LaterParty", "SilenceError", "give"]
