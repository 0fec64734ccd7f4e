"""The pages of webhooks: list, form, and a page with the address, how to set it up there, and what came."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from hub.admin import wording
from hub.admin.base import Deed, HubAdmin
from hub.admin.webhook.form import ReplayForm, SampleForm, SecretForm, WebhookForm
from hub.admin.webhook.sender import steps
from hub.clock import now
from hub.models import Delivery, Webhook, WebhookRoute
from hub.services import access, delivery
from hub.services import webhook as webhooks
from hub.services.delivery.receive import TEST_HEADER

DELIVERIES_SHOWN = 8
BAR_WIDTH, BAR_STEP, BAR_HEIGHT, BAR_LEAST = 10, 13, 60, 2


@dataclass(frozen=True, slots=True)
class HourBar:
    """One hour of the picture: two stacked bars."""

    x: int
    y: float
    height: float
    upper_y: float
    upper_height: float
    title: str


@admin.register(Webhook)
class WebhookAdmin(HubAdmin[Webhook]):
    """Webhooks are set up by administrators; owners see what comes and replay it."""

    list_display = ("title", "standing", "connection", "style", "heard", "name")
    list_display_links = ("title",)
    list_select_related = ("connection", "credential")
    list_filter = ("is_active", "style")
    search_fields = ("title", "name")
    search_help_text = "Part of the title or name"
    form = WebhookForm
    fieldsets = (
        (None, {"fields": ("title", "name", "connection", "is_active")}),
        ("How the sender signs", {"fields": ("style", "signature", "tolerance_seconds")}),
        ("Where the parts of a message stand", {"fields": (("id_from", "event_from"),)}),
        ("Limits", {"fields": (("largest", "keep_days"),)}),
        ("What webhooks miss", {"fields": (("catch_up_minutes", "full_hours"),)}),
    )
    history_fields = (*WebhookForm.Meta.fields, "previous_until")
    page_template = "admin/hub/webhook/page.html"
    deeds = (
        Deed(
            "set_secret", "Set signing secret", "set_secret", icon="key", tone="primary", form_class=SecretForm,
            proof=True,
            text="Deliveries are accepted only when they are signed with this secret. Nobody can read it back.",
        ),
        Deed(
            "test", "Send a test delivery", "test", icon="send", form_class=SampleForm,
            shown=lambda row: row.credential_id is not None,
        ),
        Deed(
            "replay", "Replay deliveries", "replay", icon="replay", form_class=ReplayForm,
            text="The records that these deliveries point at are read again at the source, by the routes as they are "
            "now. What is already right is not written again. At most ten thousand at once, oldest first.",
        ),
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(
        description="State",
        label={"silent": "warning", "off": "info", "no secret": "warning", "listening": "success"},
    )
    def standing(self, row: Webhook) -> str:
        """Whether it listens."""
        if not row.is_active:
            return "off"
        if row.credential_id is None:
            return "no secret"
        return "silent" if row.silent_since else "listening"

    @display(description="Last delivery")
    def heard(self, row: Webhook) -> str:
        """When it last came."""
        last = Delivery.objects.filter(webhook=row).order_by("-id").values_list("received_at", flat=True).first()
        return wording.ago(last, now())

    # --- deeds ----------------------------------------------------------------------------------------

    def set_secret(self, request: HttpRequest, row: Webhook, form: SecretForm) -> str:
        """Seal a new secret."""
        webhooks.set_secret(webhook=row, secret=form.cleaned_data["secret"], by=self.person(request), overlap=form.span)
        return "Set. It counts within some seconds; send a test delivery to be sure."

    def test(self, request: HttpRequest, row: Webhook, form: SampleForm) -> HttpResponse:
        """Sign a body as the sender would and take it in."""
        body = form.cleaned_data["body"].encode()
        headers = {"content-type": "application/json", TEST_HEADER: "1", **webhooks.signed(row, body, now())}
        receipt = delivery.receive(row.name, delivery.Request(headers, len(body), lambda size: body[:size]))
        told = f"Answered {receipt.status.value}: {receipt.text}."
        if receipt.status < 300:
            delivery.take_waiting(most_pages=1)
            messages.success(request, f"{told} It came through and is listed as ignored.")
        else:
            messages.error(request, told)
        return HttpResponseRedirect(self.address("change", row))

    def replay(self, request: HttpRequest, row: Webhook, form: ReplayForm) -> str:
        """Follow deliveries again."""
        chosen = Delivery.objects.filter(**form.conditions(now()))
        count = delivery.replay(
            webhook=row, deliveries=chosen, by=self.person(request), reason=form.cleaned_data["reason"]
        )
        return f"Deliveries followed again: {count:,}."

    # --- pages ----------------------------------------------------------------------------------------

    def page(self, request: HttpRequest, row: Webhook) -> dict[str, Any]:
        """The address, how it is set up at the sender, the figures, the routes and what came last."""
        at = now()
        found = webhooks.figures(row, at)
        url = request.build_absolute_uri(row.path)
        return {
            "url": url,
            "standing": self.standing(row),
            "steps": steps(row, url),
            "figures": found,
            "bars": bars(found),
            "bars_width": len(found.hours) * BAR_STEP,
            "bars_label": f"The last 24 hours: {found.received:,} received, {found.refused:,} refused",
            "last_ago": wording.ago(found.last_at, at),
            "silent_ago": wording.ago(row.silent_since, at) if row.silent_since else "",
            "previous_in": wording.ahead(row.previous_until, at) if _is_ahead(row.previous_until, at) else "",
            "set_ago": wording.ago(row.credential.set_at, at) if row.credential else "",
            "id_from": webhooks.id_from(row),
            "event_from": webhooks.event_from(row),
            "nowhere": webhooks.NOWHERE,
            "routes": access.visible(request.user, "view", WebhookRoute).filter(webhook=row).select_related(
                "mapping__integration"
            ),
            "may_route": access.can(request.user, "add", WebhookRoute).allowed,
            "deliveries": access.visible(request.user, "view", Delivery).filter(webhook=row)[:DELIVERIES_SHOWN],
            "catch_up": wording.minutes(row.catch_up_minutes),
            "full": wording.minutes(row.full_hours * 60),
            "deliveries_url": f"{reverse('admin:hub_delivery_changelist')}?webhook={row.pk}",
        }  # fmt: skip


def bars(found: webhooks.Figures) -> list[HourBar]:
    """The last 24 hours; heights are square roots, so that quiet hours are seen beside busy ones."""
    top = max([received + other for _, received, other in found.hours], default=0) ** 0.5 or 1
    shown = []
    for place, (start, received, other) in enumerate(found.hours):
        whole = (received + other) ** 0.5 / top * BAR_HEIGHT
        height = max(BAR_LEAST, whole * received / (received + other)) if received else 0.0
        upper = max(BAR_LEAST, whole - height) if other else 0.0
        title = f"{start:%d %b %H:00}: {received:,} received, {other:,} refused or repeated"
        y = BAR_HEIGHT - height
        shown.append(HourBar(place * BAR_STEP, y, height, max(0.0, y - upper), upper, title))
    return shown


def _is_ahead(moment: Any, at: Any) -> bool:
    return moment is not None and moment > at
