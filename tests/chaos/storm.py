"""A storm over real processes: edits, and every few seconds something is killed, frozen, emptied or broken."""

import contextlib
import logging
import random
import sys
import threading
import time
from collections import Counter
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
    threads = [
        threading.Thread(target=_edits, args=(weather, ships, stop), daemon=True),
        threading.Thread(target=_polls, args=(weather, stage, stop), daemon=True),
    ]
    stage.call("/storm", {"rate": FAULT_RATE})
    ships.sender.begin()
    for thread in threads:
        thread.start()
    _mischief(weather, ships)
    stop.set()
    for thread in threads:
        thread.join()
    ships.sender.end()
    weather.counts += ships.sender.counts
    return _calm(weather, ships)


def _edits(weather: Weather, ships: Ground, stop: threading.Event) -> None:
    """People edit in the shop, which tells the hub of most edits."""
    chance = random.Random(f"{weather.seed}/events")
    began = time.monotonic()
    while not stop.wait(max(0.0, weather.counts["events"] / weather.events_per_second - (time.monotonic() - began))):
        key = f"k{int(chance.random() ** 2 * weather.keys)}"
        ships.stage.edit(key, city=chance.choice(CITIES))
        weather.counts["events"] += 1
        if chance.random() < 0.8:
            ships.sender.tell(key)


def _polls(weather: Weather, stage: Stage, stop: threading.Event) -> None:
    """Every few seconds the hub looks by itself, if its database is there."""
    while not stop.wait(POLL_SECONDS):
        try:
            stage.poll()
        except (DatabaseError, InterfaceError):
            weather.counts["polls lost with the database"] += 1
            connections.close_all()
    connections.close_all()


def _mischief(weather: Weather, ships: Ground) -> None:
    chance = random.Random(f"{weather.seed}/mischief")
    deeds = {_kill: 5, _kill_child: 4, _freeze: 4, _empty_redis: 2, _kill_redis: 2, _stop_postgres: 2}
    until = time.monotonic() + weather.minutes * 60
    while time.monotonic() < until:
        time.sleep(chance.uniform(2, 6))
        deed = chance.choices(list(deeds), weights=list(deeds.values()))[0]
        weather.counts[deed(chance, ships)] += 1
        for program in ships.crew:
            program.start()


def _kill(chance: random.Random, ships: Ground) -> str:
    victim = chance.choice(ships.crew)
    victim.kill()
    return f"killed {victim.kind}"


def _kill_child(chance: random.Random, ships: Ground) -> str:
    """What a worker does, or what answers for the web server."""
    victim = chance.choice(ships.crew)
    victim.kill_child()
    return f"killed child of {victim.kind}"


def _freeze(chance: random.Random, ships: Ground) -> str:
    """Sometimes past the lease: others go on, and the sleeper must not say a word when it wakes."""
    victim, seconds = chance.choice(ships.crew), chance.choice([1, 3, 10, 80])
    victim.freeze()
    threading.Timer(seconds, victim.thaw).start()
    return f"froze {victim.kind}"


def _empty_redis(chance: random.Random, ships: Ground) -> str:
    with contextlib.suppress(RedisError), Client.from_url(ships.redis.url) as client:
        client.flushall()
    return "emptied redis"


def _kill_redis(chance: random.Random, ships: Ground) -> str:
    ships.redis.kill()
    time.sleep(chance.uniform(0, 3))
    ships.redis.start()
    return "killed redis"


def _stop_postgres(chance: random.Random, ships: Ground) -> str:
    ships.postgres.stop()
    time.sleep(chance.uniform(0, 3))
    ships.postgres.start()
    return "stopped postgres"


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
