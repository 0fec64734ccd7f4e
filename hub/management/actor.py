"""In whose name a command acts."""

from django.core.management.base import CommandError, CommandParser

from hub import provenance
from hub.models import User


def add_argument(parser: CommandParser) -> None:
    """The option --by."""
    parser.add_argument("--by", metavar="USERNAME", help="The person in whose name it is recorded.")


def named(username: str | None) -> User | None:
    """The person of this name; None without a name. Raises CommandError when there is none.

    Whatever the command does from here on is evidently this person's doing, or the hub's.
    """
    if not username:
        provenance.begin(provenance.Provenance(method="command"))
        return None
    person = User.objects.filter(username=username).first()
    if person is None:
        raise CommandError(f"There is no person “{username}”. Add the person first, or leave out --by.")
    provenance.begin(provenance.Provenance(actor=person.get_username(), actor_id=person.pk, method="command"))
    return person
