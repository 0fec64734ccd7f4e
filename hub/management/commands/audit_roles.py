"""Parts who owns the tables of PostgreSQL from who works with them, so that the hub itself cannot alter evidence."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from hub.models.guard import APPEND_ONLY

# What the application may do; it owns nothing.
ORDINARY = "select, insert, update, delete"
EVIDENCE = "select, insert"


class Command(BaseCommand):
    """`manage.py audit_roles --owner hub_owner --app hub_app` prints the statements; `--apply` runs them as well."""

    help = "Grants for a role of the application that can add evidence and never alter it. Run it after every migrate."

    def add_arguments(self, parser: CommandParser) -> None:
        """The two roles."""
        parser.add_argument("--owner", required=True, help="Owns the tables, and migrates.")
        parser.add_argument("--app", required=True, help="What the hub's processes connect as.")
        parser.add_argument("--apply", action="store_true", help="Run the statements, as this connection's role.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them, or run them in one transaction."""
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles. On SQLite whoever can write the file can do anything to it.")
        if options["owner"] == options["app"]:
            raise CommandError("Owner and application must be two roles: an owner can drop what refuses it.")
        found = statements(options["owner"], options["app"])
        self.stdout.write("\n".join(f"{one};" for one in found))
        if not options["apply"]:
            return
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for one in found:
                    cursor.execute(one)
        except DatabaseError as error:
            raise CommandError(f"Nothing was changed: {error}") from None
        self.stderr.write("Done.")


def statements(owner: str, app: str) -> list[str]:
    """What parts the two roles, in order. The roles must be there."""
    tables = sorted(connection.introspection.table_names())
    schema = _schema()
    found = [_said("alter table {} owner to {}", table, owner) for table in tables]
    found += [_said("alter function {}() owner to {}", name, owner) for name in _functions()]
    found += [
        _said("revoke all on all tables in schema {} from {}", schema, app),
        _said("revoke create on schema {} from public", schema),
        _said("revoke create on schema {} from {}", schema, app),
        _said("grant usage on schema {} to {}", schema, app),
        _said("grant usage, select on all sequences in schema {} to {}", schema, app),
    ]
    for table in tables:
        rights = EVIDENCE if table in APPEND_ONLY else ORDINARY
        found.append(_said(f"grant {rights} on {{}} to {{}}", table, app))
    return found


def _functions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname from pg_proc where pronamespace = current_schema()::regnamespace and proname like 'hub\\_%'"
        )
        return sorted(row[0] for row in cursor.fetchall())


def _schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select current_schema()")
        return str(cursor.fetchone()[0])


def _said(text: str, *names: str) -> str:
    return sql.SQL(text).format(*(sql.Identifier(name) for name in names)).as_string()
