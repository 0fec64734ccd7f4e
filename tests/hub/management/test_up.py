"""`manage.py up`: one command starts a whole hub, and nothing of it is left when it ends, however it ends."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from hub import queue
from tests.hubs import Hub, hub, own_servers
from tests.processes import until

__all__ = ["hub"]  # a fixture
pytestmark = [pytest.mark.crash, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that runs; no test may end it."""
    with own_servers(2) as servers:
        made = Hub(tmp_path_factory.mktemp("running") / "state", **servers).started()
        yield made
        made.send(signal.SIGTERM)
        made.end()


class TestARunningHub:
    def test_serves_its_pages(self, running: Hub) -> None:
        assert [running.get(path) for path in ("/healthz", "/admin/login/", "/")] == [200, 200, 200]

    def test_has_as_many_workers_as_wanted_and_one_scheduler(self, running: Hub) -> None:
        commands = running.members.values()

        assert [sum(words in each for each in commands) for words in ("py worker", "py scheduler")] == [1, 1]

    def test_has_an_embedded_redis_only_when_none_is_named(self, running: Hub) -> None:
        embedded = [command for command in running.members.values() if "valkey-server" in command]

        assert len(embedded) == (0 if "REDIS_URL" in running.settings else 1)

    def test_starts_a_killed_worker_again(self, running: Hub) -> None:
        killed = running.pid_of("manage.py worker")

        os.kill(killed, signal.SIGKILL)

        until(lambda: running.pid_of("manage.py worker") not in (0, killed))
        assert "worker-1 was killed by SIGKILL" in running.output.read_text()

    def test_keeps_a_second_one_off_its_folder(self, running: Hub) -> None:
        said = Hub(running.state).refused()

        assert said.startswith(f"Setting: HUB_STATE={running.state} is in use by a hub that runs already. Stop that")
        assert running.get("/healthz") == 200


class TestAHub:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
    def test_ends_with_everything_it_started_when_asked_to(self, hub: Hub, signum: signal.Signals) -> None:
        hub.started()

        assert hub.send(signum) == 0
        assert not hub.left()
        assert hub.output.read_text().endswith("Stopping.\nAll stopped.\n")

    def test_killed_in_the_middle_of_a_job_leaves_nothing_running_and_goes_on_when_started_again(
        self, hub: Hub
    ) -> None:
        hub.started()
        with hub.redis() as redis:
            Queue(queue.NAME, connection=redis, serializer=JSONSerializer).enqueue("time.sleep", 600)
            waiting = Queue(queue.NAME, connection=redis, serializer=JSONSerializer).enqueue("os.getppid")
        idle = len(hub.members)
        until(lambda: len(hub.family()) > idle)
        time.sleep(2)  # the embedded Redis may forget what is younger than a second

        hub.send(signal.SIGKILL)

        assert len(hub.members) > idle
        until(lambda: not hub.left())
        hub.started()
        with hub.redis() as redis:
            until(lambda: not redis.exists(waiting.key) or redis.hget(waiting.key, "status") == b"finished")


class TestAWrongSetting:
    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"HUB_PORT": "many"}, "HUB_PORT=many is not valid"),
            ({"HUB_WORKERS": "0"}, "HUB_WORKERS=0 is not valid"),
            ({"DATABASE_URL": "mysql://h/d"}, "DATABASE_URL=mysql://h/d is not valid"),
            ({"REDIS_URL": "http://h"}, "REDIS_URL=http://h is not valid"),
            (
                {"DATABASE_URL": "postgresql://hub:hunter2-and-more@127.0.0.1:1/hub"},
                "DATABASE_URL: the database hub at 127.0.0.1:1 cannot be used (",
            ),
            (
                {"REDIS_URL": "redis://:hunter2-and-more@127.0.0.1:1/0"},
                "REDIS_URL: the Redis or Valkey server at 127.0.0.1:1 did not answer (",
            ),
        ],
        ids=lambda value: "" if isinstance(value, str) else " ".join(value),
    )
    def test_is_told_on_one_line_with_its_name_and_the_cure(
        self, tmp_path: Path, wrong: dict[str, str], said: str
    ) -> None:
        told = Hub(tmp_path, **wrong).refused()

        assert told.count("\n") == 1
        assert told.startswith(f"Setting: {said}")
        assert "orrect" in told
        assert "hunter2" not in told


class TestTheDemo:
    def test_that_cannot_start_its_systems_gives_up_and_says_why(self, hub: Hub) -> None:
        hub.settings["HUB_DEMO_PYTHON"] = "/bin/false"

        said = hub.refused("--demo")

        assert "5 deaths within a minute: systems ended with code 1" in said
        assert said.endswith("All stopped.\n")

    def test_that_is_not_installed_says_how_to_install_it(self, hub: Hub) -> None:
        hub.settings["HUB_DEMO_PYTHON"] = "/nowhere/python"

        assert "Start with `make demo`, which installs them" in hub.refused("--demo")

    def test_is_refused_in_earnest(self, hub: Hub) -> None:
        hub.settings["HUB_ENVIRONMENT"] = "production"

        assert "HUB_ENVIRONMENT=production is not for trying out" in hub.refused("--demo")
