"""The demo's integrations move real records between real systems, and every record is accounted for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from hub.management import systems
from hub.models import Integration, Lane, Link, Mapping, ReconciliationException, RunState, SyncRun, Trigger
from hub.services import run as runs
from tests.factories import UserFactory, open_this_machine

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def hub(demo_systems, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings) -> Path:  # type: ignore[no-untyped-def]
    """The demo's files applied to this test's database, against the demo's systems."""
    (tmp_path / "demo").symlink_to(demo_systems.state)
    settings.HUB_STATE = tmp_path
    monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
    for name in ("admin", "olivia", "rashid"):
        UserFactory(username=name)
    open_this_machine()
    call_command("apply", *map(str, systems.files()), "--yes", verbosity=0)
    return tmp_path


def run(name: str, *, full: bool = False) -> dict[str, SyncRun]:
    """Run an integration here and now; its runs by mapping name."""
    integration = Integration.objects.get(name=name)
    asked = runs.request_integration(integration=integration, trigger=Trigger.SHELL, full=full)
    for one in asked:
        runs.execute_here(run=one)
        one.refresh_from_db()
    return {one.mapping.name: one for one in asked}


class TestCustomers:
    def test_arrive_then_rest_then_follow_a_working_day(self, hub: Path, demo_systems) -> None:  # type: ignore[no-untyped-def]
        first = run("customers")
        assert {one.state for one in first.values()} == {RunState.SUCCEEDED}
        assert first["parties"].received >= 1000
        assert first["parties"].created + first["parties"].updated + first["parties"].unchanged >= 1000

        second = run("customers", full=True)
        assert [one.applied for one in second.values()] == [0, 0, 0]

        demo_systems.edit(21)
        third = run("customers")
        assert (third["parties"].deleted, third["tax-numbers"].excepted) == (1, 1)
        assert third["parties"].updated + third["addresses"].updated >= 3
        assert "not valid" in ReconciliationException.objects.get(state="open").reason

    def test_survive_a_worker_killed_in_the_middle(self, hub: Path, tryton) -> None:  # type: ignore[no-untyped-def]
        mapping = Mapping.objects.get(name="parties")
        asked = runs.request(mapping=mapping, trigger=Trigger.SHELL)
        worker = subprocess.Popen(
            [sys.executable, "-c", WORK, str(runs.lane_of(mapping).pk)], cwd=ROOT, env=environment(hub)
        )
        wait_for_some(asked)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        Lane.objects.update(lease_until="2000-01-01T00:00:00Z")

        runs.execute_here(run=asked)

        asked.refresh_from_db()
        assert (asked.state, asked.in_flight) == (RunState.SUCCEEDED, 0)
        keys = list(Link.objects.filter(mapping=mapping, state="linked").values_list("destination_key", flat=True))
        assert len(keys) == len(set(keys)) == asked.received - asked.excluded


class TestLocations:
    def test_arrive_then_rest_then_follow_a_working_day(self, hub: Path, demo_systems) -> None:  # type: ignore[no-untyped-def]
        first = run("locations")["airports"]
        bad = first.excepted  # the systems are shared: an earlier test's working day left its bad row
        assert (bad <= 1, first.received >= 28_000, first.in_flight) == (True, True, 0)

        second = run("locations", full=True)["airports"]
        assert (second.applied, second.unchanged) == (0, first.received - bad)

        demo_systems.edit(22)
        third = run("locations")["airports"]
        assert (third.updated, third.deleted, third.excepted) == (4, 1, bad + 1)
        assert ReconciliationException.objects.filter(mapping__name="airports", state="open").exists()


WORK = """
import os, sys, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django.setup()
from hub.services import run
run.drain(lane_id=int(sys.argv[1]), owner="doomed")
"""


def environment(state: Path) -> dict[str, str]:
    """The environment of a worker on this test's database, with this process's keys."""
    from django.conf import settings

    stored = connection.settings_dict
    if connection.vendor == "postgresql":
        host = stored["HOST"] or "127.0.0.1"
        login = stored["USER"] + (f":{stored['PASSWORD']}" if stored["PASSWORD"] else "")
        url = f"postgresql://{login}@{host}:{stored['PORT'] or 5432}/{stored['NAME']}"
    else:
        url = f"sqlite:///{stored['NAME']}"
    keys = ",".join(settings.HUB_SEAL_KEYS)
    return {**os.environ, "DATABASE_URL": url, "HUB_STATE": str(state), "HUB_SEAL_KEYS": keys}


def wait_for_some(asked: SyncRun) -> None:
    """Until the run has begun to write."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        asked.refresh_from_db()
        if asked.in_flight or asked.created:
            return
        time.sleep(0.02)
    pytest.fail(f"the worker wrote nothing: {asked.state} {asked.reason}")
