"""The pages of credentials: what is known of each, what breaks with it, and how its values are set and rotated."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import display

from hub import registry
from hub.admin import consent as consents
from hub.admin import wording
from hub.admin.base import Deed, ReasonForm
from hub.admin.credential.form import CredentialForm, OverlapForm, StageForm, ValuesForm
from hub.admin.deed import BARE
from hub.admin.grant import GIVE, AccessDeeds
from hub.clock import now
from hub.models import (
    CheckState,
    Connection,
    ConnectionCheck,
    Credential,
    CredentialKind,
    CredentialState,
    CredentialVersion,
)
from hub.sdk import ConfigField
from hub.services import access
from hub.services import connection as connections
from hub.services import credential as credentials
from hub.services.credential import Value, Warned, oauth

VERSIONS_SHOWN = 6
TONES = {
    CredentialState.STAGED: "live",
    CredentialState.ACTIVE: "ok",
    CredentialState.RETIRING: "warn",
    CredentialState.REVOKED: "idle",
}
SET_TEXT = "Values are sealed when they are saved. Nobody can read them back; they can only be replaced."
SET_WARNING = (
    "The values before are gone at once, and a call that is made meanwhile may be refused. Do this when they have "
    "leaked, or when the address changes; otherwise “Rotate” replaces them without a gap."
)
ROTATE_TEXT = (
    "The new values wait beside those in use. Test them, then put them to use; the values before stay for a while. "
    "Make them at the other system first, without ending the old ones there."
)
ACTIVATE_TEXT = "From now on the staged values are used. What is under way ends with the values it began with."
CONNECT_TEXT = (
    "You go to the provider, agree there that the hub may act for an account, and come back. The tokens that it has "
    "now, if any, are replaced once that worked."
)
REVOKE_TEXT = "The values before are removed now. End them at the other system too."


def _is_set(row: Credential) -> bool:
    return bool(row.fields) and row.kind != CredentialKind.WEBHOOK


def _is_staged(row: Credential) -> bool:
    return credentials.staged(row) is not None


def _is_retiring(row: Credential) -> bool:
    return credentials.retiring(row) is not None


@admin.register(Credential)
class CredentialAdmin(AccessDeeds[Credential]):
    """Credentials are shown without their values; values are set, rotated and replaced by who manages them."""

    list_display = ("label", "kind_told", "holds", "set_when", "expires", "used_when", "name")
    list_display_links = ("label",)
    search_fields = ("title", "name")
    search_help_text = "Part of the title or name"
    history_fields = ("title", "name", "kind", "origins", "details", "fields", "number", "set_at", "expires_at")
    page_template = "admin/hub/credential/page.html"

    form = CredentialForm
    deeds = (
        Deed(
            "connect", "Connect", "set_secret", icon="link", tone="primary", proof=True, text=CONNECT_TEXT,
            shown=oauth.needs_person,
        ),
        Deed("test", "Test", "set_secret", icon="network_check", asks=False, shown=_is_set, proof=True),
        Deed(
            "activate", "Put to use", "set_secret", icon="published_with_changes", tone="primary", proof=True,
            text=ACTIVATE_TEXT, form_class=OverlapForm, shown=_is_staged,
        ),
        Deed("rotate", "Rotate", "set_secret", icon="autorenew", proof=True, text=ROTATE_TEXT, shown=_is_set),
        Deed(
            "set_values", "Set values", "set_secret", icon="key", proof=True, text=SET_TEXT,
            warning=lambda row: SET_WARNING if row.fields else "",
        ),
        Deed(
            "discard", "Discard staged", "set_secret", icon="delete", text="The staged values are removed.",
            shown=_is_staged, proof=True,
        ),
        Deed(
            "go_back", "Go back", "set_secret", icon="undo", proof=True, form_class=ReasonForm, shown=_is_retiring,
            text="The values before are used again; those in use now stay for a day.",
        ),
        Deed(
            "revoke", "Revoke the values before", "set_secret", icon="key_off", proof=True,
            text=REVOKE_TEXT, form_class=ReasonForm, shown=_is_retiring,
        ),
        GIVE,
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(description="Credential", ordering="title")
    def label(self, row: Credential) -> str:
        """Its title."""
        return str(row)

    @display(description="Kind")
    def kind_told(self, row: Credential) -> str:
        """What its values are."""
        return row.get_kind_display()

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
        """Name, kind and addresses are chosen once; later kind and addresses change with the values."""
        return ("title", "expires_at") if obj else ("title", "name", "kind", "origins", "expires_at")

    def deed_form(self, deed: Deed, row: Credential, data: Any) -> forms.Form:
        """Asks for what its kind, or the connections that use it, need."""
        kinds = {"set_values": ValuesForm, "rotate": StageForm}
        if deed.name in kinds:
            return kinds[deed.name](data, credential=row, asked=_asked(row))
        return super().deed_form(deed, row, data)

    # --- deeds ----------------------------------------------------------------------------------------

    def set_values(self, request: HttpRequest, row: Credential, form: ValuesForm) -> str:
        """Seal the given values."""
        origins = form.cleaned_data["origins"] if "origins" in form.changed_data else None
        by = self.person(request)
        credentials.set_values(credential=row, values=form.values, by=by, origins=origins, **form.more)
        return "Set. Test the connections that use it."

    def connect(self, request: HttpRequest, row: Credential, form: Any) -> HttpResponse:
        """Send the person to the provider."""
        frame = {**self.page_context(request, row, "Connect"), **BARE}
        return consents.send(request, row, self.person(request), frame)

    def rotate(self, request: HttpRequest, row: Credential, form: StageForm) -> str:
        """Seal values that wait."""
        by = self.person(request)
        version = credentials.stage(credential=row, values=form.values, by=by, expires_at=form.expires_at)
        return f"Staged as version {version.number}. Test it now; what runs goes on with the values in use."

    def test(self, request: HttpRequest, row: Credential, form: Any) -> HttpResponse | str:
        """Ask a worker to try it over every connection that uses it."""
        connections.request_checks(of=row, by=self.person(request))
        return HttpResponseRedirect(f"{self.address('change', row)}#tests")

    def activate(self, request: HttpRequest, row: Credential, form: OverlapForm) -> str:
        """Use the staged values."""
        reason = form.cleaned_data["reason"]
        credentials.activate(credential=row, by=self.person(request), overlap=form.span, reason=reason)
        return "In use. End the values before at the other system when the overlap is over."

    def discard(self, request: HttpRequest, row: Credential, form: Any) -> str:
        """Remove the staged values."""
        version = credentials.staged(row)
        credentials.revoke(credential=row, number=version.number if version else 0, by=self.person(request))
        return "Removed. The values in use stay."

    def go_back(self, request: HttpRequest, row: Credential, form: ReasonForm) -> str:
        """Use the values before again."""
        credentials.go_back(credential=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "The values before are in use again."

    def revoke(self, request: HttpRequest, row: Credential, form: ReasonForm) -> str:
        """Remove the values before."""
        version = credentials.retiring(row)
        reason = form.cleaned_data["reason"]
        credentials.revoke(
            credential=row, number=version.number if version else 0, by=self.person(request), reason=reason
        )
        return "Removed. End them at the other system too."

    # --- pages ----------------------------------------------------------------------------------------

    def page(self, request: HttpRequest, row: Credential) -> dict[str, Any]:
        """What is known of it, and what breaks with it."""
        at = now()
        versions = CredentialVersion.objects.filter(credential=row).select_related("made_by")[:VERSIONS_SHOWN]
        warned = credentials.warned(row, at)
        return {
            "impact": credentials.impact_of(row, request.user),
            "uses": [(use, wording.ago(use.last_at, at)) for use in credentials.last_uses(row)],
            "versions": [(version, TONES[CredentialState(version.state)]) for version in versions],
            "staged": credentials.staged(row),
            "tests": _tests(request, row),
            "set_ago": wording.ago(row.set_at, at),
            "used_ago": wording.ago(row.last_used_at, at),
            "warned": warned,
            "is_expired": bool(warned and not warned.level),
            "expires_in": wording.ahead(row.expires_at, at),
            "token": consents.token_told(row),
            "missing": sorted(_needed(row) - set(row.fields)),
            "details": list(row.details.items()),
            **self.holders(request, row),
        }


def banner(request: HttpRequest) -> dict[str, Any]:
    """For every page of the desk: that this process could open every secret, which only workers should."""
    is_asked = bool(getattr(request, "user", None)) and request.user.is_authenticated
    return {
        "hub_opens_secrets": is_asked and credentials.may_open(CredentialKind.OTHER),
        "hub_is_demo": settings.HUB_ENVIRONMENT == "demo",
    }


def ending(request: HttpRequest) -> list[Warned]:
    """The credentials whose end people are to be warned of, of those that this person may see."""
    at = now()
    near = access.visible(request.user, "view", Credential).filter(expires_at__lte=credentials.horizon(at))
    return credentials.ending(near.exclude(fields=[])[:20], at)


def _tests(request: HttpRequest, row: Credential) -> list[tuple[Connection, ConnectionCheck | None, str]]:
    """For each connection that uses it the newest test of the staged values, or else of those in use."""
    version = credentials.staged(row)
    found = []
    for connection in access.visible(request.user, "view", Connection).filter(credential=row):
        checks = ConnectionCheck.objects.filter(connection=connection, number=version.number if version else None)
        check = checks.first()
        tone = {"": "idle", CheckState.ASKED: "live", CheckState.REACHABLE: "ok"}.get(
            check.state if check else "", "bad"
        )
        found.append((connection, check, tone))
    return found


def _needed(row: Credential) -> set[str]:
    """The names of the values without which it, or a connection using it, cannot work."""
    asked = {name for name, value in _asked(row).items() if value.is_required}
    if not credentials.kind_of(row.kind).is_open:
        return asked
    kinds = Connection.objects.filter(credential=row).values_list("connector", flat=True).distinct()
    return asked & {one.name for kind in kinds for one in _fields(kind) if one.required}


def _fields(kind: str) -> Sequence[ConfigField]:
    """What a connector asks for; nothing where it cannot be loaded, which its connections' pages say."""
    try:
        return registry.get(kind).fields
    except Exception:  # noqa: BLE001  a plugin may fail in any way
        return ()


def _asked(row: Credential) -> dict[str, Value]:
    """Each value that it holds or that a connection using it asks for, by name."""
    own = credentials.kind_of(row.kind)
    found = {name: Value(name, name, is_required=False) for name in row.fields}
    for kind in Connection.objects.filter(credential=row).values_list("connector", flat=True).distinct():
        found |= {one.name: Value(one.name, one.label, one.help) for one in _fields(kind) if one.is_secret}
    return found if own.is_open else {value.name: value for value in own.values if value.is_required}
