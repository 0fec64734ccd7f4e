"""One create under lost requests, lost answers, late landings and crashes: is there ever more than one record?"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

D, TTL = 2, 5  # ticks: longest landing, life of an idempotency key
NEVER = 99
MOST_SENDS, MOST_CRASHES, MOST_LOSSES = 3, 2, 2


class Phase(Enum):
    """What the worker is at. All but the first is forgotten in a crash."""

    IDLE = "idle"
    SENDING = "about to send"
    WAITING = "waits for the answer"
    ANSWERED = "has the answer"
    SILENT = "gave up on the answer"


class Log(Enum):
    """What the hub's database says."""

    NOTHING = "nothing"
    SENDING = "being sent"
    CONFIRMED = "confirmed"
    PARKED = "a person decides"


class Move(Enum):
    """What a protocol does about silence."""

    SEND = "send again"
    PROBE = "look it up"
    WAIT = "wait"
    PARK = "ask a person"


class Target(Enum):
    """What keeps the destination from making a second record."""

    ANYTHING = "nothing"
    KEY = "key"
    UNIQUE = "unique reference"


class Create(NamedTuple):
    """Everything that matters of one moment. Requests underway: (ticks they may still take, is it waited for)."""

    log: Log = Log.NOTHING
    phase: Phase = Phase.IDLE
    keyed: int = 0  # ticks since the key was first used
    lost: int = 0  # ticks since the last request left
    sends: int = 0
    underway: tuple[tuple[int, bool], ...] = ()
    records: int = 0
    remembered: int = 0  # ticks the destination still remembers the key
    crashes: int = 0
    losses: int = 0


class Ages(NamedTuple):
    """What a protocol may look at: ticks since the key was first used, and since the last request left."""

    keyed: int
    lost: int


Decide = Callable[[Ages], Move]


class Model(NamedTuple):
    """A protocol against a destination. `late` bounds how many ticks a request may take (NEVER: unbounded)."""

    decide: Decide
    target: Target
    late: int = D
    logs_first: bool = True

    def steps(self, now: Create) -> Iterator[tuple[str, Create]]:
        """Everything that can happen next."""
        yield from self._work(now)
        yield from self._network(now)
        if now.crashes < MOST_CRASHES and now.phase is not Phase.IDLE:
            forgotten = tuple(sorted((left, False) for left, _ in now.underway))
            yield "crash", now._replace(phase=Phase.IDLE, crashes=now.crashes + 1, underway=forgotten)
        if all(left > 0 for left, _ in now.underway):
            yield "tick", self._tick(now)

    def _work(self, now: Create) -> Iterator[tuple[str, Create]]:
        if now.log in (Log.CONFIRMED, Log.PARKED):
            return
        if now.phase is Phase.IDLE:
            yield self._begin(now)
        elif now.phase is Phase.SENDING and now.sends < MOST_SENDS:
            yield self._send(now)
        elif now.phase is Phase.WAITING:
            given_up = tuple(sorted((left, False) for left, _ in now.underway))
            yield "timeout", now._replace(phase=Phase.SILENT, underway=given_up)
        elif now.phase is Phase.ANSWERED:
            yield "record", now._replace(phase=Phase.IDLE, log=Log.CONFIRMED)
        elif now.phase is Phase.SILENT:
            yield from self._resolve(now)

    def _begin(self, now: Create) -> tuple[str, Create]:
        if not self.logs_first:
            return "begin", now._replace(phase=Phase.SENDING)
        if now.log is Log.NOTHING:
            return "commit the intent", now._replace(log=Log.SENDING, phase=Phase.SENDING)
        return "find it being sent", now._replace(phase=Phase.SILENT)

    def _send(self, now: Create) -> tuple[str, Create]:
        keyed = now.keyed if now.sends else 0
        underway = tuple(sorted([*now.underway, (self.late, True)]))
        told = "send again" if now.sends else "send"
        return told, now._replace(phase=Phase.WAITING, sends=now.sends + 1, keyed=keyed, lost=0, underway=underway)

    def _resolve(self, now: Create) -> Iterator[tuple[str, Create]]:
        move = self.decide(Ages(now.keyed, now.lost))
        if move is Move.SEND and now.sends < MOST_SENDS:
            yield self._send(now)  # at once: a worker that stalls here counts as a request that lands late
        elif move is Move.PARK:
            yield "ask a person", now._replace(phase=Phase.IDLE, log=Log.PARKED)
        elif move is Move.PROBE and now.records:
            yield "look: found", now._replace(phase=Phase.IDLE, log=Log.CONFIRMED)
        elif move is Move.PROBE:
            yield "look: absent", now._replace(phase=Phase.SENDING)

    def _network(self, now: Create) -> Iterator[tuple[str, Create]]:
        for place, request in enumerate(now.underway):
            if place and request == now.underway[place - 1]:
                continue
            rest = now.underway[:place] + now.underway[place + 1 :]
            landed = self._land(now._replace(underway=rest))
            is_heard = request[1] and now.phase is Phase.WAITING
            yield ("lands", landed._replace(phase=Phase.ANSWERED)) if is_heard else ("a late copy lands", landed)
            if now.losses < MOST_LOSSES:
                lost = now.losses + 1
                yield "request lost", now._replace(underway=rest, losses=lost)
                if is_heard:
                    yield "lands, answer lost", landed._replace(losses=lost)

    def _land(self, now: Create) -> Create:
        if self.target is Target.UNIQUE:
            return now._replace(records=1)
        if self.target is Target.KEY:
            if now.remembered:
                return now
            return now._replace(records=now.records + 1, remembered=TTL)
        return now._replace(records=now.records + 1)

    def _tick(self, now: Create) -> Create:
        underway = tuple((left if left == NEVER else left - 1, heard) for left, heard in now.underway)
        return now._replace(
            keyed=min(now.keyed + 1, TTL + D + 1) if now.sends else 0,
            lost=min(now.lost + 1, TTL + D + 1) if now.sends else 0,
            remembered=max(0, now.remembered - 1),
            underway=underway,
        )


def evils(now: Create) -> tuple[str, ...]:
    """What must never be: two records, or a record confirmed that is not there."""
    told = []
    if now.records > 1:
        told.append("duplicate")
    if now.log is Log.CONFIRMED and not now.records:
        told.append("confirmed and absent")
    return tuple(told)
