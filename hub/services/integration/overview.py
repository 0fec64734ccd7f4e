"""What the home page shows of each integration, gathered in six queries however many there are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property

from django.db.models import Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Concat

from hub.clock import now
from hub.models import (
    LIVE,
    ExceptionState,
    Integration,
    Mapping,
    ReconciliationException,
    RunState,
    SyncRun,
    User,
    Webhook,
)
from hub.services import access
from hub.services.integration.health import Health, Signs, is_stale, judge

CARDS = 48
BARS = 14
EXCEPTIONS_COUNTED = 1000
PARTS = ("unchanged", "applied", "planned", "held", "excluded", "excepted", "in_flight")


class _Capped(Subquery):
    """Counts the rows of a sliced query, so that a million exceptions cost no more than a thousand."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) capped)"
    output_field = IntegerField()


@dataclass(frozen=True, slots=True)
class Bar:
    """One run among the recent ones, no more of it than a small picture needs."""

    id: int
    integration_id: int
    mapping_id: int
    state: str
    received: int
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class MappingStand:
    """How a mapping stands: its newest run that wrote, and its newest one that ended."""

    mapping: Mapping
    latest: SyncRun | None
    ended: SyncRun | None
    fresh_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether it has rules to run."""
        return self.mapping.active_version_id is not None


@dataclass(frozen=True)
class Card:
    """An integration as its people see it at `at`. `exceptions` stops at a thousand. Previews do not count."""

    integration: Integration
    stands: Sequence[MappingStand]
    recent: Sequence[Bar]  # oldest first
    waiting: Sequence[SyncRun]
    exceptions: int
    role: str  # "owner", "deputy" or ""
    at: datetime
    silent: Sequence[Webhook] = ()  # which usually deliver to it and do not

    @property
    def latest(self) -> SyncRun | None:
        """The newest run of any mapping."""
        runs = [stand.latest for stand in self.stands if stand.latest]
        return max(runs, key=lambda run: run.pk, default=None)

    @property
    def live(self) -> list[SyncRun]:
        """Runs that are queued or on their way, in the order of the mappings."""
        return [stand.latest for stand in self.stands if stand.latest and stand.latest.is_live]

    @property
    def fresh_at(self) -> datetime | None:
        """Since when everything is known to have arrived: the oldest last success of its active mappings."""
        moments = [stand.fresh_at for stand in self.stands if stand.is_active]
        known = [moment for moment in moments if moment]
        return min(known) if known and len(known) == len(moments) else None

    @property
    def is_stale(self) -> bool:
        """Whether the last success is longer ago than it may be."""
        return is_stale(self.integration.fresh_minutes, self.fresh_at, self.at)

    @property
    def balance(self) -> dict[str, int]:
        """What the newest run of each mapping received, and what became of it, added up."""
        runs = [stand.latest.balance for stand in self.stands if stand.latest]
        return {part: sum(run[part] for run in runs) for part in ("received", *PARTS)}

    @property
    def held(self) -> int:
        """Changes that wait for an approval, in whichever run."""
        return sum(run.held for run in self.waiting)

    @cached_property
    def health(self) -> Health:
        """How it is."""
        return judge(
            Signs(
                integration=self.integration,
                mappings=len(self.stands),
                active=sum(stand.is_active for stand in self.stands),
                ended=tuple(stand.ended for stand in self.stands if stand.ended and stand.is_active),
                waiting=len(self.waiting),
                exceptions=self.exceptions,
                fresh_at=self.fresh_at,
                at=self.at,
                silent=tuple(webhook.title for webhook in self.silent),
            )
        )


def cards(user: User) -> list[Card]:
    """A card for each integration the person may view, own ones first, then deputised ones; at most 48."""
    rank = Case(When(owner=user, then=0), When(deputy=user, then=1), default=2, output_field=IntegerField())
    rows = access.visible(user, "view", Integration).annotate(rank=rank).order_by("rank", "title")
    return _gathered(rows[:CARDS], user)


def card(integration: Integration, user: User) -> Card:
    """The card of one integration."""
    return _gathered(Integration.objects.filter(pk=integration.pk), user)[0]


def _gathered(rows: QuerySet[Integration], user: User) -> list[Card]:
    integrations = list(rows.select_related("owner", "deputy", "paused_by").annotate(open_exceptions=_open(user)))
    keys = [integration.pk for integration in integrations]
    stands, recent, waiting, silent = _stands(keys), _recent(keys), _waiting(keys), _silent(keys, user)
    at = now()
    return [
        Card(
            integration=integration,
            stands=stands[integration.pk],
            recent=recent[integration.pk],
            waiting=waiting[integration.pk],
            exceptions=integration.open_exceptions,
            role={integration.owner_id: "owner", integration.deputy_id: "deputy"}.get(user.pk, ""),
            at=at,
            silent=silent[integration.pk],
        )
        for integration in integrations
    ]


def _open(user: User) -> _Capped:
    """How many exceptions of an integration are open, up to a thousand; of the part of the data to which a right is
    limited only those."""
    rows = ReconciliationException.objects.all()
    if access.standing(user).limited:
        rows = access.visible(user, "view", ReconciliationException)
    found = rows.filter(integration=OuterRef("pk"), state=ExceptionState.OPEN)
    return _Capped(found.order_by().values("pk")[:EXCEPTIONS_COUNTED])


def _stands(keys: Iterable[int]) -> defaultdict[int, list[MappingStand]]:
    """The mappings of these integrations in order, with their newest runs: two queries."""
    real = SyncRun.objects.filter(mapping=OuterRef("pk"), is_preview=False, is_hints_only=False).order_by("-id")
    # As an expression, so that a young table is not searched by the index on states, which finds nearly every row.
    done = real.alias(told=Concat("state", Value(""))).filter(told__in=[RunState.SUCCEEDED, RunState.PARTIAL])
    rows = list(
        Mapping.objects.filter(integration__in=keys)
        .select_related("source", "destination", "active_version")
        .annotate(
            latest_id=Subquery(real.values("pk")[:1]),
            ended_id=Subquery(real.exclude(state__in=LIVE).values("pk")[:1]),
            fresh_at=Subquery(done.values("ended_at")[:1]),
        )
    )
    runs = _runs({key for row in rows for key in (row.latest_id, row.ended_id) if key})
    found: defaultdict[int, list[MappingStand]] = defaultdict(list)
    for row in rows:
        stand = MappingStand(row, runs.get(row.latest_id), runs.get(row.ended_id), row.fresh_at)
        found[row.integration_id].append(stand)
    return found


def _runs(keys: set[int]) -> dict[int, SyncRun]:
    return SyncRun.objects.select_related("mapping", "requested_by").in_bulk(keys)


def _recent(keys: Sequence[int]) -> defaultdict[int, list[Bar]]:
    """The newest runs of each integration, oldest first: one query of as many short index walks."""
    found: defaultdict[int, list[Bar]] = defaultdict(list)
    if not keys:
        return found
    names = [field.name for field in fields(Bar)]
    real = SyncRun.objects.filter(is_preview=False, is_hints_only=False).order_by("-id").values("pk")
    walks = [real.filter(integration=key)[:BARS] for key in keys]
    # Each walk inside a query of its own, because SQLite takes no limit directly in a part of a union.
    first, *others = [SyncRun.objects.filter(pk__in=walk).order_by().values(*names) for walk in walks]
    for row in first.union(*others, all=True) if others else first:
        found[row["integration_id"]].append(Bar(**row))
    for bars in found.values():
        bars.sort(key=lambda bar: bar.id)
    return found


def _waiting(keys: Iterable[int]) -> defaultdict[int, list[SyncRun]]:
    """Runs whose changes wait for somebody: few, found by their state."""
    found: defaultdict[int, list[SyncRun]] = defaultdict(list)
    rows = SyncRun.objects.filter(Q(state=RunState.WAITING), integration__in=keys).select_related("mapping")
    for run in rows.order_by("-id")[: CARDS * 4]:
        found[run.integration_id].append(run)
    return found


def _silent(keys: Iterable[int], user: User) -> defaultdict[int, list[Webhook]]:
    """Webhooks of these integrations that have fallen silent, as far as the person may look at them."""
    found: defaultdict[int, list[Webhook]] = defaultdict(list)
    place = F("routes__mapping__integration")
    rows = access.visible(user, "view", Webhook).filter(is_active=True, silent_since__isnull=False)
    fed = rows.filter(routes__mapping__integration__in=keys)
    for webhook in fed.annotate(integration_id=place).order_by("title", "integration_id").distinct():
        found[webhook.integration_id].append(webhook)
    return found
