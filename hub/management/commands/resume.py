"""Lets what was paused go on, after saying what will happen."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.management import actor, standstill
from hub.services import pause


class Command(BaseCommand):
    """`manage.py resume everything|connection|integration [NAME] [--dry-run]`."""

    help = "Let everything, a connection or an integration go on. --dry-run only says what will happen."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to resume."""
        standstill.add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen, and do nothing.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what waits, and resume."""
        row = standstill.named(options["what"], options["name"])
        by = standstill.allowed(actor.named(options["by"]), row)
        if not row.is_paused:
            raise CommandError(f"{options['name'] or 'Everything'} is not paused.")
        if options["dry_run"]:
            self.stdout.write(f"When it is resumed: {pause.forecast(row).told()}")
            return
        self.stdout.write(f"Resumed. {pause.resume(row=row, by=by).told()}")
