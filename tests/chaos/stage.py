"""The stage of the storm: migrated database, one integration a third party, and what the judge asks the database."""

import json
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import F, Q

from hub.clock import now
from hub.engine.intent import IN_FLIGHT, UNRESOLVED, State
from hub.models import (
    LIVE,
    Attempt,
    Change,
    Connection,
    Delivery,
    DeliveryState,
    Integration,
    Lane,
    Link,
    Mapping,
    MappingVersion,
    ReconciliationException,
    SyncRun,
    Trigger,
    User,
    VersionState,
    Webhook,
    WebhookRoute,
)
from hub.services import hint, webhook
from hub.services import run as runs
from tests.chaos.sender import SECRET
from tests.factories import open_this_machine
from tests.simulator import ledger
from tests.simulator.ledger import Ledger
from tests.simulator.server import SYSTEMS, manifest

FIELDS = ("name", "city", "rev")
BODY = {"fields": {name: {"steps": [{"path": name}]} for name in FIELDS}}
DEADLINE = 3
HOOK = "shop"


@dataclass
class Stage:
    """The hub's database and the third parties' doors."""

    port: int
    folder: Path
    mappings: dict[str, int]

    def call(self, path: str, body: dict[str, Any]) -> Any:
        """Ask something of the third parties, as people there."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def edit(self, key: str, **fields: str) -> None:
        """Somebody creates or edits a record in the shop."""
        self.call("/people", {"system": "shop", "key": key, "fields": {"name": key, **fields}, "rev": 1})

    def hint(self, keys: Sequence[str]) -> None:
        """The hub knows that records changed, past the web server: for trials of what comes after."""
        for mapping_id in self.mappings.values():
            hint.put(mapping_id, keys, "webhook", now())

    def poll(self, *, full: bool = False) -> None:
        """Ask for a run of every mapping that has none."""
        for mapping in Mapping.objects.select_related("integration", "source", "destination", "active_version"):
            try:
                runs.request(mapping=mapping, trigger=Trigger.SCHEDULE, full=full)
            except runs.RequestError:
                continue


def furnish(port: int, folder: Path, slices: int) -> Stage:
    """Connections and an integration for each of the destinations."""
    owner, deputy = (User.objects.create(username=name, is_staff=True) for name in ("storm", "calm"))
    open_this_machine()
    ends = {name: _connection(name, port) for name in SYSTEMS}
    mappings = {}
    for name in SYSTEMS[1:]:
        integration = Integration.objects.create(name=name, title=name, owner=owner, deputy=deputy)
        mapping = Mapping.objects.create(
            integration=integration, name="things", source=ends["shop"], source_stream="things",
            destination=ends[name], destination_stream="things", delete_policy="ignore", slices=slices, page_size=50,
        )  # fmt: skip
        mapping.active_version = MappingVersion.objects.create(
            mapping=mapping, number=1, body=BODY, digest="1", state=VersionState.ACTIVE
        )
        mapping.save()
        mappings[name] = mapping.pk
    _webhook(ends["shop"], list(mappings.values()))
    return Stage(port, folder, mappings)


def _connection(name: str, port: int) -> Connection:
    config = {"base_url": f"http://127.0.0.1:{port}", "auth": "none", "manifest": manifest(name)}
    return Connection.objects.create(
        name=name, title=name, connector="rest", config=config, timeout_seconds=DEADLINE, landing_seconds=6
    )


def _webhook(shop: Connection, mappings: Sequence[int]) -> None:
    """What the shop tells is told to every mapping; nothing is caught up with beside the storm's own polls."""
    made = Webhook.objects.create(name=HOOK, title="Shop", connection=shop, catch_up_minutes=0, full_hours=0)
    webhook.set_secret(webhook=made, secret=SECRET, by=None)
    for mapping_id in mappings:
        WebhookRoute.objects.create(webhook=made, mapping_id=mapping_id, keys_from="body:id")


def at_rest() -> bool:
    """Whether the hub has nothing left to do by itself."""
    waiting = (
        Delivery.objects.filter(state=DeliveryState.RECEIVED),
        Change.objects.filter(state__in=sorted(IN_FLIGHT - {State.PARKED})),
        SyncRun.objects.filter(state__in=LIVE),
        Lane.objects.filter(lease_until__isnull=False),
    )
    return not any(found.exists() for found in waiting)


def hurry() -> None:
    """An operator asks to try again now what waits for a later try; what is in doubt goes on waiting."""
    Change.objects.filter(state=State.RETRY_WAIT).update(due_at=None)
    SyncRun.objects.filter(state__in=LIVE).update(due_at=None)
    Link.objects.exclude(refused_digest="").update(refused_digest="")


