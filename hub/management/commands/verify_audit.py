"""Proves that nothing of the audit trail was changed, added or removed, and exports it for proof elsewhere."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from hub.evidence import Finding
from hub.management import actor
from hub.services import audit
from hub.services.audit import verify

CODES = ("good", "TAMPERED", "cannot tell")


class Command(BaseCommand):
    """`manage.py verify_audit`."""

    help = "Verify the audit trail: exit code 0 good, 1 tampered with, 2 cannot tell."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to verify it against, and where to put it."""
        parser.add_argument("--anchor", action="append", default=[], type=Path, metavar="FILE",
                            help="lines of an anchor, such as those of a system log elsewhere")  # fmt: skip
        parser.add_argument("--export", type=Path, metavar="FILE", help="write a bundle for the stand-alone verifier")
        parser.add_argument("--from", type=int, default=1, dest="begin", metavar="POSITION")
        parser.add_argument("--to", type=int, dest="end", metavar="POSITION")
        parser.add_argument("--public-keys", action="store_true", help="print the keys that a verifier must trust")
        actor.add_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify; export first when asked to, so that the export is evidence as well from the next seal on."""
        by = actor.named(options["by"])
        if options["public_keys"]:
            self.stdout.write("\n".join(f"{name}:{public}" for name, public in audit.public_keys().items()))
            return
        try:
            if options["export"]:
                count = verify.export_to(options["export"], options["begin"], options["end"], by)
                self.stdout.write(f"{count:,} entries written to {options['export']}.")
            found = verify.verify(options["anchor"])
        except DatabaseError as error:
            found = Finding(2, f"The database does not answer ({type(error).__name__}).")
        where = f"position {found.position}: " if found.position is not None else ""
        self.stdout.write(f"{CODES[found.code]}: {where}{found.told}")
        if found.code:
            sys.exit(found.code)
