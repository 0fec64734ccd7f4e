"""Writes that are taken for later: a job each, done after some seconds, and forgotten by nobody."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hub.sdk import Answer, Job, Outcome
from tests.simulator.store import Asked, Reply, Store

TAKES = 3.0  # seconds


@dataclass
class Jobs:
    """The jobs of one store. `tell` turns a reply into the outcome of a change."""

    store: Store
    tell: Callable[[str, Reply], Outcome]
    waiting: dict[str, tuple[float, Asked]] = field(default_factory=dict)
    done: dict[str, Reply] = field(default_factory=dict)

    def begin(self, asked: Asked) -> str:
        """Take a write for later; returns the name of its job."""
        name = f"J{len(self.waiting) + len(self.done) + 1}"
        self.waiting[name] = (self.store.now() + TAKES, asked)
        return name

    def land(self) -> None:
        """Do what is due."""
        for name, (at, asked) in list(self.waiting.items()):
            if at <= self.store.now():
                del self.waiting[name]
                self.done[name] = self.store.take(asked)

    def told(self, job: Job) -> Outcome:
        """What became of a job."""
        self.land()
        if job.token in self.done:
            return self.tell(job.change.id, self.done[job.token])
        if job.token in self.waiting:
            return Outcome(job.change.id, Answer.ACCEPTED, job=job.token, retry_after=1.0)
        return Outcome(job.change.id, Answer.UNKNOWN, code="no-job", message="There is no such job.")
