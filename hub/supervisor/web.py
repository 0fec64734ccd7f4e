"""`python -m hub.supervisor.web`: the web server, for the hub's pages and for webhooks."""

import importlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from hub.management.bond import die_with_parent

APPLICATION = "hub.wsgi:application"
DEFAULTS = {"DJANGO_SETTINGS_MODULE": "hub.settings", "HUB_DB_POOL": "1"}
PROCESSES = 2
# Webhooks hold no thread until their commit (deferred.py); pages and bodies that come slowly do.
THREADS = 32
# So many requests a process are read at once; further ones wait in the system's backlog.
READ_AT_ONCE = 128
HEADERS_MILLISECONDS = 10_000
GRACE_SECONDS = 6


def application(target: str, *, server: int) -> Callable[..., Any]:
    """What each process serves. It must not outlive the `server` (its process id) that started it."""
    die_with_parent(server)
    return loaded(target)


def loaded(target: str) -> Callable[..., Any]:
    """The application that stands at module:name."""
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def main() -> None:
    """Serve until SIGTERM."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    loaded(APPLICATION)  # once, before any connection is open: the processes share the memory
    from django.conf import settings  # noqa: PLC0415  now they can be read

    from hub.supervisor import deferred, probes  # noqa: PLC0415

    deferred.install()  # before the processes are started: they inherit it

    server = Granian(
        APPLICATION,
        address=probes.host(),
        port=settings.HUB_PORT,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=PROCESSES,
        blocking_threads=THREADS,
        backpressure=READ_AT_ONCE,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_MILLISECONDS),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
    )
    server.serve(target_loader=partial(application, server=os.getpid()))


if __name__ == "__main__":
    main()
