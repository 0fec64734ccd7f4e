"""Egress zones: which networks behind the public ones are open, who proposed and who opened them, and why."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from hub.admin import wording
from hub.admin.base import Deed, HubAdmin, ReasonForm
from hub.admin.lines import LinesField
from hub.clock import now
from hub.models import EgressZone
from hub.sdk import HubError
from hub.services import zone as zones

OPEN_TEXT = (
    "Every connection may then reach {networks} at {ports}{http}. Who proposed a zone does not open it, unless nobody "
    "else may."
)
CLOSE_TEXT = "New connections to these networks are refused at once; those that are kept end within some seconds."
WIDENED = "It lets in more than before, so it is closed until it is opened. Nothing in it can be reached now."


class PortsField(LinesField):
    """Port numbers, one a line."""

    def to_python(self, value: Any) -> Any:
        lines = super().to_python([str(one) for one in value] if isinstance(value, list) else value)
        if not all(line.isdecimal() for line in lines):
            raise ValidationError("Write numbers, one a line.")
        return [int(line) for line in lines]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value


class ZoneForm(forms.ModelForm[EgressZone]):
    """What a zone lets in, and why."""

    networks = LinesField(
        widget=UnfoldAdminTextareaWidget({"rows": 4, "placeholder": "10.20.0.0/16"}),
        help_text="Networks, one a line, such as 10.20.0.0/16 or fd12:3456::/48. Public addresses need no zone.",
    )
    ports = PortsField(
        required=False, widget=UnfoldAdminTextareaWidget({"rows": 2, "placeholder": "443"}),
        help_text="Ports, one a line. Empty: all.",
    )  # fmt: skip

    class Meta:
        model = EgressZone
        fields = ("title", "name", "networks", "ports", "allow_http", "ca_bundle", "expires_at", "reason")
        widgets = {
            "ca_bundle": UnfoldAdminTextareaWidget({"rows": 4, "placeholder": "-----BEGIN CERTIFICATE-----"}),
            "reason": UnfoldAdminTextInputWidget(),
        }

    def clean(self) -> dict[str, Any]:
        """It could be opened as it stands."""
        given = super().clean() or {}
        if not self.errors:
            try:
                zones.check(EgressZone(networks=given["networks"], ports=given["ports"], ca_bundle=given["ca_bundle"]))
            except HubError as error:
                name, _, told = str(error).partition(": ")
                raise ValidationError({name: told}) from None
        return given


def opening(row: EgressZone) -> str:
    """What opening a zone lets in."""
    ports = f"port {', '.join(map(str, row.ports))}" if row.ports else "every port"
    http = ", by plain http as well" if row.allow_http else ""
    return OPEN_TEXT.format(networks=", ".join(row.networks), ports=ports, http=http)


@admin.register(EgressZone)
class ZoneAdmin(HubAdmin[EgressZone]):
    """Zones are seen by everybody who sees connections, and proposed, opened and closed by Security admins."""

    list_display = ("title", "standing", "lets_in", "at_ports", "ends", "reason")
    list_display_links = ("title",)
    list_filter = ("is_open",)
    search_fields = ("title", "name")
    search_help_text = "Part of the title or name"
    form = ZoneForm
    history_fields = (*ZoneForm.Meta.fields, "is_open", "proposed_by", "opened_by", "opened_at")
    page_template = "admin/hub/egresszone/page.html"
    deeds = (
        Deed(
            "open", "Open", "open", icon="lock_open", tone="primary", form_class=ReasonForm, proof=True,
            text=opening, shown=lambda row: not row.is_open,
        ),
        Deed(
            "close", "Close", "close", icon="lock", tone="danger", form_class=ReasonForm, proof=True,
            text=CLOSE_TEXT, shown=lambda row: row.is_open,
        ),
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(
        description="State", label={"open": "success", "proposed": "warning", "closed": "info", "expired": "danger"}
    )
    def standing(self, row: EgressZone) -> str:
        """Whether it lets anything in."""
        if row.expires_at is not None and row.expires_at <= now():
            return "expired"
        if row.is_open:
            return "open"
        return "closed" if row.opened_at else "proposed"

    @display(description="Networks")
    def lets_in(self, row: EgressZone) -> str:
        """Its networks, the first few."""
        more = f" and {len(row.networks) - 3} more" if len(row.networks) > 3 else ""
        return ", ".join(row.networks[:3]) + more

    @display(description="Ports")
    def at_ports(self, row: EgressZone) -> str:
        """Its ports."""
        return ", ".join(map(str, row.ports)) or "all"

    @display(description="Ends")
    def ends(self, row: EgressZone) -> str:
        """When it closes by itself."""
        return wording.ahead(row.expires_at, now()) or "never"

    # --- form -----------------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The name is chosen once."""
        return [name for name in ZoneForm.Meta.fields if name != "name" or not obj]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save by the service, which decides whether it stays open."""
        was_open = bool(change and EgressZone.objects.filter(pk=obj.pk, is_open=True).exists())
        is_open = zones.save(zone=obj, by=self.person(request))
        if was_open and not is_open:
            messages.warning(request, WIDENED)

    def _record(self, request: HttpRequest, deed: str, row: Any, detail: dict[str, Any] | None = None) -> None:
        """The service has told of what was saved."""
        if deed == "delete":
            super()._record(request, deed, row, detail)

    # --- deeds ----------------------------------------------------------------------------------------

    def open(self, request: HttpRequest, row: EgressZone, form: ReasonForm) -> str:
        """Let it in."""
        return zones.open_zone(zone=row, by=self.person(request), reason=form.cleaned_data["reason"])

    def close(self, request: HttpRequest, row: EgressZone, form: ReasonForm) -> str:
        """Shut it out."""
        zones.close(zone=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Closed."

    # --- pages ----------------------------------------------------------------------------------------

    def page(self, request: HttpRequest, row: EgressZone) -> dict[str, Any]:
        """What it lets in, who stands for it, and what no zone lets in."""
        return {
            "standing": self.standing(row),
            "ports": self.at_ports(row),
            "opened_ago": wording.ago(row.opened_at, now()),
            "ends": self.ends(row),
            "is_before": row.name == zones.BEFORE and row.is_open,
            "authorities": row.ca_bundle.count("-----BEGIN CERTIFICATE-----"),
        }
