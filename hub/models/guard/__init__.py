"""The database's own guard: triggers that refuse to alter evidence, and that see every write to a governed table.

They are put up after every migrate, which compares what there is with what there should be: a table that SQLite
remakes in a migration loses its triggers, and a column that is new must be seen as well.
"""

from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from hub.models.guard import postgresql, sqlite
from hub.models.guard.carry import carry, names_who_writes
from hub.models.guard.governed import APPEND_ONLY, GOVERNED, Governed

__all__ = ["APPEND_ONLY", "GOVERNED", "Governed", "carry", "install", "missing", "names_who_writes", "remove", "told"]


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """What should be there and is not, or is switched off or altered; empty when all is well."""
    found: list[str] = _dialect(connection).missing(connection, _tables(connection))
    return found


def told(lacking: list[str]) -> str:
    """What is missing, in a few words."""
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return f"{', '.join(lacking[:3])}{more}"


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Put up what is missing; returns what that was."""
    wanting = missing(connection)
    if wanting:
        with transaction.atomic(using=connection.alias):
            _dialect(connection).install(connection, _tables(connection))
    return wanting


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take everything down: before a migration that remakes tables, and in tests that empty them."""
    with transaction.atomic(using=connection.alias):
        _dialect(connection).remove(connection, _tables(connection))


def _tables(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables there are; none before the one that keeps what is captured."""
    found = set(connection.introspection.table_names())
    return found if "hub_capturedrow" in found else set()


def _dialect(connection: BaseDatabaseWrapper) -> Any:
    return postgresql if connection.vendor == "postgresql" else sqlite
