"""Ways of breaking the work at a point it comes to."""

from collections import Counter
from collections.abc import Callable

from django.db import connection

from hub import failpoint
from tests.proof.death import Death, SimulatedBugError
from tests.proof.world import World

Breaks = Callable[[World, str, int], None]


def kill(world: World, point: str, nth: int) -> None:
    """The worker's process is gone."""
    failpoint.watch(Death(point, nth))


def fail(world: World, point: str, nth: int) -> None:
    """An error nobody expected."""
    met: Counter[str] = Counter()

    def raises(name: str) -> None:
        met[name] += 1
        if name == point and met[name] == nth:
            raise SimulatedBugError(point)

    failpoint.watch(raises)


def freeze(world: World, point: str, nth: int) -> None:
    """The worker sleeps past its lease, another one does all the work, the first one wakes up."""
    met: Counter[str] = Counter()

    def sleeps(name: str) -> None:
        met[name] += 1
        if name == point and met[name] == nth and not connection.in_atomic_block:
            world.freeze()

    failpoint.watch(sleeps)


BREAKS: dict[str, Breaks] = {"kill": kill, "bug": fail, "freeze": freeze}
