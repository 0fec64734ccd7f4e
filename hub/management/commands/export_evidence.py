"""Exports chosen evidence into a file, for whoever works at the host."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.management import actor
from hub.models import ExportFormat
from hub.services import export as exports
from hub.services.audit import selection

FILTERS = sorted({name for names in selection.NAMES.values() for name in names})


class Command(BaseCommand):
    """`manage.py export_evidence FILE --reason WHY [--action …]`."""

    help = "Export what is sealed of events or captured rows, narrowed as the lists of the desk are."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, as what, why, and the filters."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--what", choices=list(selection.NAMES), default="event")
        parser.add_argument("--format", choices=ExportFormat.values, default=ExportFormat.LINES.value)
        parser.add_argument("--reason", required=True, help="Why; kept in the audit trail.")
        for name in FILTERS:
            parser.add_argument(f"--{name}", default="", dest=f"narrow_{name}")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and leave an event of it."""
        by, kind = actor.named(options["by"]), options["what"]
        given = {name: options[f"narrow_{name}"] for name in FILTERS if options[f"narrow_{name}"]}
        if strange := set(given) - set(selection.NAMES[kind]):
            raise CommandError(f"Of {kind}s there is no filter {', '.join(sorted(strange))}.")
        try:
            exports.check_key()
            chosen = exports.Chosen(kind, selection.clean(kind, given))
            written = exports.save(chosen, options["format"], options["file"], self._told)
            exports.noted(chosen, written, options["format"], by=by, reason=options["reason"])
        except (selection.SelectionError, exports.ExportError) as error:
            raise CommandError(str(error)) from None
        except FileExistsError:
            raise CommandError(f"{options['file']} is there already. Choose another name.") from None
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"{chosen.entries:,} entries, {written.size:,} bytes, SHA-256 {written.digest}")

    def _told(self, chosen: exports.Chosen) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{chosen.entries:,} entries, {chosen.percent} %", ending="")
