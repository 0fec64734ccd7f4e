"""Webhooks: how each is signed, where its parts stand, its secrets, and how it has been doing."""

import secrets as randomness
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum

from hub.clock import now
from hub.engine import signature
from hub.engine.delivery import wrong_place
from hub.engine.signature import Scheme, SignatureError, Style
from hub.models import Credential, CredentialKind, DeliveryState, User, Webhook
from hub.sdk import ConfigError
from hub.services import audit, credential
from hub.services.history import save_as

SECRET, PREVIOUS = "secret", "previous"
LONGEST_OVERLAP = timedelta(days=7)
# Where each style's senders usually put the id of a delivery and the kind of the event.
IDS: Mapping[str, str] = {
    Style.STANDARD: "header:webhook-id",
    Style.STRIPE: "body:id",
    Style.SHOPIFY: "header:x-shopify-webhook-id",
    Style.GITHUB: "header:x-github-delivery",
}
EVENTS: Mapping[str, str] = {
    Style.STANDARD: "body:type",
    Style.STRIPE: "body:type",
    Style.SHOPIFY: "header:x-shopify-topic",
    Style.GITHUB: "header:x-github-event",
}
NOWHERE = "header:"
HOURS_SHOWN = 24
MISSED_SHOWN = timedelta(days=7)
COUNTED = 1000


def scheme_of(webhook: Webhook) -> Scheme:
    """How a webhook is signed. Settings that were stored are right, or it counts as its style without settings."""
    try:
        return signature.scheme(webhook.style, webhook.signature)
    except SignatureError:
        return signature.scheme(webhook.style, {})


def id_from(webhook: Webhook) -> str:
    """Where the id of a delivery stands; nowhere for senders that give none."""
    return webhook.id_from or IDS.get(webhook.style, NOWHERE)


def event_from(webhook: Webhook) -> str:
    """Where the kind of event stands."""
    return webhook.event_from or EVENTS.get(webhook.style, NOWHERE)


def problems(style: str, settings: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a webhook's settings, by field."""
    found: dict[str, str] = {}
    try:
        signature.scheme(style, settings)
    except SignatureError as error:
        found["signature"] = str(error)
    for name, place in places.items():
        if place and (wrong := wrong_place(place)):
            found[name] = f"{name} {wrong}"
    return found


@transaction.atomic
def set_secret(*, webhook: Webhook, secret: str, by: User | None, overlap: timedelta = timedelta(0)) -> None:
    """Seal a new signing secret; the present one stays good for `overlap`. Raises ConfigError for a malformed one."""
    if overlap > LONGEST_OVERLAP:
        raise ConfigError(f"The secret before may be accepted for {LONGEST_OVERLAP.days} days at most.")
    try:
        signature.key_of(scheme_of(webhook), secret)
    except SignatureError as error:
        raise ConfigError(str(error)) from None
    stored = Webhook.objects.select_for_update(of=("self",)).select_related("credential").get(pk=webhook.pk)
    kept = stored.credential or _credential_for(stored, by)
    values = {SECRET: secret}
    is_replaced = overlap and SECRET in kept.fields
    if is_replaced:
        values[PREVIOUS] = credential.open_values(kept, use=credential.Use(webhook.name, "keep"))[SECRET].reveal()
    credential.set_values(credential=kept, values=values, by=by)
    stored.credential, stored.previous_until = kept, now() + overlap if is_replaced else None
    save_as(stored, by=by, reason="signing secret set", fields=["credential", "previous_until"])
    audit.record(
        actor=by, action="webhook.secret", subject=stored, detail={"overlap_seconds": int(overlap.total_seconds())}
    )
    webhook.refresh_from_db()


def _credential_for(webhook: Webhook, by: User | None) -> Credential:
    """A credential of its own: a signing secret is sent nowhere, so it has no addresses."""
    name = f"webhook-{webhook.name}"[:80]
    while Credential.objects.filter(name=name).exists():
        name = f"{name[:70]}-{randomness.token_hex(3)}"
    made = Credential(name=name, title=f"Signing secret of {webhook}"[:200], kind=CredentialKind.WEBHOOK)
    save_as(made, by=by, reason="made for a webhook")
    return made


def signed(webhook: Webhook, body: bytes, moment: datetime) -> dict[str, str]:
    """The headers under which its sender would send this body now. Raises ConfigError when no secret is set."""
    if webhook.credential is None:
        raise ConfigError("Set the signing secret first.")
    scheme = scheme_of(webhook)
    values = credential.open_values(webhook.credential, use=credential.Use(webhook.name, "sign"))
    if SECRET not in values:
        raise ConfigError("Set the signing secret first.")
    id_ = f"test-{randomness.token_hex(8)}"
    try:
        key = signature.key_of(scheme, values[SECRET].reveal())
    except SignatureError as error:
        raise ConfigError(str(error)) from None
    headers = signature.sign(scheme, key, body, id_=id_, timestamp=int(moment.timestamp()))
    place, _, name = id_from(webhook).partition(":")
    return {**headers, name: id_} if place == "header" and name else headers


@dataclass(frozen=True, slots=True)
class Figures:
    """How a webhook has been doing. `hours`: (start, received, refused and repeated) of the last 24, oldest first."""

    hours: Sequence[tuple[datetime, int, int]]
    received: int
    repeated: int
    refused: int
    missed: int
    waiting: int
    set_aside: int
    last_at: datetime | None


def figures(webhook: Webhook, moment: datetime) -> Figures:
    """What is shown of a webhook."""
    this = moment.replace(minute=0, second=0, microsecond=0)
    day = {row.hour: row for row in webhook.hours.filter(hour__gt=this - timedelta(hours=HOURS_SHOWN))}
    starts = [this - timedelta(hours=ago) for ago in reversed(range(HOURS_SHOWN))]
    missed = webhook.hours.filter(hour__gt=this - MISSED_SHOWN).aggregate(sum=Sum("missed"))["sum"]
    stored = webhook.deliveries.order_by("-id")
    return Figures(
        hours=[
            (start, day[start].received, day[start].refused + day[start].repeated) if start in day else (start, 0, 0)
            for start in starts
        ],
        received=sum(row.received for row in day.values()),
        repeated=sum(row.repeated for row in day.values()),
        refused=sum(row.refused for row in day.values()),
        missed=missed or 0,
        waiting=stored.filter(state=DeliveryState.RECEIVED).order_by()[:COUNTED].count(),
        set_aside=stored.filter(state=DeliveryState.QUARANTINED).order_by()[:COUNTED].count(),
        last_at=stored.exclude(state=DeliveryState.REFUSED).values_list("received_at", flat=True).first(),
    )
