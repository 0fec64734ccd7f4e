"""A real dump and restore of the database, judged by the other system's own ledger: nothing is created twice (I22)."""

import os
import subprocess
from pathlib import Path

import pytest
from django.db import connection, connections

from hub.models import RunState, User
from hub.services import incarnation, recovery
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture

REASON = "Both sides were compared with the owner on the telephone."

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="dump and restore are PostgreSQL's"),
    pytest.mark.crash,
]


def tool(*command: str) -> None:
    """A tool of PostgreSQL's on the tests' database."""
    given = connections["default"].settings_dict
    address = {
        "PGHOST": given["HOST"], "PGPORT": str(given["PORT"] or ""), "PGUSER": given["USER"],
        "PGPASSWORD": given["PASSWORD"], "PGDATABASE": given["NAME"],
    }  # fmt: skip
    done = subprocess.run(command, env={**os.environ, **address}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def dump(to: Path) -> None:
    tool("pg_dump", "--format=custom", f"--file={to}")


def restore(dumped: Path) -> None:
    """The database as it was, in tables made anew."""
    connections.close_all()
    name = connections["default"].settings_dict["NAME"]
    tool("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={name}", str(dumped))


def fill(pair: Pair, count: int) -> None:
    for number in range(count):
        pair.source.put(f"c{number:03}", name=f"Name {number}", city="Ulm")


@pytest.mark.parametrize("marker", ["kept", "lost"])
def test_a_restored_database_writes_nothing_twice(pair: Pair, tmp_path: Path, marker: str, state_folder: Path) -> None:
    operator: User = UserFactory(username="otto", groups=["Operator", "Whole hub"])
    fill(pair, 20)
    pair.run()
    incarnation.advance()
    dump(tmp_path / "backup")

    fill(pair, 50)  # thirty more are written after the backup, and one that is known is corrected
    pair.source.put("c003", name="Corrected", city="Ulm")
    assert pair.run().created == 30
    incarnation.advance()
    ledger = list(pair.destination.effects)

    restore(tmp_path / "backup")
    if marker == "lost":
        (state_folder / "incarnation").unlink()
    pair.work()  # the first worker to look notices it
    found = recovery.present()
    assert found is not None
    run = pair.mapping.runs.create(
        integration=pair.mapping.integration, trigger="schedule", version=pair.mapping.active_version,
        is_full=True, queued_at="2026-11-25T00:00:00Z",
    )  # fmt: skip
    pair.work()
    assert pair.destination.effects == ledger

    recovery.ask_reviews(recovery=found, by=operator)
    recovery.review(review_id=found.reviews.get().pk)
    review = found.reviews.get()
    assert (review.received, review.agreeing, review.relinked, review.unknown) == (50, 20, 30, 0)
    recovery.leave(recovery=found, by=operator, reason=REASON)
    pair.work()

    run.refresh_from_db()
    assert (run.state, run.unchanged) == (RunState.SUCCEEDED, 50)
    assert pair.destination.effects == ledger
    creates = [key for what, key in pair.destination.effects if what == "create"]
    assert len(creates) == len(set(creates)) == 50