def verdict(stage: Stage) -> dict[str, list[str]]:
    """What is wrong, by promise; every list must be empty."""
    told: dict[str, list[str]] = {name: [] for name in ("lost", "duplicated", "out of order")}
    shop = _standing(stage.folder / "shop.jsonl", by_reference=False)
    for name, mapping_id in stage.mappings.items():
        effects = list(Ledger(stage.folder / f"{name}.jsonl"))
        there = _standing(stage.folder / f"{name}.jsonl", by_reference=True)
        asked = set(
            ReconciliationException.objects.filter(mapping_id=mapping_id, state="open").values_list(
                "source_key", flat=True
            )
        )
        told["lost"] += [
            f"{name} {key}: {there.get(key)}, wanted {wanted}"
            for key, wanted in shop.items()
            if key not in asked and there.get(key) != wanted
        ]
        told["duplicated"] += [f"{name} {key}" for key in ledger.duplicated(effects)]
        told["out of order"] += [f"{name} {key}" for key in ledger.out_of_order(effects)]
    return told | _books()


def _standing(path: Path, *, by_reference: bool) -> dict[str, dict[str, Any]]:
    """What a system holds by its own ledger, by reference or by key."""
    found: dict[str, dict[str, Any]] = {}
    for effect in Ledger(path):
        name = effect.reference if by_reference else effect.key
        if effect.operation == "delete":
            found.pop(name, None)
        else:
            found.setdefault(name, {}).update({k: str(v) for k, v in effect.fields.items() if k in FIELDS})
    return found


def _books() -> dict[str, list[str]]:
    """What the hub's own database says of itself."""
    asked = ReconciliationException.objects.filter(state="open").values("source_key")
    unexplained = Change.objects.filter(state__in=sorted(UNRESOLVED)).exclude(source_key__in=asked)
    parts = F("unchanged") + F("created") + F("updated") + F("deleted") + F("planned") + F("held")
    wrong = SyncRun.objects.exclude(received=parts + F("excluded") + F("excepted") + F("in_flight"))
    flying = Counter(Change.objects.filter(state__in=sorted(IN_FLIGHT)).values_list("run_id", flat=True))
    claims = dict(SyncRun.objects.filter(Q(in_flight__gt=0) | Q(pk__in=flying)).values_list("pk", "in_flight"))
    unequal = {pk: (claim, flying[pk]) for pk, claim in claims.items() if claim != flying[pk]}
    return {
        "unexplained in doubt": [f"{change} ({change.state})" for change in unexplained[:20]],
        "counts out of balance": [
            *map(str, wrong[:20]),
            *(f"run {pk} counts {claim} in flight, there are {count}" for pk, (claim, count) in unequal.items()),
        ],
        "overlapping attempts": overlaps(),
        "leases held": [str(lane) for lane in Lane.objects.filter(lease_until__gt=now())],
    }


def overlaps() -> list[str]:
    """Records that two requests of the hub were underway for at one time, by its own log."""
    found = []
    last: dict[tuple[int, str], Any] = {}
    changes = Change.objects.filter(sent_at__isnull=False).order_by("mapping_id", "source_key", "id")
    for change in changes.values("mapping_id", "source_key", "id", "sent_at", "ended_at", "state"):
        place = (change["mapping_id"], change["source_key"])
        before = last.get(place)
        if before and (before["ended_at"] is None or before["ended_at"] > change["sent_at"]):
            found.append(f"{place}: {before['id']} and {change['id']}")
        last[place] = change
    return found


def numbers() -> str:
    """How much was done."""
    changes, runs_done = Change.objects.count(), SyncRun.objects.count()
    attempts = Attempt.objects.count()
    questions = ReconciliationException.objects.filter(state="open").count()
    return f"{changes:,} changes, {attempts:,} attempts, {runs_done:,} runs, {questions} open questions"


def still_open() -> str:
    """What keeps the hub from resting."""
    states = Counter(Change.objects.filter(state__in=sorted(IN_FLIGHT)).values_list("state", flat=True))
    live = list(SyncRun.objects.filter(state__in=LIVE).values("id", "state", "reason", "tries", "is_draining"))
    return f"Changes {dict(states)}, runs {live}, lanes {list(Lane.objects.values('id', 'owner', 'lease_until'))}"


def story(stage: Stage, name: str, key: str) -> list[str]:
    """Everything that is known of one record: what happened there, and what the hub believes."""
    effects = [effect for effect in Ledger(stage.folder / f"{name}.jsonl") if effect.reference == key]
    told = [f"ledger {effect.at:.2f} {effect.operation} {effect.key} {effect.fields}" for effect in effects]
    changes = Change.objects.filter(mapping_id=stage.mappings[name], source_key=key).order_by("id")
    for change in changes:
        told.append(
            f"change {change.pk} {change.operation} {change.state} of run {change.run_id}, {change.fields}, "
            f"sent {_seconds(change.sent_at)}, ended {_seconds(change.ended_at)}, epoch {change.epoch}"
        )
        told += [f"  attempt {_seconds(one.at)} {one.answer} {one.code} {one.status}" for one in change.attempts.all()]
    return told[-40:]


def _seconds(at: Any) -> str:
    return f"{at.timestamp():.2f}" if at else "never"
