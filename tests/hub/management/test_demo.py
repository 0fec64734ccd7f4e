"""The demo, as a newcomer meets it: one command, real systems, a story that ends, another day, and an end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hubs import ROOT, Hub, own_servers
from tests.processes import until

PYTHON = Path(os.environ.get("HUB_DEMO_PYTHON", ROOT / ".venv-demo" / "bin" / "python"))
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no {PYTHON}: make it from deploy/demo/requirements.txt"),
]


class Story:
    """What the demo told on the terminal."""

    def __init__(self, text: str) -> None:
        self.text = text

    def chapter(self, number: int) -> str:
        return self.text.partition(f"\n{number}. ")[2].partition(f"\n{number + 1}. ")[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A demo whose story has been told. The last test ends it."""
    with own_servers(3) as servers:
        made = Hub(tmp_path_factory.mktemp("demo") / "state", **servers, HUB_WORKERS="2")
        made.start("--demo")
        until(lambda: made.has_ended() or "Try next" in made.output.read_text())
        assert made.is_ready()
        made.note_family()
        yield made
        made.end()
        reset = [str(PYTHON), "deploy/demo/systems.py", "reset", "--state", str(made.state / "demo")]
        subprocess.run(reset, cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def story(demo: Hub) -> Story:
    return Story(demo.output.read_text())


class TestTheStory:
    def test_begins_with_a_first_load_of_everything(self, story: Story) -> None:
        told = story.chapter(1)

        assert "customers/parties: 1,240 records received = 1,240 created" in told
        assert "locations/airports: 28,298 records received = 28,298 created" in told

    def test_goes_on_with_a_second_run_that_changes_nothing(self, story: Story) -> None:
        told = story.chapter(2)

        assert "customers/parties: 1,240 records received = 1,240 unchanged" in told
        assert not {"created", "updated", "deleted", "exception"} & set(told.split())

    def test_ends_with_edits_a_deletion_and_a_refusal_with_its_reason(self, story: Story) -> None:
        told = story.chapter(3)

        assert "customers/parties: 7 records received = 4 unchanged + 2 updated + 1 deleted" in told
        assert "+ 1 deleted + 1 in exception" in told
        assert "C-00406: refused by the destination: The European VAT Number" in told

    def test_says_where_to_go_and_who_to_be(self, demo: Hub, story: Story) -> None:
        assert f"Open http://127.0.0.1:{demo.settings['HUB_PORT']}/" in story.text
        assert all(f" {person} " in story.text for person in ("olivia", "rashid", "aiko", "admin"))


class TestAnotherDay:
    def test_is_made_and_synced_on_request(self, demo: Hub) -> None:
        told = subprocess.run(
            [sys.executable, "manage.py", "demo", "--edit"],
            cwd=ROOT, env=demo.settings, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

        assert "round 2: kinto" in told
        assert "customers/parties: 7 records received" in told

    def test_cannot_be_made_where_no_demo_runs(self, tmp_path: Path) -> None:
        told = subprocess.run(
            [sys.executable, "manage.py", "demo", "--edit"],
            cwd=ROOT, env=Hub(tmp_path, DATABASE_URL="").settings, check=False, capture_output=True, text=True,
        )  # fmt: skip

        assert told.returncode == 1
        assert "The demo is not running (" in told.stderr
        assert told.stderr.strip().endswith("Start `make demo`.")


class TestTheEnd:
    def test_of_a_killed_demo_takes_every_system_with_it(self, demo: Hub) -> None:
        systems = [command for command in demo.members.values() if "trytond" in command or "postgres" in command]
        assert systems

        demo.send(signal.SIGKILL)

        until(lambda: not demo.left())

    def test_is_not_the_end_because_the_next_start_goes_on_without_telling_again(self, demo: Hub) -> None:
        demo.output.unlink()

        demo.start("--demo")

        until(lambda: demo.has_ended() or "Try next" in demo.output.read_text())
        assert "First load" not in demo.output.read_text()
        assert not demo.has_ended(), demo.output.read_text()
        assert demo.send(signal.SIGTERM) == 0, demo.output.read_text()
        until(lambda: not demo.left())
