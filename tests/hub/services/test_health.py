"""Health: who is alive, and what is missing for the hub to be ready."""

import socket
import subprocess
import sys

import pytest
import time_machine
from django.db.migrations.recorder import MigrationRecorder

from hub import queue
from hub.clock import now
from hub.services import health

pytestmark = pytest.mark.django_db
NOBODY = ["no worker is alive", "the scheduler is not alive"]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    health._migrated_once.cache_clear()


class TestMissing:
    def test_names_processes_that_were_never_heard_of(self, redis_url: str) -> None:
        assert health.missing() == NOBODY

    def test_is_nothing_while_all_beat(self, redis_url: str) -> None:
        health.beat("worker")
        health.beat("scheduler")

        assert health.missing() == []

    def test_names_a_process_whose_last_beat_is_old(self, redis_url: str) -> None:
        with time_machine.travel(now().timestamp() - health.FRESH_SECONDS - 1, tick=False):
            health.beat("worker")
        health.beat("scheduler")

        assert health.missing() == ["no worker is alive"]

    def test_names_a_process_that_said_goodbye(self, redis_url: str) -> None:
        health.beat("worker")
        health.beat("scheduler")

        health.fall_silent("scheduler")

        assert health.missing() == ["the scheduler is not alive"]

    def test_names_redis_when_it_is_away(self, redis_away: None) -> None:
        assert health.missing() == ["Redis does not answer"]

    def test_names_a_database_that_lacks_a_migration(self, redis_away: None) -> None:
        MigrationRecorder.Migration.objects.filter(app="hub").delete()

        assert health.missing() == ["the database is not migrated", "Redis does not answer"]

    def test_remembers_only_that_the_database_is_migrated(self, redis_away: None) -> None:
        kept = list(MigrationRecorder.Migration.objects.filter(app="hub"))
        MigrationRecorder.Migration.objects.filter(app="hub").delete()
        health.missing()
        MigrationRecorder.Migration.objects.bulk_create(kept)

        assert health.missing() == ["Redis does not answer"]


class TestForgetDead:
    def test_strikes_off_a_process_of_this_machine_that_was_killed(self, redis_url: str) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        queue.connection().zadd("hub:alive:worker", {f"{socket.gethostname()}:{gone.pid}": now().timestamp() + 40})
        health.beat("scheduler")

        health.forget_dead()

        assert health.missing() == ["no worker is alive"]

    def test_leaves_the_living_and_those_of_other_machines(self, redis_url: str) -> None:
        queue.connection().zadd("hub:alive:worker", {"elsewhere:1": now().timestamp() + 40})
        health.beat("scheduler")

        health.forget_dead()

        assert health.missing() == []
