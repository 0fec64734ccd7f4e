"""Credentials: what is known about a secret, who uses it, and new values, which go in and never come back."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from hub import registry
from hub.admin import wording
from hub.admin.base import Deed
from hub.admin.connection.form import secret_field
from hub.admin.grant import GIVE, AccessDeeds
from hub.admin.lines import LinesField
from hub.clock import now
from hub.models import Connection, Credential
from hub.sdk import HubError
from hub.services import access
from hub.services import credential as credentials

VALUE = "value-"


ORIGINS_HELP = "Where the secret may be sent, one address a line, such as https://crm.example:443. Nowhere else, ever."


class CredentialForm(forms.ModelForm[Credential]):
    """What a credential is called and where it may be sent. The addresses are changed with the values only."""

    origins = LinesField(required=False, widget=UnfoldAdminTextareaWidget({"rows": 3}), help_text=ORIGINS_HELP)

    class Meta:
        model = Credential
        fields = ("title", "name", "origins", "expires_at")

    def clean_origins(self) -> list[str]:
        """The addresses in the form in which they are compared."""
        try:
            return credentials.normal_origins(self.cleaned_data["origins"])
        except HubError as error:
            raise ValidationError(str(error)) from None


class ValuesForm(forms.Form):
    """New values of a credential. What is left empty is kept, unless the addresses change."""

    def __init__(self, data: Any, *, credential: Credential, asked: dict[str, tuple[str, str]]) -> None:
        super().__init__(data)
        for name, (label, help_text) in asked.items():
            kept = credential if name in credential.fields else None
            self.fields[VALUE + name] = secret_field(label, help_text, kept)
        self.fields["other_name"] = forms.SlugField(
            label="Another value: its name", required=False, widget=UnfoldAdminTextInputWidget(),
            help_text="For a value that no connection asks for yet, such as password or token.",
        )  # fmt: skip
        self.fields["other_value"] = secret_field("Another value", "", None)
        self.fields["origins"] = LinesField(
            initial=credential.origins, widget=UnfoldAdminTextareaWidget({"rows": 3}), label="May be sent to",
            help_text=f"{ORIGINS_HELP} Whoever changes this must give every value again.",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A value has a name, and there is something to set."""
        given = super().clean() or {}
        if bool(given.get("other_name")) != bool(given.get("other_value")):
            self.add_error("other_name", "Give both, the name and the value.")
        if not self.values and "origins" not in self.changed_data:
            raise ValidationError("Nothing was given, so nothing was set.")
        return given

    @property
    def values(self) -> dict[str, str]:
        """The values given, by name."""
        given = self.cleaned_data
        found = {name.removeprefix(VALUE): value for name, value in given.items() if name.startswith(VALUE) and value}
        return found | ({given["other_name"]: given["other_value"]} if given.get("other_value") else {})


@admin.register(Credential)
class CredentialAdmin(AccessDeeds[Credential]):
    """Credentials are shown without their values; values are set and replaced by who manages them."""

    list_display = ("label", "holds", "set_when", "expires", "used_when", "name")
    list_display_links = ("label",)
    search_fields = ("title", "name")
    search_help_text = "Part of the title or name"
    history_fields = ("title", "name", "origins", "fields", "number", "set_at", "expires_at")
    page_template = "admin/hub/credential/page.html"

    form = CredentialForm
    deeds = (
        Deed(
            "set_values", "Set values", "set_secret", icon="key", tone="primary", proof=True,
            text="Values are sealed when they are saved. Nobody can read them back; they can only be replaced.",
        ),
        GIVE,
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(description="Credential", ordering="title")
    def label(self, row: Credential) -> str:
        """Its title."""
        return str(row)

    @display(description="Holds")
    def holds(self, row: Credential) -> str:
        """The names of its values."""
        return ", ".join(row.fields) or "nothing yet"

    @display(description="Set")
    def set_when(self, row: Credential) -> str:
        """When it was last set."""
        return wording.ago(row.set_at, now())

    @display(description="Expires", label={"expired": "danger"})
    def expires(self, row: Credential) -> str:
        """When it ends."""
        if row.expires_at is None:
            return "no date"
        return "expired" if row.expires_at <= now() else wording.ahead(row.expires_at, now())

    @display(description="Last used")
    def used_when(self, row: Credential) -> str:
        """When it was last opened for use."""
        return wording.ago(row.last_used_at, now())

    # --- form -----------------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The name and the addresses are chosen once; later the addresses change with the values."""
        return ("title", "expires_at") if obj else ("title", "name", "origins", "expires_at")

    def deed_form(self, deed: Deed, row: Credential, data: Any) -> forms.Form:
        """Asks for what the connections that use it need."""
        return (
            ValuesForm(data, credential=row, asked=_asked(row))
            if deed.name == "set_values"
            else super().deed_form(deed, row, data)
        )

    # --- deeds ----------------------------------------------------------------------------------------

    def set_values(self, request: HttpRequest, row: Credential, form: ValuesForm) -> str:
        """Seal the given values."""
        origins = form.cleaned_data["origins"] if "origins" in form.changed_data else None
        credentials.set_values(credential=row, values=form.values, by=self.person(request), origins=origins)
        return "Set. Test the connections that use it."

    # --- pages ----------------------------------------------------------------------------------------

    def page(self, request: HttpRequest, row: Credential) -> dict[str, Any]:
        """What is known of it, and what uses it."""
        at = now()
        used_by = access.visible(request.user, "view", Connection).filter(credential=row)
        return {
            "used_by": used_by,
            "set_ago": wording.ago(row.set_at, at),
            "used_ago": wording.ago(row.last_used_at, at),
            "is_expired": bool(row.expires_at and row.expires_at <= at),
            "expires_in": wording.ahead(row.expires_at, at),
            "missing": sorted(set(_asked(row)) - set(row.fields)),
            **self.holders(request, row),
        }


def _asked(row: Credential) -> dict[str, tuple[str, str]]:
    """(label, help) of each value that it holds or that a connection using it asks for, by name."""
    found: dict[str, tuple[str, str]] = {name: (name, "") for name in row.fields}
    for kind in Connection.objects.filter(credential=row).values_list("connector", flat=True).distinct():
        try:
            fields = registry.get(kind).fields
        except Exception:  # noqa: BLE001, S112  a plugin may fail in any way; its page says so
            continue
        found |= {asked.name: (asked.label, asked.help) for asked in fields if asked.is_secret}
    return found
