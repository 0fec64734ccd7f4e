"""What can be paused and resumed, as the shell names it."""

from django.core.management.base import CommandError, CommandParser

from hub.models import Connection, Integration, MainSwitch, User
from hub.services import access, pause

WHAT = ("everything", "connection", "integration")
Row = MainSwitch | Connection | Integration


def add_arguments(parser: CommandParser) -> None:
    """WHAT [NAME]."""
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("name", nargs="?", default="", help="Of the connection or integration.")


def named(what: str, name: str) -> Row:
    """The row meant. Raises CommandError with the known names."""
    if what == "everything":
        return pause.main_switch()
    rows = Connection.objects if what == "connection" else Integration.objects
    found: Row | None = rows.filter(name=name).first()
    if found is None:
        known = ", ".join(rows.order_by("name").values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no {what} “{name}”. Known: {known}.")
    return found


def allowed(by: User | None, row: Row) -> User | None:
    """The person, if that person may pause `row`; whoever has the shell may do it in nobody's name."""
    decision = access.can(by, "pause", row) if by else None
    if decision is not None and not decision:
        raise CommandError(decision.reason)
    return by
