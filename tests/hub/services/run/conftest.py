"""Two simulated systems and a mapping between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from hub import registry
from hub.models import (
    Change,
    DeletePolicy,
    Lane,
    Link,
    Mapping,
    MappingVersion,
    ReconciliationException,
    SyncRun,
    Trigger,
    VersionState,
)
from hub.services import run as runs
from tests import simulator
from tests.factories import ConnectionFactory, IntegrationFactory
from tests.simulator import ThirdParty

BODY = {"fields": {"name": {"steps": [{"path": "name"}], "required": True}, "city": {"steps": [{"path": "city"}]}}}


@dataclass
class Pair:
    """A source, a destination, and the mapping that joins them."""

    source: ThirdParty
    destination: ThirdParty
    mapping: Mapping
    activate: Callable[[Mapping, dict[str, Any]], MappingVersion]
    lost: list[int] = field(default_factory=list)

    def fill(self, count: int = 7) -> None:
        """Put so many records into the source."""
        for number in range(count):
            self.source.put(f"c{number}", name=f"Customer {number}", city="Kiel")

    def ask(self, **wanted: Any) -> SyncRun:
        """Ask for a run without doing it."""
        self.mapping.refresh_from_db()
        return runs.request(mapping=self.mapping, trigger=Trigger.PERSON, **wanted)

    def work(self, owner: str = "worker") -> None:
        """Do what a worker would do now."""
        runs.drain(lane_id=runs.lane_of(self.mapping).pk, owner=owner)

    def run(self, **wanted: Any) -> SyncRun:
        """Ask for a run, do it, and look at it."""
        run = self.ask(**wanted)
        self.work()
        run.refresh_from_db()
        return run

    def work_until_killed(self, owner: str = "doomed") -> None:
        """Work until the simulated kill, and let the dead worker's lease run out."""
        with pytest.raises(simulator.KilledError):
            self.work(owner)
        self.expire()

    def expire(self) -> None:
        """Let every lease run out."""
        Lane.objects.update(lease_until="2000-01-01T00:00:00Z")

    def there(self) -> dict[str, dict[str, Any]]:
        """What the destination holds, by our reference."""
        return {row.reference: row.data for row in self.destination.rows.values()}

    def states(self) -> list[tuple[str, str]]:
        """(key, state) of every change, oldest first."""
        return list(Change.objects.order_by("id").values_list("source_key", "state"))

    def open_exceptions(self) -> list[tuple[str, str]]:
        """(key, kind) of what a person must settle."""
        found = ReconciliationException.objects.filter(state="open").order_by("id")
        return list(found.values_list("source_key", "kind"))

    def links(self) -> dict[str, str]:
        """State of each link by source key."""
        return dict(Link.objects.values_list("source_key", "state"))


def activate(mapping: Mapping, body: dict[str, Any]) -> MappingVersion:
    """A new active version with this body."""
    mapping.versions.filter(state=VersionState.ACTIVE).update(state=VersionState.RETIRED)
    number = mapping.versions.count() + 1
    version = MappingVersion.objects.create(
        mapping=mapping, number=number, body=body, digest=str(number), state=VersionState.ACTIVE
    )
    mapping.active_version = version
    mapping.save()
    return version


@pytest.fixture
def pair(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """An integration of two simulated systems; rings are not needed, the test does the work."""
    source, destination = ThirdParty(), ThirdParty()
    plates = {
        "shop": simulator.connector("shop", source),
        "books": simulator.connector("books", destination),
    }
    monkeypatch.setattr(registry, "get", plates.__getitem__)
    monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)
    mapping = Mapping.objects.create(
        integration=IntegrationFactory(),
        name="things",
        source=ConnectionFactory(name="shop", connector="shop", config={}),
        source_stream="things",
        destination=ConnectionFactory(name="books", connector="books", config={}),
        destination_stream="things",
        delete_policy=DeletePolicy.DELETE,
        page_size=3,
    )
    activate(mapping, BODY)
    return Pair(source, destination, mapping, activate)
