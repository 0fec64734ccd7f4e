"""The home page: my integrations, each with its health, its last run, its balance and what waits for me."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from hub import clock, models
from hub.admin import overdue, wording, worker
from hub.admin.balance import Segment, segments
from hub.admin.credential import ending
from hub.services import access, integration, pace

BADGE_CAP = 99
BAR_WIDTH, BAR_STEP, BAR_HEIGHT, BAR_LEAST = 8, 11, 36, 3

# The desk, group by group: title, then (what it is called, its icon, the table).
DESK: tuple[tuple[str, tuple[tuple[str, str, type[Model]], ...]], ...] = (
    (
        "Work",
        (
            ("Exceptions", "error", models.ReconciliationException),
            ("Runs", "play_circle", models.SyncRun),
            ("Changes", "difference", models.Change),
            ("Links", "link", models.Link),
            ("Deliveries", "move_to_inbox", models.Delivery),
            ("Replays", "restart_alt", models.Replay),
        ),
    ),
    (
        "Set up",
        (
            ("Integrations", "sync_alt", models.Integration),
            ("Mappings", "account_tree", models.Mapping),
            ("Connections", "cable", models.Connection),
            ("Credentials", "key", models.Credential),
            ("Webhooks", "webhook", models.Webhook),
        ),
    ),
    (
        "Oversight",
        (
            ("Audit trail", "policy", models.AuditEvent),
            ("Captured rows", "database", models.CapturedRow),
            ("Exports of evidence", "download", models.Export),
            ("Reviews of access", "fact_check", models.AccessReview),
            ("People", "group", models.User),
            ("Roles", "badge", Group),
            ("Access to integrations", "lock_person", models.IntegrationGrant),
            ("Access to credentials", "encrypted", models.CredentialGrant),
            ("Egress zones", "vpn_lock", models.EgressZone),
            ("Pauses", "pause_circle", models.MainSwitch),
            ("Recovery", "settings_backup_restore", models.Recovery),
            ("Slots", "calendar_month", models.Slot),
            ("Lanes", "conversion_path", models.Lane),
            ("Checkpoints", "flag", models.Checkpoint),
        ),
    ),
)


def environment(request: HttpRequest) -> tuple[str, str]:
    """The label at the top of every page: production is red, so that nobody mistakes it."""
    name: str = settings.HUB_ENVIRONMENT
    tones = {"production": "danger", "prod": "danger", "staging": "warning", "test": "warning"}
    return name, tones.get(name.lower(), "info")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: only what this person may open."""
    groups: list[dict[str, Any]] = [
        {"items": [{"title": "Home", "icon": "home", "link": reverse("admin:index")}]},
    ]
    for title, entries in DESK:
        items = [_item(request, *entry) for entry in entries if _is_open(request, entry[2])]
        if title == "Oversight" and worker.may_watch(request):
            items.append({"title": "Workers and queue", "icon": "memory", "link": reverse("admin:hub_lane_workers")})
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The home page's own part of the context."""
    found = _home(request)
    title = "My integrations" if found.get("mine") or not found["tiles"] else "Integrations"
    return {**context, **found, "title": title, "has_own_title": True}


def cards_view(request: HttpRequest) -> HttpResponse:
    """Only the cards, for the page that keeps itself fresh."""
    return TemplateResponse(request, "admin/hub/home/cards.html", _home(request))


