"""Named points in the work of the hub at which a test can make it die, fail or sleep. Unarmed they do nothing."""

from collections.abc import Callable

_armed: dict[str, Callable[[], None]] = {}
_watchers: list[Callable[[str], None]] = []


def reach(name: str) -> None:
    """Say that the work has come to this point; does what a test armed it with."""
    for watcher in _watchers:
        watcher(name)
    act = _armed.get(name) or _armed.get("*")
    if act is not None:
        act()


def arm(name: str, act: Callable[[], None]) -> None:
    """Do `act` whenever the work comes to `name` (`*`: to any point). For tests only."""
    _armed[name] = act


def watch(watcher: Callable[[str], None]) -> None:
    """Tell `watcher` the name of every point the work comes to, so that tests need no list of them. For tests only."""
    _watchers.append(watcher)


def disarm() -> None:
    """Let all points do nothing again."""
    _armed.clear()
    _watchers.clear()
