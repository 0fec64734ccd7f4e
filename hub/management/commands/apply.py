"""Creates or changes connections, credentials, integrations and mappings from YAML files."""

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.text import Text

from hub.management import actor, terminal
from hub.services import configuration
from hub.services.configuration import ConfigurationError, Plan


class Command(BaseCommand):
    """`manage.py apply FILE… [--dry-run] [--yes]`."""

    help = (
        "Create or change credentials, connections, integrations and mappings from YAML files. Shows what "
        "would change, field by field, then writes all of it or nothing. What a file does not mention stays."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Files and options."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="Show and try what would change; keep nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation on a terminal.")
        parser.add_argument(
            "--ask",
            action="store_true",
            help="Ask again for secrets that a person enters, and set anew what cannot be compared here.",
        )
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan, show, confirm, write."""
        by = actor.named(options["by"])
        try:
            planned = configuration.plan(options["files"], _environment(), ask=options["ask"])
            self._show(planned)
            if not planned.differences:
                return
            if options["dry_run"]:
                configuration.write(planned, by=by, answers={}, dry_run=True)
                self.stdout.write("Dry run: nothing was written.")
            elif options["yes"] or self._is_confirmed():
                configuration.write(planned, by=by, answers=_answers(planned))
                self.stdout.write("Applied.")
        except ConfigurationError as error:
            count = len(error.problems)
            raise CommandError(f"Nothing was written. {count} to correct:\n{error}") from None

    def _show(self, planned: Plan) -> None:
        """Every difference, then the sum."""
        console = terminal.console(self.stdout)
        for entry in planned.differences:
            console.print(Text(f"{entry.item.label}{' (new)' if entry.is_new else ''}", style="bold"))
            for line in entry.lines:
                console.print(terminal.difference(line.sign, line.path, line.old, line.new))
        for name in planned.uncompared:
            console.print(
                f"credential {name}: this process can seal values and not read them, so whether the given ones are "
                f"others is not known. They stay as they are; --ask sets them anew."
            )
        if not planned.differences:
            console.print(f"Nothing to change: {planned.unchanged} as described.")
            return
        new = sum(entry.is_new for entry in planned.differences)
        changed = len(planned.differences) - new
        console.print(f"{new} to create, {changed} to change, {planned.unchanged} as described.")

    def _is_confirmed(self) -> bool:
        """Whether the person at the terminal agrees; without a terminal there is nobody to ask."""
        if not sys.stdin.isatty():
            return True
        if input("Apply this? [y/N] ").strip().lower() in {"y", "yes"}:
            return True
        self.stdout.write("Nothing was written.")
        return False


def _environment() -> dict[str, str]:
    """What `${…}` in a file may name: the environment, and where this hub keeps its things."""
    own = {"HUB_STATE": str(settings.HUB_STATE), "HUB_ENVIRONMENT": settings.HUB_ENVIRONMENT}
    return {**os.environ, **own}


def _answers(planned: Plan) -> dict[tuple[str, str], str]:
    """Ask for every secret that a person must enter."""
    return {
        (credential, name): getpass(f"{question or name} ({credential}): ")
        for (credential, name), question in planned.questions.items()
    }
