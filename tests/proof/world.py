"""A small world to break: two third parties, a mapping between them, simulated time, and workers that can die."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from django.db import connection

from hub import failpoint
from hub.engine.intent import OPEN, State
from hub.models import (
    LIVE,
    Change,
    Connection,
    Hint,
    Integration,
    Lane,
    Link,
    Mapping,
    MappingVersion,
    ReconciliationException,
    SyncRun,
    Trigger,
    VersionState,
)
from hub.sdk import Change as Order
from hub.sdk import CursorKind
from hub.services import hint
from hub.services import run as runs
from tests import simulator
from tests.factories import ConnectionFactory, IntegrationFactory
from tests.proof.death import SimulatedBugError
from tests.proof.stage import CURRENT, PLATES
from tests.simulator import KilledError, Profile, SimulatedTime, ThirdParty

NUMBERS = count(1)
LONG_AGO = "2000-01-01T00:00:00Z"
BODY = {
    "fields": {
        "name": {"steps": [{"path": "name"}], "required": True},
        "city": {"steps": [{"path": "city"}]},
        "rev": {"steps": [{"path": "rev"}]},
    }
}
HOUR = 3600.0
MOST_RINGS = 100


class World:
    """One integration between two simulated systems. Every edit at the source raises the record's `rev`."""

    def __init__(
        self,
        profile: Profile,
        *,
        source: Profile | None = None,
        body: dict[str, Any] = BODY,
        cursor: CursorKind = CursorKind.SEQUENCE,
        page_size: int = 3,
        **mapping: Any,
    ) -> None:
        number = next(NUMBERS)
        self.time = SimulatedTime()
        self.profile = profile
        self.source = ThirdParty(profile=source, cursor=cursor, time=self.time)
        self.destination = ThirdParty(profile=profile, time=self.time)
        for party in (self.source, self.destination):
            party.on_request = self._check_intent
        self.rings: deque[dict[str, int]] = deque()
        self.broken: list[str] = []
        self.slept = 0.0
        self.ahead = 0.0  # seconds by which the clock of the worker's host is ahead
        self.corrected: set[str] = set()
        self.watches_successors: Callable[[str], None] | None = None
        names = f"shop{number}", f"books{number}"
        PLATES[names[0]] = simulator.connector(names[0], self.source)
        PLATES[names[1]] = simulator.connector(names[1], self.destination)
        defaults = {"delete_policy": "delete", "max_deletions": 100, "page_size": page_size}
        self.mapping = Mapping.objects.create(
            integration=IntegrationFactory(),
            name="things",
            source=ConnectionFactory(connector=names[0]),
            source_stream="things",
            destination=ConnectionFactory(connector=names[1]),
            destination_stream="things",
            **(defaults | mapping),
        )
        self.activate(body)
        CURRENT[:] = [self]

    def activate(self, body: dict[str, Any]) -> MappingVersion:
        """A new active version with this body."""
        mapping = self.mapping
        mapping.versions.filter(state=VersionState.ACTIVE).update(state=VersionState.RETIRED)
        version = MappingVersion.objects.create(
            mapping=mapping,
            number=mapping.versions.count() + 1,
            body=body,
            digest=str(mapping.versions.count() + 1),
            state=VersionState.ACTIVE,
        )
        mapping.active_version = version
        mapping.save()
        return version

    # --- people ----------------------------------------------------------------------------------------
    def edit(self, key: str, **fields: Any) -> None:
        """Somebody creates or edits a record at the source."""
        row = self.source.rows.get(key)
        revision = int(row.data["rev"]) + 1 if row else self._first_revision(key)
        self.source.put(key, **{"name": key, "city": "Kiel", "rev": revision} | fields)

    def fill(self, number: int = 6) -> None:
        """Some records at the source."""
        for each in range(number):
            self.edit(f"c{each}")

    def drop(self, key: str) -> None:
        """Somebody deletes the record at the source, if it is there."""
        if key in self.source.rows:
            self.source.drop(key)

    def correct(self, reference: str, **fields: Any) -> bool:
        """Somebody corrects the record at the destination by hand; False when there is none."""
        keys = [key for key, row in self.destination.rows.items() if row.reference == reference]
        for key in keys:
            self.destination.put(key, **fields)
            self.corrected.add(reference)
        return bool(keys)

    def _first_revision(self, key: str) -> int:
        """A record that comes back goes on counting, so that order can be judged over deletions too."""
        effects = (effect for effect in self.source.store.ledger if effect.key == key)
        return max((int(effect.fields.get("rev", 0)) for effect in effects), default=0) + 1

    # --- the hub -----------------------------------------------------------------------------------------
    def ask(self, **wanted: Any) -> SyncRun | None:
        """Ask for a run; None when there is a live one already, something is paused, or who asked died of it."""
        self.mapping = Mapping.objects.select_related("integration").get(pk=self.mapping.pk)
        try:
            return runs.request(mapping=self.mapping, trigger=Trigger.PERSON, **wanted)
        except KilledError:
            self._succeed()
        except (runs.LiveRunError, runs.PausedError, SimulatedBugError):
            pass
        return None

    def work(self, owner: str = "worker") -> bool:
        """Do what has been rung for; False when the worker died of it."""
        try:
            for _ in range(MOST_RINGS):
                if not self.rings:
                    break
                self._answer(self.rings.popleft(), owner)
            else:
                self.broken.append("I12: the doorbell never falls silent")
        except KilledError:
            self._succeed()
            return False
        return True

    def _succeed(self) -> None:
        """Who died does nothing more; whoever comes after is watched, if somebody wants to."""
        failpoint.disarm()
        if self.watches_successors:
            failpoint.watch(self.watches_successors)
            self.watches_successors = None

    def _answer(self, ring: dict[str, int], owner: str) -> None:
        with suppress(SimulatedBugError):
            runs.drain(lane_id=ring["lane_id"], owner=owner)

    def run(self, **wanted: Any) -> bool:
        """Ask for a run and do it."""
        self.ask(**wanted)
        return self.work()

    def ring_all(self) -> None:
        """As the sweeper does: every lane of the mapping is rung."""
        for lane in Lane.objects.filter(mapping=self.mapping).order_by("slice"):
            self.rings.append({"lane_id": lane.pk})

    def expire(self) -> None:
        """Let every lease run out."""
        Lane.objects.filter(mapping=self.mapping).update(lease_until=LONG_AGO)

    def freeze(self) -> None:
        """The worker sleeps far past its lease while somebody else does all there is to do."""
        rings, self.rings = self.rings, deque()
        self.slept += HOUR
        self.expire()
        self.ring_all()
        self.work("successor")
        self.rings = rings

    def recover(self) -> None:
        """As the sweeper orders it: what a dead worker left is taken up once its lease has run out."""
        for _ in range(2):
            self.pass_time(self._landing() + 1)
            self.expire()
            self.ask()
            self.ring_all()
            self.work("sweeper")

    def pass_time(self, seconds: float) -> None:
        """Time goes by; what was on its way arrives."""
        self.time.forward(seconds)
        for party in (self.source, self.destination):
            party.store.land()
            party.jobs.land()

    # --- the quiet phase -----------------------------------------------------------------------------------
    def quiet(self) -> None:
        """No faults, no edits: let dead workers' leases run out, wait, and work as the sweeper orders it.

        The source is read on from its checkpoint, so that one that passed something over is found out (I5).
        """
        failpoint.disarm()
        for party in (self.source, self.destination):
            party.faults.clear()
            for kept in (party.refuse, party.not_now, party.lose_answer):
                kept.clear()
            party.kill_at.clear()
            party.auth_fails, party.read_fails = False, 0
            party.between_pages = lambda: None
            party.reader.hidden.clear()
        self.resume()
        self.expire()
        sweeps = 0 if self.source.cursor is not CursorKind.NONE else 1  # what is absent twice is gone
        for rounds, wait in enumerate((self._landing() + 1, self._landing() + 1, 7 * HOUR, 7 * HOUR)):
            self.pass_time(wait)
            self.retry_refused()
            self.approve()
            asked = self.ask()
            self.ring_all()
            self.work("sweeper")
            if asked and rounds >= sweeps and self.is_at_rest():
                return

    def is_at_rest(self) -> bool:
        """Whether nothing is left that the hub itself could go on with."""
        waiting = Change.objects.filter(mapping=self.mapping, state__in=sorted(OPEN - {State.PARKED}))
        live = SyncRun.objects.filter(mapping=self.mapping, state__in=LIVE)
        return not (waiting.exists() or live.exists() or Hint.objects.filter(mapping=self.mapping).exists())

    def resume(self) -> None:
        """Nothing is paused any more."""
        Integration.objects.filter(pk=self.mapping.integration_id).update(is_paused=False)
        ends = [self.mapping.source_id, self.mapping.destination_id]
        Connection.objects.filter(pk__in=ends).update(is_paused=False)

    def retry_refused(self) -> None:
        """A person has every record tried again that somebody was asked about."""
        asked = ReconciliationException.objects.filter(mapping=self.mapping, state="open")
        Link.objects.filter(mapping=self.mapping).exclude(refused_digest="").update(refused_digest="")
        hint.put(self.mapping.pk, asked.values_list("source_key", flat=True), "tried again", self.time.now())
        self.time.forward(1)

    def approve(self) -> None:
        """A person approves what waits for that."""
        for run in SyncRun.objects.filter(mapping=self.mapping, changes__state=State.HELD).distinct():
            runs.approve_held(run=run, by=self.mapping.integration.owner, reason="It is right.")

    def _landing(self) -> float:
        lag = self.profile.write.read_back.search_lag
        return float(self.profile.write.landing or 0) + lag

    # --- what must hold at every moment --------------------------------------------------------------------
    def _check_intent(self, order: Order) -> None:
        """I3: whatever arrives at either side was committed as being sent, under the lane's epoch."""
        if connection.in_atomic_block:
            self.broken.append(f"a call for {order.external_id} inside a transaction")
        change = Change.objects.filter(pk=int(order.id)).first()
        known = change and (change.state, change.reference, change.idempotency_key)
        if known != ("sending", order.external_id, order.idempotency_key):
            self.broken.append(f"I3: {order.operation} {order.external_id} was sent as {known}")
