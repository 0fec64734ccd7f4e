"""Watches every connection that Python's sockets open, and who opened it."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = str(Path(__file__).resolve().parent.parent) + "/"
PACKAGES = "/site-packages/"
# Who may connect beside hub.http, and to what.
ALLOWED = {
    "hub/http/": "the one door out",
    "hub/supervisor/": "our own processes and the embedded Redis, on this machine",
    "hub/services/audit/anchor.py": "syslog, to where the host's environment says",
    "tests/": "a test talks to the server it started",
    "bench/": "a benchmark talks to the server it started",
    "deploy/": "the demo's systems",
}
DRIVERS = {"redis": "the hub's own Redis"}

elsewhere: list[str] = []
"""What was opened by somebody else, since it was last emptied."""


def watch() -> None:
    """From now on and for as long as the process lives: such a hook cannot be taken away."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        culprit = _culprit(sys._getframe(1))
        if culprit:
            elsewhere.append(f"{culprit} connected to {arguments[1]}")


def _culprit(frame: FrameType | None) -> str:
    """The nearest line of our own that opened it, where it may not; what has none was opened by no code of ours."""
    while frame is not None:
        name = frame.f_code.co_filename
        if PACKAGES in name:
            if name.partition(PACKAGES)[2].partition("/")[0] in DRIVERS:
                return ""
        elif name.startswith(ROOT):
            place = name.removeprefix(ROOT)
            return "" if place.startswith(tuple(ALLOWED)) else f"{place}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
