"""Workers and the queue as they are now: who is alive, what each does, what waits, and since when."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Min, QuerySet
from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job

from hub import queue
from hub.models import CheckState, ConnectionCheck, Delivery, DeliveryState, Hint, Lane, RunState, SyncRun, User
from hub.services import access, health

MOST = 200
"""Jobs of the queue that are looked at, and rows that are counted: beyond that the page says “and more”."""
LATE = timedelta(minutes=2)
"""What waits for a worker longer than this is told as late: the sweeper rings again after 30 seconds."""
Place = tuple[str, str, int]  # role, host, process id
WORDS = {
    queue.DRAIN: "works a lane",
    queue.CHECK: "tests a connection",
    queue.TAKE: "takes deliveries",
    queue.REVIEW: "reads both sides of a mapping",
    queue.ANSWER: "asks a system for a page of the desk",
    queue.EXPORT: "writes an export of evidence",
    queue.VERIFY: "verifies all evidence",
    queue.EXCHANGE: "completes a consent",
}


@dataclass(frozen=True, slots=True)
class Doing:
    """A job in words; `lane` is the lane it works, where it does and the person may see that."""

    words: str
    lane: Lane | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A worker or scheduler: where it runs, whether it gave a sign of life lately, what it does, what it did."""

    role: str
    host: str
    pid: int
    is_alive: bool
    doing: Doing | None = None
    since: datetime | None = None
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of one kind that stands in the database and waits: how much, capped at MOST, and since when."""

    words: str
    count: int
    oldest: datetime | None
    is_late: bool

    @property
    def is_more(self) -> bool:
        """Whether there is more than was counted."""
        return self.count > MOST


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that ended in an error of the hub: what it was, when, and the kind of error (never its text)."""

    words: str
    at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything the page tells. `trouble` is what keeps the hub from working, one phrase each."""

    trouble: list[str]
    is_heard: bool = True
    processes: list[Process] = field(default_factory=list)
    rung: list[tuple[str, int]] = field(default_factory=list)
    rung_more: int = 0
    waiting: list[Waiting] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


def look(user: User, at: datetime) -> State:
    """How things stand. Without Redis only what the database knows."""
    waiting = _waiting(at)
    try:
        jobs, more = _rung()
        processes = _processes(user)
        failed = _failed()
    except RedisError:
        return State(health.missing(), is_heard=False, waiting=waiting)
    rung = Counter(_words(job.func_name) for job in jobs).most_common()
    return State(health.missing(), processes=processes, rung=rung, rung_more=more, waiting=waiting, failed=failed)


def _rung() -> tuple[list[Job], int]:
    """The first jobs of the queue, and how many more there are."""
    line = queue.queue()
    return _fetched(line.get_job_ids(0, MOST)), max(0, int(line.count) - MOST)


def _fetched(ids: Sequence[str]) -> list[Job]:
    """These jobs, as far as they are still there."""
    line = queue.queue()
    found = Job.fetch_many(ids, connection=line.connection, serializer=line.serializer) if ids else []
    return [job for job in found if job is not None]


def _processes(user: User) -> list[Process]:
    """Who gives signs of life, and whoever fell silent without a word."""
    rows = Worker.all(queue=queue.queue())
    known: dict[Place, Any] = {("worker", row.hostname or "", row.pid or 0): row for row in rows}
    beats = health.heard()
    doing = _doing(user, known)
    found = [
        _process(place, beats.get(place, False), known.get(place), doing.get(place)) for place in {**beats, **known}
    ]
    return sorted(found, key=lambda one: (one.role, not one.is_alive, one.host, one.pid))


def _process(place: Place, is_alive: bool, row: Any, doing: Doing | None) -> Process:  # noqa: FBT001  a fact of the line
    if row is None:
        return Process(*place, is_alive)
    done, failed = row.successful_job_count, row.failed_job_count
    return Process(*place, is_alive, doing, _utc(row.birth_date), done, failed)


def _doing(user: User, known: Mapping[Place, Any]) -> dict[Place, Doing]:
    """What each worker does now."""
    taken = {place: id_ for place, row in known.items() if (id_ := row.get_current_job_id())}
    jobs = {job.id: job for job in _fetched([*taken.values()])}
    lanes = _lanes(user, jobs.values())
    return {
        place: Doing(_words(job.func_name), lanes.get(job.kwargs.get("lane_id") or 0), _utc(job.started_at))
        for place, id_ in taken.items()
        if (job := jobs.get(id_))
    }


def _lanes(user: User, jobs: Iterable[Job]) -> dict[int, Lane]:
    """The lanes these jobs work, as far as the person may see them."""
    ids = [job.kwargs["lane_id"] for job in jobs if "lane_id" in job.kwargs]
    rows = access.visible(user, "view", Lane).filter(pk__in=ids)
    return {row.pk: row for row in rows.select_related("mapping__integration")} if ids else {}


def _failed() -> list[Failed]:
    """The last jobs that broke; what their errors say may quote records, so only the kind is told."""
    ids = queue.queue().failed_job_registry.get_job_ids(0, 9, desc=True, cleanup=False)
    return [Failed(_words(job.func_name), _utc(job.ended_at), _kind(job)) for job in _fetched(ids)]


def _kind(job: Job) -> str:
    """The name of the error at the end of the traceback."""
    result = job.latest_result()
    lines = ((result.exc_string if result else "") or "").strip().splitlines()
    return lines[-1].partition(":")[0].rpartition(".")[2][:80] if lines else "ended without a word"


def _waiting(at: datetime) -> list[Waiting]:
    """What waits in the database, which is the queue and the truth. Redis only rings."""
    runs = SyncRun.objects.filter(state=RunState.QUEUED, after__isnull=True)
    checks = ConnectionCheck.objects.filter(state=CheckState.ASKED)
    return [
        _line("runs", runs, "queued_at", at),
        _line("records that webhooks pointed at", Hint.objects.filter(due_at__lte=at), "due_at", at),
        _line("deliveries", Delivery.objects.filter(state=DeliveryState.RECEIVED), "received_at", at),
        _line("connection tests", checks, "asked_at", at),
        _line("lanes whose worker fell silent", Lane.objects.filter(lease_until__lt=at), "lease_until", at),
    ]


def _line(words: str, rows: QuerySet[Any], moment: str, at: datetime) -> Waiting:
    count = len(rows.order_by().values_list("pk")[: MOST + 1])
    oldest = rows.order_by().aggregate(oldest=Min(moment))["oldest"] if count else None
    return Waiting(words, count, oldest, bool(oldest and at - oldest > LATE))


def _words(function: str | None) -> str:
    return WORDS.get(function or "", "something this version does not know")


def _utc(moment: datetime | None) -> datetime | None:
    """RQ writes UTC, without saying so in older rows."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
