"""A worker does what the doorbell asks, one job at a time, each in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from hub import queue
from tests.doorbell import embedded_server
from tests.processes import LONGEST, is_there, until

pytestmark = pytest.mark.crash
ROOT = Path(__file__).resolve().parents[3]


class Worker:
    """A running `manage.py worker` on a Redis of its own."""

    def __init__(self, redis: str, state: Path) -> None:
        self.redis = Redis.from_url(redis)
        self.queue = Queue(queue.NAME, connection=self.redis, serializer=JSONSerializer)
        environment = {**os.environ, "REDIS_URL": redis, "HUB_STATE": str(state)}
        self.process = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment)

    def ask(self, function: str, *words: Any) -> Job:
        return self.queue.enqueue(function, *words, result_ttl=600)

    def is_alive(self) -> bool:
        return bool(self.redis.zcard("hub:alive:worker"))

    def horse(self) -> int:
        """The process that does the job now; 0 when there is none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.redis.close()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with embedded_server() as address:
        running = Worker(address, tmp_path)
        until(running.is_alive)
        yield running
        running.end()


class TestAWorker:
    def test_does_a_job_in_a_process_of_its_own(self, worker: Worker) -> None:
        job = worker.ask("os.getppid")

        until(lambda: job.get_status(refresh=True) == "finished")
        assert job.return_value(refresh=True) == worker.process.pid

    def test_gives_its_sign_of_life_as_itself_and_not_as_each_job(self, worker: Worker) -> None:
        for _ in range(3):
            job = worker.ask("os.getppid")
            until(lambda job=job: job.get_status(refresh=True) == "finished")  # type: ignore[misc]

        members: Any = worker.redis.zrange("hub:alive:worker", 0, -1)
        assert [member.decode().rpartition(":")[2] for member in members] == [str(worker.process.pid)]

    def test_says_goodbye_when_asked_to_stop(self, worker: Worker) -> None:
        worker.process.send_signal(signal.SIGTERM)

        assert worker.process.wait(LONGEST) == 0
        assert not worker.is_alive()

    def test_lets_a_running_job_end_when_asked_once(self, worker: Worker) -> None:
        job = worker.ask("time.sleep", 2)
        until(worker.horse)

        worker.process.send_signal(signal.SIGTERM)

        assert worker.process.wait(LONGEST) == 0
        assert job.get_status(refresh=True) == "finished"

    def test_ends_a_running_job_when_asked_twice(self, worker: Worker) -> None:
        job = worker.ask("time.sleep", 600)
        horse = until(worker.horse)

        worker.process.send_signal(signal.SIGTERM)
        time.sleep(1.1)  # RQ takes a second signal within one second for the same
        worker.process.send_signal(signal.SIGTERM)

        worker.process.wait(LONGEST)
        assert not is_there(horse)
        assert job.get_status(refresh=True) == "failed"

    def test_takes_its_job_with_it_when_killed(self, worker: Worker) -> None:
        worker.ask("time.sleep", 600)
        horse = until(worker.horse)

        worker.process.kill()

        until(lambda: not is_there(horse))

    def test_goes_on_after_a_job_that_was_killed(self, worker: Worker) -> None:
        worker.ask("time.sleep", 600)
        os.kill(until(worker.horse), signal.SIGKILL)

        job = worker.ask("os.getppid")

        until(lambda: job.get_status(refresh=True) == "finished")


class TestAWorkerWithoutRedis:
    def test_waits_and_says_so_once(self, tmp_path: Path) -> None:
        environment = {**os.environ, "REDIS_URL": f"unix://{tmp_path}/nobody.sock", "HUB_STATE": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        said = process.stderr.readline()

        process.terminate()
        rest = process.communicate(timeout=LONGEST)[1]

        assert "Redis does not answer (ConnectionError); waiting for it." in said
        assert rest == ""
