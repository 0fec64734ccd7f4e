"""Makes a key pair for secrets, and says where each half belongs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub import clock
from hub.vault import UnsealError, pair


class Command(BaseCommand):
    """`manage.py seal_keys [--id NAME]`."""

    help = "Make a key pair: with the public half a process may seal secrets, only with the private half open them."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """What the pair is called."""
        parser.add_argument("--id", default="", help="What the pair is called; the month by default.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print both halves; nothing is kept."""
        name = options["id"] or f"{clock.now():%Y-%m}"
        try:
            public, private = pair(name)
        except UnsealError as error:
            raise CommandError(f"--id {name}: letters, digits, dots, - and _, at most 40. {error}") from None
        self.stdout.write(
            f"# For every process, the web process included:\nHUB_SEAL_PUBLIC={public}\n"
            f"# For workers only, best as a file that HUB_SEAL_PRIVATE_FILE names. Keep a copy apart from the backups "
            f"of the database:\n# without it no secret can be opened.\nHUB_SEAL_PRIVATE={private}\n"
            f"# Where there are keys already: put these before them, comma-separated, and see docs/credentials.md."
        )
