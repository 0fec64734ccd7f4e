"""The forms of a webhook: its settings, its secret, a test, and a replay."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from hub.admin.base import ReasonForm
from hub.admin.lines import LinesField
from hub.engine.delivery import wrong_place
from hub.models import DeliveryState, Webhook, WebhookRoute
from hub.services import webhook as webhooks

EXAMPLE = json.dumps({"type": "customer.updated", "id": "C-00001"}, indent=2)
LARGEST_TEST = 100_000


class WebhookForm(forms.ModelForm[Webhook]):
    """Who sends, how it signs, and where the parts of a message stand."""

    class Meta:
        model = Webhook
        fields = (
            "title", "name", "connection", "is_active", "style", "signature", "tolerance_seconds",
            "id_from", "event_from", "largest", "keep_days", "catch_up_minutes", "full_hours",
        )  # fmt: skip
        widgets = {
            "signature": UnfoldAdminTextareaWidget({"rows": 4, "placeholder": '{"header": "x-signature"}'}),
            "id_from": UnfoldAdminTextInputWidget({"placeholder": "header:x-request-id"}),
            "event_from": UnfoldAdminTextInputWidget({"placeholder": "body:type"}),
        }

    def clean_signature(self) -> dict[str, Any]:
        """Names with texts; nothing is an empty set of settings."""
        given = self.cleaned_data["signature"] or {}
        if not isinstance(given, dict):
            raise forms.ValidationError('Write names with values, for example {"header": "x-signature"}.')
        return given

    def clean(self) -> dict[str, Any]:
        """The settings fit the style, and the places can be found."""
        given = super().clean() or {}
        places = {name: given.get(name, "") for name in ("id_from", "event_from")}
        wrong = webhooks.problems(given.get("style", "standard"), given.get("signature") or {}, places)
        for name, told in wrong.items():
            self.add_error(name, told)
        return given


class RouteForm(forms.ModelForm[WebhookRoute]):
    """Which events point at records of which mapping."""

    events = LinesField(
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3, "placeholder": "customer.*"}),
        help_text="Kinds of event, one a line; * stands for anything. Empty: all.",
    )

    class Meta:
        model = WebhookRoute
        fields = ("webhook", "mapping", "events", "keys_from")

    def clean_keys_from(self) -> str:
        """A place that can be looked at."""
        place: str = self.cleaned_data["keys_from"]
        if wrong := wrong_place(place):
            raise forms.ValidationError(f"It {wrong}")
        return place


class SecretForm(forms.Form):
    """A new signing secret; the present one may stay good for a while."""

    secret = forms.CharField(
        strip=True,
        max_length=500,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}, render_value=False),
        help_text="As the sender shows it. It is sealed when it is saved and never shown again.",
    )
    overlap = forms.ChoiceField(
        label="The present secret",
        choices=[("0", "ends at once"), ("1", "stays good for an hour"), ("24", "for a day"), ("168", "for a week")],
        initial="24",
        widget=UnfoldAdminSelectWidget(),
        help_text="While the sender still signs with it. Where it has leaked, let it end at once.",
    )

    @property
    def span(self) -> timedelta:
        """How long the present secret stays good."""
        return timedelta(hours=int(self.cleaned_data["overlap"]))


class SampleForm(forms.Form):
    """What a test delivery contains."""

    body = forms.CharField(
        initial=EXAMPLE,
        max_length=LARGEST_TEST,
        widget=UnfoldAdminTextareaWidget({"rows": 6, "class": "hub-mono"}),
        help_text="It is signed with the webhook's secret and taken in like any other, and then ignored.",
    )


class ReplayForm(ReasonForm):
    """Which deliveries are followed again."""

    which = forms.ChoiceField(
        label="Which",
        choices=[
            (DeliveryState.QUARANTINED.value, "Those that were set aside"),
            ("all", "All that are kept, except refused ones"),
        ],
        initial=DeliveryState.QUARANTINED.value,
        widget=forms.RadioSelect,
    )
    since = forms.ChoiceField(
        label="Received",
        choices=[("1", "in the last hour"), ("24", "in the last day"), ("168", "in the last week"), ("", "ever")],
        required=False,
        initial="24",
        widget=UnfoldAdminSelectWidget(),
    )
    field_order = ("which", "since", "reason")

    def conditions(self, now: Any) -> dict[str, Any]:
        """The filter that was chosen."""
        found: dict[str, Any] = {}
        if self.cleaned_data["which"] != "all":
            found["state"] = self.cleaned_data["which"]
        if self.cleaned_data["since"]:
            found["received_at__gte"] = now - timedelta(hours=int(self.cleaned_data["since"]))
        return found
