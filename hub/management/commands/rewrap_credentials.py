"""Wraps the keys of all stored secrets anew under the newest master key, and says which keys are still needed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.management import actor
from hub.sdk import ConfigError
from hub.services.credential import rewrap
from hub.services.credential.rewrap import Standing


class Command(BaseCommand):
    """`manage.py rewrap_credentials [--dry-run]`."""

    help = (
        "Wrap the keys of all stored secrets anew under the newest master key, in batches. Cut short, run it again. "
        "It needs every key, so it runs where workers do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How."""
        parser.add_argument("--dry-run", action="store_true", help="Only say how many rows each key has wrapped.")
        parser.add_argument("--batch", type=int, default=rewrap.BATCH, help="Rows at once, from 1 to 5000.")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through all that is left, and sum up."""
        by = actor.named(options["by"])
        batch = min(5000, max(1, options["batch"]))
        try:
            before = rewrap.standing()
            if options["dry_run"]:
                self._show(before)
                return
            unreadable = self._rewrap(by, batch, before)
            self._show(rewrap.standing(), before)
        except ConfigError as error:
            raise CommandError(str(error)) from None
        if unreadable:
            names = ", ".join(sorted(unreadable))
            raise CommandError(
                f"No key of this process opens {names}. Give it their keys and run this again, or set the values anew."
            )

    def _rewrap(self, by: Any, batch: int, before: Standing) -> dict[str, int]:
        unreadable: dict[str, int] = {}
        for progress in rewrap.rewrap(by=by, batch=batch):
            self.stdout.write(f"{progress.done:,} of {before.left:,} wrapped anew.")
            unreadable = dict(progress.unreadable)
        return unreadable

    def _show(self, now: Standing, before: Standing | None = None) -> None:
        """How many rows need each key, and which keys none needs."""
        for wrapping, count in sorted(now.rows.items()):
            mark = "newest" if wrapping in now.newest else "still needed"
            self.stdout.write(f"{wrapping}: {count:,} rows, {mark}.")
        for wrapping in sorted(set(before.rows if before else ()) - set(now.rows)):
            self.stdout.write(f"{wrapping}: no row needs it. It may be removed once no backup that you keep does.")
        if not now.rows:
            self.stdout.write("No secret is stored.")
        elif now.left:
            self.stdout.write(f"{now.left:,} rows are not wrapped by the newest key. Remove no older key yet.")
        else:
            self.stdout.write("Every row is wrapped by the newest key.")
