"""Makes the people of the demo, and shows how they sign in."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from hub.management import terminal
from hub.services import demo


class Command(BaseCommand):
    """`manage.py people --demo` and `manage.py people --show`."""

    help = "Make the people of the demo with passwords made up at the first start, or show those."

    def add_arguments(self, parser: CommandParser) -> None:
        """One of two things to do."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--demo", action="store_true", help="Make the people of the demo that are missing.")
        what.add_argument("--show", action="store_true", help="Show the people of the demo and their passwords.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or show."""
        if settings.HUB_ENVIRONMENT != "demo":
            raise CommandError(
                f"These people are for trying out, and this is “{settings.HUB_ENVIRONMENT}”. Add real ones in the "
                f"admin, or set HUB_ENVIRONMENT=demo if this is no production system."
            )
        kept = Path(settings.HUB_STATE) / "demo" / "people.json"
        if options["demo"]:
            demo.ensure_people(kept)
            self.stdout.write(f"{len(demo.PEOPLE)} people can sign in; `manage.py people --show` tells how.")
        else:
            self._show(demo.passwords(kept))

    def _show(self, passwords: dict[str, str]) -> None:
        if not passwords:
            raise CommandError("There are no people of the demo yet. Make them with `manage.py people --demo`.")
        table = Table("user", "password", "what for", box=None)
        for known in demo.PEOPLE:
            table.add_row(known.username, passwords.get(known.username, "?"), known.task)
        terminal.console(self.stdout).print(table)
