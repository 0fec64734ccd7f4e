"""Ties a process to the life of the one that started it, so that nothing is left running when that one is killed."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# Loaded beforehand: between fork and exec nothing may be imported. Elsewhere than on Linux there is no such bond.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send `by` to this process when its parent ends; ends it now if the parent has ended already."""
    if _LIBC is None:
        return
    _LIBC.prctl(PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def tied_to_me(by: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """What a new process must call first to be tied to the present one. Only for processes that start no threads."""
    parent = os.getpid()
    return lambda: die_with_parent(parent, by)
