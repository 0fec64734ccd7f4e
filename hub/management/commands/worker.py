"""A worker: waits for the doorbell and does one job at a time, each in a process of its own."""

import logging
import os
import signal
import time
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from hub import queue
from hub.management import garbage
from hub.management.bond import die_with_parent
from hub.sdk import HubError
from hub.services import credential, health
from hub.vault import UnsealError

MAINTENANCE_SECONDS = 30
TTL_SECONDS = 45  # it waits at most 15 seconds less for a job, so that upkeep comes round
MONITOR_SECONDS = 10
REDIS_AWAY_SECONDS = 2.0
LAST_WORD_SECONDS = 3.0

logger = logging.getLogger(__name__)


class HubWorker(Worker):
    """An RQ worker that tells it is alive, notices dead siblings soon, and takes its job's process with it."""

    max_connection_wait_time = 5.0

    def __init__(self) -> None:
        # A connection of its own: waiting for a job takes longer than any answer elsewhere may take.
        connection = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
        super().__init__(
            [Queue(queue.NAME, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            serializer=JSONSerializer,
            maintenance_interval=MAINTENANCE_SECONDS,
            worker_ttl=TTL_SECONDS,
            job_monitoring_interval=MONITOR_SECONDS,
        )
        self.was_asked_to_stop = False

    def subscribe(self) -> None:
        """Take no commands by Redis: nobody sends any, and a process that forks should have no threads."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """RQ's own sign of life, and the hub's: a job's process, which gives RQ's too, is no worker."""
        super().heartbeat(timeout, pipeline)
        if self.pid in {None, os.getpid()}:
            health.beat("worker")

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Take no further job; a running one may end."""
        self.was_asked_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ is typed in part

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """The job's own process: a killed worker must not leave it running, for another worker will take over."""
        die_with_parent(self.pid or os.getppid())
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """Asked to stop, the job ends like a failed one: it gives back its lane, and the run goes on later."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _end_job)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Ask the job's process to end before it is made to."""
        super().kill_horse(signal.SIGTERM)
        limit = time.monotonic() + LAST_WORD_SECONDS
        while time.monotonic() < limit:
            if os.waitid(os.P_PID, self.horse_pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return
            time.sleep(0.05)
        super().kill_horse(sig)


class Command(BaseCommand):
    """`manage.py worker`."""

    help = "Wait for work and do it, until SIGTERM. Start as many as there are slow systems to wait for."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until asked to stop; a Redis that is away is waited for."""
        connections.close_all()  # a connection must not be shared with the jobs' processes
        garbage.settle()
        _tell_of_keys()
        is_away = False
        while True:
            try:
                queue.connection().ping()
                is_away = False
                if _work():
                    return
            except RedisError as error:
                if not is_away:
                    logger.warning("Redis does not answer (%s); waiting for it.", type(error).__name__)
                is_away = True
            time.sleep(REDIS_AWAY_SECONDS)


def _tell_of_keys() -> None:
    """A worker that cannot open what is stored says so at once, not when the first run fails."""
    try:
        if not credential.main_vault().may_open:
            logger.error("This worker may seal secrets and not open them. Give it HUB_SEAL_PRIVATE.")
        for wrapping, count in credential.lacking_keys().items():
            logger.error("%d stored secrets cannot be opened by this worker: %s is not given to it.", count, wrapping)
    except (DatabaseError, HubError, UnsealError) as error:
        logger.debug("Whether all secrets can be opened is not known (%s).", type(error).__name__)
    finally:
        connections.close_all()


def _work() -> bool:
    """Work until something ends it; whether that was a person's or the supervisor's wish."""
    worker = HubWorker()
    try:
        health.forget_dead()
        health.beat("worker")
        worker.work(logging_level="WARNING")
        if worker.was_asked_to_stop:
            health.fall_silent("worker")
        return worker.was_asked_to_stop
    except RedisError:
        if worker.was_asked_to_stop:
            return True
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_job(signum: int, frame: FrameType | None) -> None:
    raise SystemExit("The worker was stopped.")
