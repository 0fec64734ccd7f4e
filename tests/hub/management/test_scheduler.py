"""The scheduler starts what is due, rings again for waiting work, and outlives whatever is away."""

import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError

from hub import queue
from hub.clock import now
from hub.management.commands.scheduler import Rounds
from hub.models import Link, SyncRun, Trigger
from hub.services import health, schedule
from hub.services import run as runs
from tests.factories import IntegrationFactory, LinkFactory, MappingFactory

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Rounds:
    """In tests the guard of the evidence is down, which it would say each time."""
    monkeypatch.setattr("hub.services.audit.seal.watch_guard", lambda: None)
    return Rounds()


@pytest.mark.django_db(transaction=True)
class TestARound:
    def test_starts_an_integration_whose_slot_has_come(self, rounds: Rounds, redis_url: str) -> None:
        due = IntegrationFactory(schedule="every 1 hour", next_run_at=now())
        MappingFactory(integration=due, active=True)

        rounds.go()

        assert SyncRun.objects.get().trigger == "schedule"
        due.refresh_from_db()
        assert due.next_run_at is not None
        assert due.next_run_at > now()

    def test_plans_the_first_slot_of_a_new_schedule(self, rounds: Rounds, redis_url: str) -> None:
        new = IntegrationFactory(schedule="every 1 hour", next_run_at=None)

        rounds.go()

        new.refresh_from_db()
        assert new.next_run_at is not None

    def test_rings_for_a_run_that_no_worker_took(self, rounds: Rounds, redis_url: str) -> None:
        mapping = MappingFactory(active=True)
        runs.request(mapping=mapping, trigger=Trigger.PERSON)
        queue.queue().empty()  # type: ignore[no-untyped-call]  # RQ is typed in part

        rounds.go()

        assert [job.kwargs for job in queue.queue().jobs] == [{"lane_id": runs.lane_of(mapping).pk}]

    def test_removes_what_has_outlived_its_use(self, rounds: Rounds, redis_url: str) -> None:
        LinkFactory(mapping=MappingFactory(active=True), state="gone", updated_at=now() - timedelta(days=401))

        rounds.go()

        assert not Link.objects.exists()

    def test_says_that_the_scheduler_is_alive(self, rounds: Rounds, redis_url: str) -> None:
        rounds.go()

        assert "the scheduler is not alive" not in health.missing()

    def test_the_last_one_says_goodbye(self, rounds: Rounds, redis_url: str) -> None:
        rounds.go()

        rounds.end()

        assert "the scheduler is not alive" in health.missing()

    def test_waits_for_redis_and_says_so_once(
        self, rounds: Rounds, redis_away: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "hub.management"):
            rounds.go()
            rounds.go()
            rounds.end()

        assert caplog.messages == ["Redis does not answer (ConnectionError); waiting for it."]

    def test_waits_for_the_database_and_says_when_it_is_back(
        self, rounds: Rounds, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(at: object) -> int:
            raise OperationalError

        with caplog.at_level(logging.WARNING, "hub.management"):
            with monkeypatch.context() as away:
                away.setattr(schedule, "start_due", refuse)
                rounds.go()
                rounds.go()
            rounds.go()

        assert caplog.messages == [
            "The database does not answer (OperationalError); waiting for it.",
            "The database answers again.",
        ]


@pytest.mark.crash
class TestTheCommand:
    def test_ends_when_asked_to(self, tmp_path: Path, redis_server: str) -> None:
        environment = {**os.environ, "REDIS_URL": redis_server, "HUB_STATE": str(tmp_path)}
        environment.pop("DATABASE_URL", None)  # an empty SQLite: the database is “away”, and that is said
        process = subprocess.Popen(
            [sys.executable, "manage.py", "scheduler"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert "The database does not answer" in process.stderr.readline()

        process.send_signal(signal.SIGTERM)

        process.communicate(timeout=60)
        assert process.returncode == 0
