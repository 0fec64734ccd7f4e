"""Pauses everything, a connection or an integration from the shell."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hub.management import actor, standstill
from hub.services import pause


class Command(BaseCommand):
    """`manage.py pause everything|connection|integration [NAME] --reason …`."""

    help = "Stop new writes of everything, a connection or an integration within five seconds, until it is resumed."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to pause, why, and how much of it."""
        standstill.add_arguments(parser)
        parser.add_argument("--reason", required=True, help="Why; everybody who looks at it sees it.")
        parser.add_argument("--reads-too", action="store_true", help="Read nothing either, not even for previews.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Pause, and say how it is undone."""
        row = standstill.named(options["what"], options["name"])
        by = standstill.allowed(actor.named(options["by"]), row)
        pause.pause(row=row, by=by, reason=options["reason"], reads_too=options["reads_too"])
        self.stdout.write(pause.sentence(row))