@dataclass(frozen=True, slots=True)
class BarShape:
    """One bar of the picture of recent runs."""

    x: int
    y: float
    height: float
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A card ready to be shown: the facts and the words and measures made of them."""

    card: integration.Card
    tone: str
    route: str
    segments: list[Segment]
    bars: list[BarShape]
    bars_label: str
    last: str
    last_note: str
    fresh: str
    fresh_note: str
    fresh_percent: int
    fresh_tone: str
    following: str
    following_note: str
    paused: str
    progress: str
    percent: int | None
    may_run: bool


def tile(card: integration.Card, *, may_run: bool) -> Tile:
    """The words and measures of one card."""
    return Tile(
        card=card,
        tone=card.health.level.tone,
        route=_route(card),
        segments=segments(card.balance),
        bars=bars(card.recent),
        bars_label=_bars_label(card.recent),
        may_run=may_run,
        **_last(card),
        **_freshness(card),
        **_following(card),
        **_progress(card),
    )


def bars(recent: Any) -> list[BarShape]:
    """The recent runs as bars; the height is the square root of what was received, so that small runs are seen."""
    top = max([bar.received for bar in recent], default=0) ** 0.5 or 1
    first = integration.BARS - len(recent)
    return [_bar(bar, first + place, bar.received**0.5 / top) for place, bar in enumerate(recent)]


def _bar(bar: integration.Bar, place: int, share: float) -> BarShape:
    height = round(BAR_LEAST + share * (BAR_HEIGHT - BAR_LEAST), 1)
    took = f", took {wording.lasting(bar.ended_at - bar.started_at)}" if bar.ended_at and bar.started_at else ""
    title = f"{bar.queued_at:%d %b %H:%M}: {bar.state}, {bar.received:,} received{took}"
    return BarShape(place * BAR_STEP, BAR_HEIGHT - height, height, bar.state, title)


def _bars_label(recent: Any) -> str:
    if not recent:
        return "No run yet"
    states = [bar.state for bar in recent]
    counted = [f"{states.count(state)} {state}" for state in dict.fromkeys(reversed(states))]
    return f"The last {len(recent)} runs: {', '.join(counted)}" if len(recent) > 1 else f"One run: {states[0]}"


def _home(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    if not isinstance(user, models.User):
        return {"tiles": []}
    found = integration.cards(user)
    runnable = set(access.visible(user, "run", models.Integration).values_list("pk", flat=True)) if found else set()
    tiles = [tile(card, may_run=card.integration.pk in runnable) for card in found]
    return {
        "tiles": tiles,
        "mine": [one for one in tiles if one.card.role],
        "others": [one for one in tiles if not one.card.role],
        "summary": _summary(tiles),
        "is_cut": len(tiles) >= integration.CARDS,
        "at": tiles[0].card.at if tiles else None,
        "may_connect": access.can(user, "add", models.Connection).allowed,
        "exceptions_cap": integration.EXCEPTIONS_COUNTED,
        "ending": [(one, wording.ahead(one.ends, clock.now())) for one in ending(request)],
        "alarms": overdue.alarms(request),
        "held": pace.held(access.visible(user, "view", models.Connection), clock.now()),
    }


def _summary(tiles: list[Tile]) -> list[tuple[str, str]]:
    """How many are in which state: (tone, words), worst first."""
    words = {"bad": "failing or stale", "warn": "to look at", "idle": "paused or not running", "ok": "healthy"}
    counts = {tone: sum(one.tone == tone for one in tiles) for tone in words}
    return [(tone, f"{count} {words[tone]}") for tone, count in counts.items() if count]


def _route(card: integration.Card) -> str:
    """Which systems it joins: “CRM → ERP”."""
    ends = dict.fromkeys((str(stand.mapping.source), str(stand.mapping.destination)) for stand in card.stands)
    return " · ".join(f"{source} → {destination}" for source, destination in ends) or "No mapping yet"


def _last(card: integration.Card) -> dict[str, Any]:
    run = card.latest
    if run is None:
        return {"last": "Never", "last_note": ""}
    ended = run.ended_at or run.started_at or run.queued_at
    took = f", took {wording.lasting(run.ended_at - run.started_at)}" if run.ended_at and run.started_at else ""
    return {"last": run.get_state_display().capitalize(), "last_note": f"{wording.ago(ended, card.at)}{took}"}


def _freshness(card: integration.Card) -> dict[str, Any]:
    limit = wording.minutes(card.integration.fresh_minutes)
    if card.fresh_at is None:
        return {"fresh": "No success yet", "fresh_note": f"wanted within {limit}", "fresh_percent": 0, "fresh_tone": ""}
    age = (card.at - card.fresh_at).total_seconds() / 60
    percent = min(100, round(100 * age / max(1, card.integration.fresh_minutes)))
    tone = "bad" if card.is_stale else "warn" if percent > 80 else ""
    when = wording.ago(card.fresh_at, card.at)
    return {"fresh": when, "fresh_note": f"wanted within {limit}", "fresh_percent": percent, "fresh_tone": tone}


def _following(card: integration.Card) -> dict[str, Any]:
    row = card.integration
    words = wording.schedule_words(row.schedule)
    if row.is_paused:
        note = wording.ago(row.paused_at, card.at)
        return {"following": "Paused", "following_note": words, "paused": f"by {row.paused_by or 'the hub'}, {note}"}
    following = wording.ahead(row.next_run_at, card.at) if row.schedule else "By hand"
    return {"following": following or "Being planned", "following_note": words if row.schedule else "", "paused": ""}


def _progress(card: integration.Card) -> dict[str, Any]:
    """The run on its way, if there is one: a sentence, and how far it is in percent when that is known."""
    live = next((run for run in card.live if run.state == models.RunState.RUNNING), None)
    if live is None:
        return {"progress": f"{card.live[0].mapping}: waits for a worker" if card.live else "", "percent": None}
    percent = min(99, 100 * live.received // live.expected) if live.expected else None
    of = f" of about {live.expected:,}" if live.expected else ""
    return {"progress": f"{live.mapping}: {live.received:,}{of} records so far", "percent": percent}


def _is_open(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site.is_registered(model) and access.can(request.user, "view", model).allowed


def _item(request: HttpRequest, title: str, icon: str, model: type[Model]) -> dict[str, Any]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse(name)}
    if model is models.Lane:  # the page of workers stands below its address, and is marked by itself
        item["active"] = request.path.startswith(reverse(name)) and request.path != reverse("admin:hub_lane_workers")
    badge = _open_exceptions(request) if model is models.ReconciliationException else ""
    return {**item, "badge": badge} if badge else item


def _open_exceptions(request: HttpRequest) -> str:
    """How many exceptions this person could settle, up to ninety-nine."""
    rows = access.visible(request.user, "view", models.ReconciliationException)
    count = rows.filter(state=models.ExceptionState.OPEN).order_by()[: BADGE_CAP + 1].count()
    return f"{BADGE_CAP}+" if count > BADGE_CAP else str(count or "")
