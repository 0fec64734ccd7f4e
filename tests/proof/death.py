"""How a process dies in the middle of its work, and how a bug looks."""

from tests.simulator import KilledError


class SimulatedBugError(Exception):
    """An error nobody expected, as a bug in the hub would raise it."""


class Death:
    """The process that does the work dies at the `nth` time it comes to a point: nothing of it runs any more."""

    def __init__(self, point: str, nth: int = 1) -> None:
        self.point, self.left = point, nth
        self.is_dead = False

    def __call__(self, name: str) -> None:
        if name == self.point and not self.is_dead:
            self.left -= 1
            self.is_dead = self.left == 0
        if self.is_dead:
            raise KilledError(name)
