"""Two ordered writes of one field, and one edit of a person at any time: what can be lost, what can come back?"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

D = 2
NEVER = 99
MOST_SENDS, MOST_LOSSES, MOST_CRASHES = 2, 1, 1
BEFORE, PERSON = 0, 9  # the field's values; the hub writes 1, then 2


class Phase(Enum):
    """What the worker is at."""

    DECIDING = "decides"
    READ = "has read the record"
    WAITING = "waits for the answer"
    SILENT = "gave up on the answer"
    DONE = "done"
    CONFLICT = "a person decides"


class Request(NamedTuple):
    """One write underway. `seen`: the version it is conditional on, or -1; `knows`: it was planned after the edit."""

    left: int
    heard: bool
    value: int
    seen: int
    knows: bool


class Update(NamedTuple):
    """Everything that matters of one moment."""

    writing: int = 1
    phase: Phase = Phase.DECIDING
    sends: int = 0
    lost: int = 0  # ticks since the last request left
    acknowledged: int = 0  # the version the hub last knew
    knows: bool = False  # the hub has read the person's value
    underway: tuple[Request, ...] = ()
    value: int = BEFORE
    version: int = 0
    is_edited: bool = False
    used_keys: tuple[int, ...] = ()
    is_silent: bool = False  # an answer of the present write was lost
    losses: int = 0
    crashes: int = 0
    evil: tuple[str, ...] = ()


class Model(NamedTuple):
    """A protocol. `late` bounds how many ticks a request may take (NEVER: unbounded)."""

    reads_first: bool = False
    waits: bool = False
    by_key: bool = False
    conditional: bool = False
    late: int = D

    def steps(self, now: Update) -> Iterator[tuple[str, Update]]:
        """Everything that can happen next."""
        yield from self._work(now)
        yield from self._network(now)
        if not now.is_edited:
            yield "a person edits", now._replace(value=PERSON, version=now.version + 1, is_edited=True)
        if now.crashes < MOST_CRASHES and now.phase in (Phase.READ, Phase.WAITING):
            phase = Phase.SILENT if now.sends else Phase.DECIDING
            yield "crash", self._unheard(now)._replace(phase=phase, crashes=now.crashes + 1)
        if all(request.left > 0 for request in now.underway):
            yield "tick", self._tick(now)

    def _work(self, now: Update) -> Iterator[tuple[str, Update]]:
        if now.phase is Phase.DECIDING:
            yield self._read(now) if self.reads_first else self._send(now)
        elif now.phase is Phase.READ:
            yield self._send(now)
        elif now.phase is Phase.WAITING:
            yield "timeout", self._unheard(now)._replace(phase=Phase.SILENT, is_silent=True)
        elif now.phase is Phase.SILENT:
            yield from self._resolve(now)

    def _read(self, now: Update) -> tuple[str, Update]:
        if now.value == PERSON and not now.knows:
            return "read: a person was there", now._replace(phase=Phase.CONFLICT, knows=True)
        return "read", now._replace(phase=Phase.READ)

    def _send(self, now: Update) -> tuple[str, Update]:
        if now.sends >= MOST_SENDS:
            return "ask a person", now._replace(phase=Phase.CONFLICT)
        seen = now.acknowledged if self.conditional else -1
        request = Request(self.late, True, now.writing, seen, now.knows)
        underway = tuple(sorted([*now.underway, request]))
        told = f"send W{now.writing}"
        return told, now._replace(phase=Phase.WAITING, sends=now.sends + 1, lost=0, underway=underway)

    def _resolve(self, now: Update) -> Iterator[tuple[str, Update]]:
        if self.waits and now.lost <= D:
            return
        if self.conditional:
            yield self._adopt_if_equal(now)
        elif self.waits:
            yield self._compare(now)
        else:
            yield "try again", now._replace(phase=Phase.DECIDING)

    def _adopt_if_equal(self, now: Update) -> tuple[str, Update]:
        if now.value == now.writing:
            return "read: it is there", self._go_on(now, now.version)
        if now.version == now.acknowledged:
            return "read: unchanged", now._replace(phase=Phase.DECIDING)
        return "read: overtaken", now._replace(phase=Phase.CONFLICT, knows=True)

    def _compare(self, now: Update) -> tuple[str, Update]:
        if now.value == now.writing:
            return "read: it is there", self._go_on(now, now.version)
        if now.value == PERSON:
            return "read: a person was there", now._replace(phase=Phase.CONFLICT, knows=True)
        return "read: not there", now._replace(phase=Phase.DECIDING)

    def _go_on(self, now: Update, version: int) -> Update:
        """The present write is acknowledged; the next one begins, after a wait where silence was met."""
        if now.writing == 2:
            return now._replace(phase=Phase.DONE, acknowledged=version, is_silent=False)
        return now._replace(writing=2, phase=Phase.DECIDING, sends=0, acknowledged=version, is_silent=False)

    def _network(self, now: Update) -> Iterator[tuple[str, Update]]:
        for place, request in enumerate(now.underway):
            if place and request == now.underway[place - 1]:
                continue
            rest = now._replace(underway=now.underway[:place] + now.underway[place + 1 :])
            landed, is_taken = self._land(rest, request)
            is_heard = request.heard and now.phase is Phase.WAITING
            if not is_heard:
                yield f"a late copy of W{request.value} lands", landed
            elif is_taken and self._may_go_on(now):
                yield f"W{request.value} is answered", self._go_on(landed, landed.version)
            elif is_taken:
                yield f"W{request.value} is answered, wait", landed._replace(phase=Phase.SILENT)
            else:
                yield f"W{request.value} is refused", landed._replace(phase=Phase.SILENT)
            if now.losses < MOST_LOSSES:
                yield f"W{request.value} is lost", rest._replace(losses=now.losses + 1)
                if is_heard:
                    yield f"W{request.value} lands, answer lost", landed._replace(losses=now.losses + 1)

    def _may_go_on(self, now: Update) -> bool:
        """Where silence was met, an unfenced earlier copy must be waited for before anything else is written."""
        return not (self.waits and now.is_silent and now.lost <= D)

    def _land(self, now: Update, request: Request) -> tuple[Update, bool]:
        if self.conditional and request.seen != now.version:
            return now, False
        if self.by_key and request.value in now.used_keys:
            return now, True
        evil = list(now.evil)
        if now.value == PERSON and not request.knows:
            evil.append("human edit lost")
        if now.value == 2 and request.value == 1:
            evil.append("stale value wins")
        keys = tuple(sorted({*now.used_keys, request.value})) if self.by_key else ()
        return now._replace(value=request.value, version=now.version + 1, used_keys=keys, evil=tuple(evil)), True

    def _unheard(self, now: Update) -> Update:
        return now._replace(underway=tuple(sorted(request._replace(heard=False) for request in now.underway)))

    def _tick(self, now: Update) -> Update:
        underway = tuple(
            request if request.left == NEVER else request._replace(left=request.left - 1) for request in now.underway
        )
        return now._replace(lost=min(now.lost + 1, D + 1) if now.sends else 0, underway=underway)


def evils(now: Update) -> tuple[str, ...]:
    """What must never be: an older value after a newer one, a person's value overwritten unseen."""
    return now.evil
