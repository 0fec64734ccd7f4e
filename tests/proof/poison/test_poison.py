"""PROOF-LIM-1: whatever a system sends, the run ends with a reason, what is good arrives, one sentence tells of it."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.engine import retry
from hub.models import ENDED, RateState, ReconciliationException, RunState, SyncRun, Trigger
from hub.services import run as runs
from tests.factories import ConnectionFactory, MappingFactory, MappingVersionFactory
from tests.proof.poison.answers import EVERY, GOOD, Poison, warm
from tests.proof.poison.system import config, poisoned

ROOT = Path(__file__).resolve().parents[3]
BODY = {"fields": {"id": {"steps": [{"path": "id"}]}, "name": {"steps": [{"path": "name"}]}}}
MOST_MEGABYTES = 150
pytestmark = pytest.mark.django_db(transaction=True)


class Scene:
    """A mapping from the poisoned system into an SQLite file."""

    def __init__(self, folder: Path, url_config: dict[str, object]) -> None:
        import sqlite3

        self.file = folder / "there.db"
        self.line = sqlite3.connect(self.file)
        self.line.execute("create table if not exists things (id text primary key, name text)")
        self.mapping = MappingFactory(
            source=ConnectionFactory(connector="rest", config=url_config, timeout_seconds=1),
            source_stream="things",
            destination=ConnectionFactory(connector="sql", config={"driver": "sqlite", "database": str(self.file)}),
            destination_stream="things", delete_policy="ignore", page_size=3,
        )  # fmt: skip
        self.mapping.active_version = MappingVersionFactory(mapping=self.mapping, body=BODY, state="active")
        self.mapping.save()

    def run(self) -> SyncRun:
        """A run to its end: what is tried again and again is brought on to its last try."""
        asked = runs.request(mapping=self.mapping, trigger=Trigger.PERSON)
        while asked.state not in ENDED:
            runs.execute_here(run=asked)
            asked.refresh_from_db()
            SyncRun.objects.filter(pk=asked.pk).update(due_at=None, tries=retry.MOST_TRIES - 1)
            RateState.objects.all().delete()  # the breaker, too, has waited long enough
        return asked

    def there(self) -> list[str]:
        """The keys that arrived."""
        return sorted(key for (key,) in self.line.execute("select id from things"))


@pytest.fixture(autouse=True, scope="module")
def bombs_are_made() -> None:
    warm()


@pytest.fixture(autouse=True)
def nobody_rings_or_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
    monkeypatch.setattr("hub.services.pace.gate.PATIENCE", 0.1)


@pytest.mark.parametrize("poison", EVERY, ids=lambda poison: poison.name.replace(" ", "-"))
def test_ends_the_run_with_what_is_good_and_one_sentence(poison: Poison, tmp_path: Path) -> None:
    with poisoned(poison) as server:
        scene = Scene(tmp_path, config(server))
        run = scene.run()

    exceptions = list(ReconciliationException.objects.all())
    told = [run.reason, *(one.reason for one in exceptions)]
    everything, first = sorted(one["id"] for one in GOOD), sorted(one["id"] for one in GOOD[:3])
    expected = {
        "record": (RunState.PARTIAL, everything, 1),
        "page": (RunState.FAILED, first, 1),
        "line": (RunState.FAILED, first, 0),
        "none": (RunState.SUCCEEDED, everything, 0),
    }[poison.scope]
    assert (run.state, scene.there(), len(exceptions)) == expected, told
    assert poison.said in " ".join(told)
    if poison.scope == "record":
        assert exceptions[0].kind == "unreadable"
        assert "things at /things, item 3" in exceptions[0].reason
    if poison.scope in {"page", "line"}:
        assert "/things" in run.reason or "list of records" in run.reason
        assert run.reason_code in {"unreadable", "retries"}


def test_comes_in_more_than_thirty_kinds() -> None:
    assert len([one for one in EVERY if one.scope != "none"]) >= 50


def test_that_is_gone_takes_its_exception_with_it(tmp_path: Path) -> None:
    bomb = next(one for one in EVERY if one.scope == "page")
    with poisoned(bomb) as server:
        scene = Scene(tmp_path, config(server))
        scene.run()
    with poisoned(None) as server:
        scene.mapping.source.config = config(server)
        scene.mapping.source.save()
        run = scene.run()

    assert run.state == RunState.SUCCEEDED
    assert [one.state for one in ReconciliationException.objects.all()] == ["resolved"]


def test_fills_no_memory() -> None:
    """In a process of its own, which reads one after the other: the most that it takes over what it took before."""
    with ExitStack() as stack:
        asked = [(poison.name, config(stack.enter_context(poisoned(poison)))) for poison in EVERY]
        done = subprocess.run(
            [sys.executable, "-c", READ], input=json.dumps(asked), cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    grown: dict[str, int] = json.loads(done.stdout)

    assert len(grown) == len(EVERY)
    assert {name: size for name, size in grown.items() if size >= MOST_MEGABYTES} == {}


READ = """
import json, sys
from connectors.rest import CONNECTOR
from hub.http.zone import Zone, install, networks_of
from hub.sdk import HubError, Settings

def megabytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) // 1024

install([Zone("tests", networks_of(["127.0.0.0/8"]), allow_http=True)])
before, grown = megabytes("VmRSS"), {}
for name, config in json.load(sys.stdin):
    opened = CONNECTOR.open(Settings(config, origins=(config["base_url"],), timeout=1))
    open("/proc/self/clear_refs", "w").write("5")  # the peak is measured anew
    cursor = None
    try:
        while not (page := opened.read("things", cursor, 3)).done:
            cursor = page.cursor
    except HubError:
        pass
    opened.close()
    grown[name] = megabytes("VmHWM") - before
print(json.dumps(grown))
"""
