"""`python -m tests.chaos.standstill --pauses 50 --losses 20`: how fast a pause stops writes, what losing Redis costs.

R-06: five seconds after a pause nothing new is written, while somebody edits all the time. R-04: an edit whose ring was
lost with Redis arrives within sixty seconds of its return, with nothing else to wake the hub. Over real processes.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

from redis import Redis as Client

from tests.chaos.ground import Ground, ground
from tests.chaos.servers import NotThereError, wait_for
from tests.simulator.ledger import Ledger

if TYPE_CHECKING:
    from hub.services.pause import Pausable

PAUSE_LIMIT, LOSS_LIMIT = 5.0, 60.0
KEYS, EDITS_PER_SECOND, WATCHED_SECONDS = 200, 40, 8.0
TARGET = "unique"  # the destination whose ledger is watched


def main(words: Sequence[str]) -> int:
    """0 when every pause and every loss kept its limit, 1 otherwise, 3 when it cannot be tried here."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.standstill", description=__doc__)
    parser.add_argument("--pauses", type=int, default=50)
    parser.add_argument("--losses", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args(words)
    try:
        with ground(asked.seed) as on:
            return _tried(on, asked)
    except NotThereError as missing:
        _tell(str(missing))
        return 3


def _tried(on: Ground, asked: argparse.Namespace) -> int:
    try:
        return _measured(on, asked)
    except NotThereError as silence:
        _tell("\n".join([str(silence), *on.logs()]))
        return 1


def _measured(on: Ground, asked: argparse.Namespace) -> int:
    chance = random.Random(asked.seed)
    with _edited(on, asked.seed):
        _wait_for(on, time.time())
        late = [_pause(on, chance, number) for number in range(asked.pauses)]
    delays = [_lose(on, chance, number) for number in range(asked.losses)]
    return max(
        _judge("last write after a pause", late, PAUSE_LIMIT),
        _judge("until a lost ring was made good", delays, LOSS_LIMIT),
    )


@contextmanager
def _edited(on: Ground, seed: int) -> Iterator[None]:
    """While somebody edits."""
    stop = threading.Event()
    load = threading.Thread(target=_edit, args=(on, seed, stop), daemon=True)
    load.start()
    try:
        yield
    finally:
        stop.set()
        load.join()


def _edit(on: Ground, seed: int, stop: threading.Event) -> None:
    """Somebody edits, and the shop tells the hub of it."""
    from django.db import connections

    chance = random.Random(f"{seed}/edits")
    while not stop.is_set():
        keys = [f"k{chance.randrange(KEYS)}" for _ in range(EDITS_PER_SECOND // 4)]
        for key in keys:
            on.stage.edit(key, city=str(chance.random()))
        on.stage.hint(keys)
        stop.wait(0.25)
    connections.close_all()


def _pause(on: Ground, chance: random.Random, number: int) -> float:
    """Seconds from the committed pause of something to the last write that it should have stopped; 0 without one."""
    from hub.models import Connection, Integration
    from hub.services import pause

    rows: list[Callable[[], Pausable]] = [
        pause.main_switch,
        lambda: Connection.objects.get(name=TARGET),
        lambda: Integration.objects.get(name=TARGET),
    ]
    row = chance.choice(rows)()
    time.sleep(chance.uniform(0, 2))
    pause.pause(row=row, by=None, reason="measured")
    at = time.time()
    time.sleep(WATCHED_SECONDS)
    late = max((moment - at for moment in _writes(on, at)), default=0.0)
    pause.resume(row=row, by=None)
    resumed = time.time()
    _wait_for(on, resumed)
    _tell(f"pause {number + 1} of {type(row).__name__}: last write after {late:.2f} s; again {_since(resumed)}")
    return late


def _lose(on: Ground, chance: random.Random, number: int) -> float:
    """Seconds from the return of an empty Redis until an edit that the hub was told of before has arrived."""
    from tests.chaos.stage import at_rest

    wait_for(at_rest, "Rest")
    key, is_killed = f"lost{number}", chance.random() < 0.5
    if is_killed:
        on.redis.kill()
    on.stage.edit(key, city="Kiel")
    on.stage.hint([key])
    if is_killed:
        time.sleep(chance.uniform(0, 3))
        on.redis.start()
    else:
        with Client.from_url(on.redis.url) as client:
            client.flushall()
    at = time.time()
    _wait_for(on, 0.0, key)
    delay = max(0.0, next(_writes(on, 0.0, key)) - at)
    _tell(f"loss {number + 1}, {'killed' if is_killed else 'emptied'}: arrived after {delay:.1f} s")
    return delay


def _writes(on: Ground, since: float, reference: str = "") -> Iterator[float]:
    ledger = Ledger(on.folder / f"{TARGET}.jsonl")
    return (one.at for one in ledger.by_hub() if one.at > since and reference in ("", one.reference))


def _wait_for(on: Ground, since: float, reference: str = "") -> None:
    wait_for(lambda: next(_writes(on, since, reference), None) is not None, "A write", patience=2 * LOSS_LIMIT)


def _judge(what: str, seconds: Sequence[float], limit: float) -> int:
    if not seconds:
        return 0
    over = [one for one in seconds if one > limit]
    told = f"{len(seconds)} times {what}: median {median(seconds):.2f} s, longest {max(seconds):.2f} s"
    _tell(f"{told}, {len(over)} over {limit:g} s")
    return int(bool(over))


def _since(moment: float) -> str:
    return f"after {time.time() - moment:.1f} s"


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
