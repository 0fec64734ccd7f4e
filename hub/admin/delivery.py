"""Deliveries: each webhook as it came, what became of it, and a way to follow it again."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from hub.admin.base import Deed, FactAdmin, ReasonForm
from hub.admin.keyset import Chip, Chips, KeysetMixin, badge, begins_with, moment
from hub.models import Delivery, DeliveryState, Webhook
from hub.services import access, audit
from hub.services import delivery as deliveries

MOST_FOUND = 1000
BODY_SHOWN = 20_000
TONES: dict[str, str] = {
    DeliveryState.RECEIVED: "live",
    DeliveryState.HINTED: "ok",
    DeliveryState.IGNORED: "idle",
    DeliveryState.QUARANTINED: "warn",
    DeliveryState.REFUSED: "bad",
}


class WebhookFilter(RelatedDropdownFilter):
    """A filter by webhook that offers only those the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The webhooks to choose from."""
        return [(str(row.pk), str(row)) for row in access.visible(request.user, "view", Webhook)]


def _may_replay(delivery: Delivery) -> bool:
    return delivery.state != DeliveryState.REFUSED


@admin.register(Delivery)
class DeliveryAdmin(KeysetMixin, FactAdmin[Delivery]):
    """Deliveries are written by the hub alone; people look at them and replay them."""

    list_display = ("label", "standing", "webhook", "event", "points_at", "came")
    list_display_links = ("label",)
    list_select_related = ("webhook",)
    list_filter = (("webhook", WebhookFilter),)
    search_fields = ("delivery_id", "key")
    search_help_text = "Delivery id or record key, from its beginning"
    chips = Chips(
        "state",
        (
            Chip("all", "All"),
            Chip("waiting", "Waiting", (DeliveryState.RECEIVED.value,)),
            Chip("followed", "Followed", (DeliveryState.HINTED.value,)),
            Chip("aside", "Set aside", (DeliveryState.QUARANTINED.value,)),
            Chip("ignored", "Ignored", (DeliveryState.IGNORED.value,)),
            Chip("refused", "Refused", (DeliveryState.REFUSED.value,)),
        ),
    )
    pins = {"webhook": "webhook_id"}
    page_template = "admin/hub/delivery/page.html"
    deeds = (
        Deed(
            "replay", "Replay", "replay", icon="replay", tone="primary", form_class=ReasonForm, bulk=True,
            shown=_may_replay,
            text="The records it points at are read again at the source, by the routes as they are now. "
            "What is already right is not written again.",
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.select_related("webhook").defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Deliveries whose id, or whose first record's key, begins so."""
        text = search_term.strip()
        if not text:
            return queryset, False
        hooks = list(access.visible(request.user, "view", Webhook).values_list("pk", flat=True))
        by_id = Q(begins_with("delivery_id", text), webhook__in=hooks) & ~Q(delivery_id="")
        by_key = Q(begins_with("key", text)) & ~Q(key="")
        found: set[int] = set()
        for condition in (by_id, by_key):
            found |= set(Delivery.objects.filter(condition).order_by().values_list("pk", flat=True)[:MOST_FOUND])
        return queryset.filter(pk__in=found), False

    # --- deeds ----------------------------------------------------------------------------------------------

    def replay(self, request: HttpRequest, row: Delivery, form: Any) -> str:
        """Follow it again."""
        deliveries.replay(
            webhook=row.webhook,
            deliveries=Delivery.objects.filter(pk=row.pk),
            by=self.person(request),
            reason=form.cleaned_data["reason"],
        )
        return "Followed again."

    # --- displays -------------------------------------------------------------------------------------------

    @display(description="delivery")
    def label(self, delivery: Delivery) -> SafeString:
        """Its id, or its number where the sender gives none."""
        return format_html('<span class="st-title"><strong>{}</strong></span>', delivery)

    @display(description="state")
    def standing(self, delivery: Delivery) -> SafeString:
        """The state in words."""
        return badge(delivery.get_state_display(), TONES[delivery.state])

    @display(description="points at")
    def points_at(self, delivery: Delivery) -> SafeString:
        """The first record, and how many more."""
        more = f" and {delivery.keys - 1:,} more" if delivery.keys > 1 else ""
        return format_html("{}{}", delivery.key or "—", more)

    @display(description="received")
    def came(self, delivery: Delivery) -> SafeString:
        """When it came."""
        return moment(delivery.received_at)

    # --- page -----------------------------------------------------------------------------------------------

    def page(self, request: HttpRequest, row: Delivery) -> dict[str, Any]:
        """What is known of it; what it contains is for those who may see that."""
        may_read = access.can(request.user, "view_body", row).allowed
        if may_read:
            audit.seen(actor=self.person(request), action="delivery.view_body", subject=row)
        return {
            "title": str(row),
            "tone": TONES[row.state],
            "may_read": may_read,
            "text": _readable(bytes(row.body)) if may_read else "",
            "is_cut": row.size > BODY_SHOWN,
            "headers": sorted(row.headers.items()),
        }


def _readable(body: bytes) -> str:
    """The body as people read it: JSON laid out, anything else as it is."""
    text = body[:BODY_SHOWN].decode(errors="replace")
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)[:BODY_SHOWN]
    except (ValueError, RecursionError):
        return text
