"""Watching real processes: what is there, what it started, and waiting for something to come true."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")
LONGEST = 300.0  # seconds; only a broken test waits so long, and a busy machine may be slow


def until(holds: Callable[[], Found], otherwise: Callable[[], str] = lambda: "it did not happen") -> Found:
    """What `holds` returns, once that is true; `otherwise` tells what to say when it never is."""
    limit = time.monotonic() + LONGEST
    while not (found := holds()):
        assert time.monotonic() < limit, otherwise()
        time.sleep(0.05)
    return found


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    stat = _stat(pid)
    return bool(stat) and stat[0] not in "ZX"


def born(pid: int) -> str:
    """When a process began, in the kernel's ticks: tells it from a later one that was given its number again."""
    stat = _stat(pid)
    return stat[19] if stat else ""


def family(pid: int) -> dict[int, str]:
    """A process and all that came of it: number and command line."""
    parents = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    members, grew = {pid}, True
    while grew:
        found = {each for each, stat in parents.items() if stat and int(stat[1]) in members}
        grew = not found <= members
        members |= found
    return {each: _command(each) for each in members if is_there(each)}


def _stat(pid: int) -> list[str]:
    """The kernel's line about a process from its state on: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""
