"""Starts the whole hub on this machine and keeps it going."""

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """`manage.py up [--demo]`."""

    help = (
        "Start web server, workers and scheduler under one supervisor, and stop all of them with Ctrl-C or SIGTERM. "
        "Database and Redis are embedded unless DATABASE_URL and REDIS_URL name servers."
    )
    requires_system_checks: list[str] = []  # `migrate`, which comes next, makes them

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        parser.add_argument("--demo", action="store_true", help="Also start the demo's systems and tell its story.")
        parser.add_argument("--with-parent", action="store_true", help="Stop when the process that started it ends.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Become the supervisor: a small process without the application in it."""
        chosen = [f"--{name.replace('_', '-')}" for name in ("demo", "with_parent") if options[name]]
        sys.stdout.flush()
        sys.stderr.flush()
        os.chdir(Path(settings.BASE_DIR))
        os.execv(sys.executable, [sys.executable, "-m", "hub.supervisor", *chosen])  # noqa: S606  itself, no shell
