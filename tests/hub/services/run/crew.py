"""Several workers on one mapping at once, in threads, against a third party that watches them."""

import random
import threading
import time
from collections.abc import Callable, Iterator

from django.db import connection

from hub.engine import lane as lanes
from hub.models import LIVE, Lane, Mapping, SyncRun
from hub.sdk import Change, Outcome
from hub.services import run as runs
from tests.simulator import ThirdParty

LATENCY = 0.002
MOST_SECONDS = 90.0
OUT_OF_TURN = """
select count(*) from hub_change earlier
join hub_attempt answered on answered.change_id = earlier.id
join hub_change later on later.mapping_id = earlier.mapping_id and later.source_key = earlier.source_key
  and later.id > earlier.id
where later.sent_at < answered.at
"""
REVERSED = """
select count(*) from hub_attempt first
join hub_change newer on newer.id = first.change_id
join hub_change older on older.mapping_id = newer.mapping_id and older.source_key = newer.source_key
  and older.id < newer.id
join hub_attempt second on second.change_id = older.id
where second.id > first.id
"""


def told(judge: str) -> int:
    """How many pairs of attempts a judge objects to."""
    with connection.cursor() as cursor:
        cursor.execute(judge)
        return int(cursor.fetchone()[0])


class Watched(ThirdParty):
    """A third party that takes some time for each request and notes two requests about one record at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.door, self.desk = threading.Lock(), threading.Lock()
        self.at_the_door: set[str] = set()
        self.overlapping: list[str] = []
        self.before_each: Callable[[Change], None] = lambda change: None

    def _apply_one(self, change: Change) -> Iterator[Outcome]:
        with self.door:
            if change.external_id in self.at_the_door:
                self.overlapping.append(change.external_id)
            self.at_the_door.add(change.external_id)
        try:
            self.before_each(change)
            time.sleep(LATENCY)
            with self.desk:
                answers = list(super()._apply_one(change))
        finally:
            with self.door:
                self.at_the_door.discard(change.external_id)
        yield from answers


class Crew:
    """Workers that take lanes of a mapping in a random order, again and again, until its runs have ended."""

    def __init__(self, mapping: Mapping, workers: int, seed: int) -> None:
        self.mapping, self.seed = mapping, seed
        self.broken: list[BaseException] = []
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(workers)]

    def work(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Work until the runs have ended; `meanwhile` is done over and over by somebody else."""
        for thread in self._threads:
            thread.start()
        while any(thread.is_alive() for thread in self._threads):
            meanwhile()
            time.sleep(0.02)
        for thread in self._threads:
            thread.join()
        if self.broken:
            raise self.broken[0]

    def _work(self, number: int) -> None:
        chance, until = random.Random(self.seed + number), time.monotonic() + MOST_SECONDS
        try:
            while SyncRun.objects.filter(mapping=self.mapping, state__in=LIVE).exists():
                assert time.monotonic() < until, "the runs did not end"
                slices = Mapping.objects.values_list("slices", flat=True).get(pk=self.mapping.pk)
                for lane_id in chance.sample(self._lanes(), min(4, slices)):
                    runs.drain(lane_id=lane_id, owner=f"worker {number}")
        except BaseException as error:  # noqa: BLE001  told by the thread that waits for it
            self.broken.append(error)
        finally:
            connection.close()

    def _lanes(self) -> list[int]:
        # The reader's lane comes up as often as all the others, as it would by its rings.
        found = list(Lane.objects.filter(mapping=self.mapping).order_by("slice").values_list("id", flat=True))
        return found + found[:1] * max(1, len(found) - 1)


def of_lane(keys: list[str], number: int, slices: int) -> list[str]:
    """The keys that fall into one lane."""
    return [key for key in keys if lanes.slice_of(key, slices) == number]
