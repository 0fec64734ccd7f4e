"""How the web server is run: gunicorn's configuration."""

import os
from typing import Any

from django.conf import settings

from hub.management.bond import die_with_parent
from hub.supervisor import probes

bind = [probes.bind_address()]
worker_class = "gthread"
workers = 2
threads = 8
timeout = 60
graceful_timeout = 6
keepalive = 5
preload_app = True  # imported once, before any connection is open; the processes share the memory
control_socket_disable = True  # it would lie in a folder that other hubs of this account share
proc_name = f"hub-web-{settings.HUB_PORT}"


def post_fork(server: Any, worker: Any) -> None:
    """A web process must not outlive the server that started it."""
    die_with_parent(os.getppid())
