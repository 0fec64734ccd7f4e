"""Configuration from files: read, compared with what is there, and written as one whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import IntegrityError, transaction

from hub.models import User
from hub.services import credential
from hub.services.configuration.check import Check
from hub.services.configuration.difference import Difference, Line, difference, uncompared
from hub.services.configuration.order import placed, signing
from hub.services.configuration.present import Present
from hub.services.configuration.problem import ConfigurationError, Place, Problem, Problems
from hub.services.configuration.reading import read
from hub.services.configuration.writing import Answers, Writing

__all__ = ["ConfigurationError", "Difference", "Line", "Place", "Plan", "Problem", "plan", "write"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying files would change, and how many things they describe that would stay as they are.

    `uncompared`: credentials whose given values this process cannot read, and so leaves as they are, whatever they are.
    """

    differences: Sequence[Difference]
    unchanged: int
    uncompared: Sequence[str] = ()

    @property
    def questions(self) -> dict[tuple[str, str], str]:
        """The secrets a person must be asked for: (credential, name) to the question."""
        return {
            (found.item.name, name): secret.question
            for found in self.differences
            for name, secret in (found.secrets or {}).items()
            if secret.value is None
        }


def plan(files: Sequence[Path], environment: Mapping[str, str], *, ask: bool = False) -> Plan:
    """Read and check `files`; raises ConfigurationError with everything that is wrong in them.

    `ask` asks again for secrets that are entered by a person, and sets those anew that cannot be compared here.
    """
    problems = Problems()
    found = read(files, environment, problems)
    present = Present.load(found)
    items = signing(placed(found, present), present)
    check = Check(items, present, problems)
    check.run()
    problems.stop_if_any()
    compared = [difference(item, present, check.origins_of(item), ask=ask) for item in items]
    changed = [entry for entry in compared if entry is not None]
    unread = [item.name for item in items if uncompared(item, present, ask=ask)]
    return Plan(changed, len(compared) - len(changed), unread)


def write(planned: Plan, *, by: User | None, answers: Answers, dry_run: bool = False) -> None:
    """Write a plan in one transaction. Raises ConfigurationError, and then nothing was written.

    A dry run does everything and takes it back: what the database would refuse shows as well.
    """
    problems = Problems()
    credential.get_ready(sum(bool(entry.secrets) for entry in planned.differences))
    if dry_run:  # nobody is asked for a secret that is not kept
        answers = dict.fromkeys(planned.questions, "not asked for")
    try:
        with transaction.atomic():
            present = Present.load([entry.item for entry in planned.differences])
            writing = Writing(present, problems, by, answers)
            writing.all(planned.differences)
            problems.stop_if_any()
            transaction.set_rollback(dry_run)
    except IntegrityError as error:
        problems.add(planned.differences[0].item.place, f"the database refused it ({error}). Apply again.")
        problems.stop_if_any()
    if not dry_run:
        writing.activate_later()
        problems.stop_if_any()
