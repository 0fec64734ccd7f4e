"""Makes the people of the demo, and helps whoever cannot get in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from hub.management import actor, terminal
from hub.models import User
from hub.services import demo, session

Help = Callable[[User, User | None, str], str]


def _unlock(person: User, by: User | None, reason: str) -> str:
    session.unlock(person=person, by=by, reason=reason)
    return f"{person.username} can try again. What failed from their network counts on for 15 minutes at most."


def _new_password(person: User, by: User | None, reason: str) -> str:
    password = session.new_password(person=person, by=by, reason=reason)
    return f"{person.username} signs in with {password} now, and should change it at once. All their sessions ended."


def _remove_factors(person: User, by: User | None, reason: str) -> str:
    kinds = session.remove_factors(person=person, by=by, reason=reason)
    return f"Removed: {', '.join(kinds) or 'nothing'}. All sessions of {person.username} ended."


HELP: dict[str, Help] = {"unlock": _unlock, "new_password": _new_password, "remove_factors": _remove_factors}


class Command(BaseCommand):
    """`manage.py people --demo`, `--show`, and `--unlock`, `--new-password` or `--remove-factors` for one person."""

    help = "Make the people of the demo or show their passwords; help a person who cannot get in."

    def add_arguments(self, parser: CommandParser) -> None:
        """One of two things to do."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--demo", action="store_true", help="Make the people of the demo that are missing.")
        what.add_argument("--show", action="store_true", help="Show the people of the demo and their passwords.")
        what.add_argument("--unlock", metavar="USERNAME", help="Forget the failed sign-ins of a person.")
        what.add_argument("--new-password", metavar="USERNAME", help="Give a person a password made up here.")
        what.add_argument("--remove-factors", metavar="USERNAME", help="Remove second factors that were lost.")
        parser.add_argument("--reason", default="", help="Why; kept in the audit trail.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make, show or help."""
        for what, help_them in HELP.items():
            if options[what]:
                self._help(help_them, options[what], options)
                return
        self._demo(options)

    def _help(self, help_them: Help, username: str, options: dict[str, Any]) -> None:
        person, by = actor.named(username), actor.named(options["by"])
        if person is None:
            raise CommandError("Name the person.")
        if not options["reason"].strip():
            raise CommandError('Say why, with --reason "…"; it is kept in the audit trail.')
        self.stdout.write(help_them(person, by, options["reason"]))

    def _demo(self, options: dict[str, Any]) -> None:
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
