"""Begins a connector: a folder that already passes the contract suite, to be made to speak to the real system."""

import re
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

SCAFFOLD = Path(__file__).parents[1] / "scaffold"
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
FILES = {
    "connectors/{name}/__init__.py": "plate",
    "connectors/{name}/client.py": "client",
    "connectors/{name}/connection.py": "connection",
    "connectors/{name}/streams.py": "streams",
    "connectors/{name}/README.md": "readme",
    "connectors/{name}/samples/page.json": "sample",
    "tests/connectors/{name}/bench.py": "bench",
    "tests/connectors/{name}/test_streams.py": "tests",
}


class Command(BaseCommand):
    """`manage.py new_connector NAME [--label LABEL]`."""

    help = (
        "Begin a connector in connectors/NAME, with a bench in tests/connectors/NAME. It passes the contract suite "
        "as it stands; make it speak to the real system step by step. Nothing else is edited."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Its names."""
        parser.add_argument("name", metavar="NAME", help="Name of the folder: small letters, digits and _.")
        parser.add_argument("--label", help="Name for people. Default: the folder's, with capitals.")
        parser.add_argument("--into", type=Path, default=settings.BASE_DIR, help="The project's folder.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files, unless one is there."""
        name: str = options["name"]
        if not NAME.fullmatch(name):
            raise CommandError(f"“{name}” cannot be a folder of connectors. Use small letters, digits and _.")
        label = options["label"] or name.replace("_", " ").title()
        if set(label) & set("\"'\\\n$"):
            raise CommandError("The label must be plain: without quotes, backslashes, dollars and line breaks.")
        files = {options["into"] / path.format(name=name): template for path, template in FILES.items()}
        present = [path for path in files if path.exists()]
        if present:
            raise CommandError(f"{present[0]} is there already. Choose another name, or remove it.")
        for path, template in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                Template((SCAFFOLD / f"{template}.txt").read_text("utf-8")).substitute(name=name, label=label)
            )
        self._tell(name)

    def _tell(self, name: str) -> None:
        self.stdout.write(
            f"connectors/{name} and tests/connectors/{name} are begun. Next:\n"
            f"  1. Run `pytest tests/connectors -k {name}`: it passes already, on an API that its bench imitates.\n"
            f"  2. connectors/{name}/README.md says what to make real, in which order.\n"
            f"  3. connectors/README.md says what every connector promises."
        )
