"""A storm over real processes: edits, and every few seconds something is killed, frozen, emptied or broken."""

import contextlib
import logging
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connections
from redis import Redis as Client
from redis.exceptions import RedisError

from tests.chaos import stage as stages
from tests.chaos.ground import Ground
from tests.chaos.stage import Stage

logging.getLogger("hub.queue").setLevel(logging.ERROR)  # a Redis that is away is what is wanted here
FAULT_RATE = 0.05
RECOVERY_SECONDS = 300.0  # of which the promise R-03 allows 120 for taking up the work again
CITIES = ("Kiel", "Bonn", "Ulm", "Jena", "Graz", "Wien")
POLL_SECONDS = 5.0


@dataclass
class Weather:
    """Numbers that a storm is told by."""

    seed: int
    minutes: float
    events_per_second: float = 20.0
    keys: int = 150
    counts: Counter[str] = field(default_factory=Counter)


def blow(weather: Weather, ships: Ground) -> float:
    """The storm, then the calm; returns the seconds from calm to rest. Raises AssertionError when rest never comes."""
    stop, stage = threading.Event(), ships.stage
    told: deque[str] = deque()
    threads = [
        threading.Thread(target=_edits, args=(weather, stage, told, stop), daemon=True),
        threading.Thread(target=_webhooks, args=(weather, stage, told, stop), daemon=True),
    ]
    stage.call("/storm", {"rate": FAULT_RATE})
    for thread in threads:
        thread.start()
    _mischief(weather, ships)
    stop.set()
    for thread in threads:
        thread.join()
    return _calm(weather, ships)


def _edits(weather: Weather, stage: Stage, told: deque[str], stop: threading.Event) -> None:
    """People edit in the shop; most edits will be told to the hub, some twice."""
    chance = random.Random(f"{weather.seed}/events")
    began = time.monotonic()
    while not stop.wait(max(0.0, weather.counts["events"] / weather.events_per_second - (time.monotonic() - began))):
        key = f"k{int(chance.random() ** 2 * weather.keys)}"
        stage.edit(key, city=chance.choice(CITIES))
        weather.counts["events"] += 1
        if chance.random() < 0.8:
            told.extend([key] * (1 + (chance.random() < 0.1)))


def _webhooks(weather: Weather, stage: Stage, told: deque[str], stop: threading.Event) -> None:
    """The shop tells the hub of edits, late and in any order; every few seconds the hub looks by itself."""
    chance = random.Random(f"{weather.seed}/webhooks")
    polled = 0.0
    while not stop.wait(0.5):
        keys = [told.popleft() for _ in range(len(told))]
        chance.shuffle(keys)
        with _patience(weather):
            stage.hint(keys)
            if time.monotonic() - polled > POLL_SECONDS:
                stage.poll()
                polled = time.monotonic()
    connections.close_all()


@contextlib.contextmanager
def _patience(weather: Weather) -> Iterator[None]:
    """A database that is away loses a hint; that is what polling is for."""
    try:
        yield
    except (DatabaseError, InterfaceError):
        weather.counts["hints lost with the database"] += 1
        connections.close_all()
        time.sleep(0.5)


def _mischief(weather: Weather, ships: Ground) -> None:
    chance = random.Random(f"{weather.seed}/mischief")
    deeds = {
        _kill_worker: 5, _kill_job: 4, _freeze: 4, _empty_redis: 2, _kill_redis: 2, _stop_postgres: 2,
    }  # fmt: skip
    until = time.monotonic() + weather.minutes * 60
    while time.monotonic() < until:
        time.sleep(chance.uniform(2, 6))
        deed = chance.choices(list(deeds), weights=list(deeds.values()))[0]
        weather.counts[deed.__name__.strip("_")] += 1
        deed(chance, ships)
        for program in ships.crew:
            program.start()


def _kill_worker(chance: random.Random, ships: Ground) -> None:
    chance.choice(ships.crew).kill()


def _kill_job(chance: random.Random, ships: Ground) -> None:
    chance.choice(ships.crew).kill_child()


def _freeze(chance: random.Random, ships: Ground) -> None:
    """Sometimes past the lease: others go on, and the sleeper must not say a word when it wakes."""
    victim, seconds = chance.choice(ships.crew), chance.choice([1, 3, 10, 80])
    victim.freeze()
    threading.Timer(seconds, victim.thaw).start()


def _empty_redis(chance: random.Random, ships: Ground) -> None:
    with contextlib.suppress(RedisError), Client.from_url(ships.redis.url) as client:
        client.flushall()


def _kill_redis(chance: random.Random, ships: Ground) -> None:
    ships.redis.kill()
    time.sleep(chance.uniform(0, 3))
    ships.redis.start()


def _stop_postgres(chance: random.Random, ships: Ground) -> None:
    ships.postgres.stop()
    time.sleep(chance.uniform(0, 3))
    ships.postgres.start()


def _calm(weather: Weather, ships: Ground) -> float:
    """Everything is up, nothing goes wrong, nobody edits: how long until the hub rests, both sides agreeing."""
    connections.close_all()
    stage = ships.stage
    for program in [*ships.crew, ships.redis]:
        program.thaw()
        program.start()
    weather.counts["faults"] = sum(stage.call("/storm", {"rate": 0}).values())
    began = time.monotonic()
    rounds = 0
    while rounds < 2:
        if time.monotonic() - began > RECOVERY_SECONDS:
            raise AssertionError("The hub did not come to rest.")
        stages.hurry()
        if stages.at_rest():
            rounds += 1
            if rounds < 2:
                stage.poll(full=True)
        time.sleep(1)
    return time.monotonic() - began


def tell(line: str) -> None:
    """Say something to whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
