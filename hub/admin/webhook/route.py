"""Routes: which events of a webhook point at records of which mapping."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from hub.admin.base import HubAdmin
from hub.admin.webhook.form import RouteForm
from hub.models import WebhookRoute


@admin.register(WebhookRoute)
class WebhookRouteAdmin(HubAdmin[WebhookRoute]):
    """Routes are reached from the page of their webhook."""

    list_display = ("__str__", "webhook", "keys_from")
    list_select_related = ("webhook", "mapping")
    form = RouteForm
    history_fields = ("mapping", "events", "keys_from")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The webhook from whose page one comes."""
        webhook = request.GET.get("webhook", "")
        return {"webhook": webhook} if webhook.isdecimal() else {}

    def _after_saving(self, row: Any) -> HttpResponseRedirect:
        """Back to the webhook."""
        return HttpResponseRedirect(reverse("admin:hub_webhook_change", args=[row.webhook_id]))
