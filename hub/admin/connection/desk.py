"""The pages of connections: list, choice of a kind, form, and a page with tests, streams and what uses it."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe
from unfold.decorators import display

from hub import registry
from hub.admin import wording
from hub.admin.base import Deed, HubAdmin, ReasonForm
from hub.admin.connection.form import ConnectionForm
from hub.admin.deed import BARE
from hub.admin.pause import PauseDeeds, pause_deed, resume_deed
from hub.admin.session import proof
from hub.clock import now
from hub.models import CheckState, Connection, ConnectionCheck, Mapping
from hub.sdk import ConfigError, Connector, CursorKind, HubError
from hub.services import access, errand, pace, pause, setup
from hub.services import connection as connections

CHECKS_SHOWN = 5
PROBE_TEXT = "The hub makes one harmless call now instead of waiting for the next time it would try."
CLOSE_TEXT = (
    "Everything that waits for this system is sent again, one request at a time at first. Do this when you know that "
    "it works, or when it asked for a pause that has been lifted. If it still fails, it is held again at once."
)
PEOPLE_WAIT = 10  # seconds that one call may take while a person looks at the page
TONES = {
    CheckState.ASKED: "live",
    CheckState.REACHABLE: "ok",
    CheckState.UNREACHABLE: "bad",
    CheckState.UNAUTHORISED: "bad",
    CheckState.WRONG: "bad",
    CheckState.BROKEN: "bad",
}
READS = {
    CursorKind.NONE: "read whole every time",
    CursorKind.SEQUENCE: "read by what changed",
    CursorKind.TIMESTAMP: "read by what changed, with overlap",
}


def _is_held(row: Connection) -> bool:
    return pace.hold_of(row, now()) is not None


@admin.register(Connection)
class ConnectionAdmin(PauseDeeds, HubAdmin[Connection]):
    """Connections are set up by who manages them, and tested by who uses them."""

    list_display = ("title", "kind", "standing", "credential", "owner", "name")
    list_display_links = ("title",)
    list_select_related = ("credential", "owner")
    list_filter = ("is_paused",)
    search_fields = ("title", "name")
    search_help_text = "Part of the title or name"
    history_fields = (
        "title", "name", "connector", "config", "credential", "owner", "timeout_seconds", "landing_seconds",
        "max_in_flight", "per_second", "per_minute", "per_day", "burst", "catch_up_rate",
        "is_paused", "paused_reason",
    )  # fmt: skip
    page_template = "admin/hub/connection/page.html"

    deeds = (
        Deed("test", "Test connection", "check", icon="network_check", tone="primary", asks=False),
        Deed("streams", "List streams", "check", icon="table_rows", asks=False),
        Deed("probe", "Probe now", "pace", text=PROBE_TEXT, icon="stethoscope", shown=_is_held),
        Deed(
            "close_breaker", "Close the breaker now", "pace",
            text=CLOSE_TEXT, icon="power", form_class=ReasonForm, shown=_is_held,
        ),
        pause_deed(), resume_deed(),
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(description="Kind")
    def kind(self, row: Connection) -> str:
        """The kind of system."""
        return _label(row.connector)

    @display(description="State", label={"paused": "warning", "in use": "success"})
    def standing(self, row: Connection) -> str:
        """Whether it is paused."""
        return "paused" if row.is_paused else "in use"

    # --- deeds ----------------------------------------------------------------------------------------

    def test(self, request: HttpRequest, row: Connection, form: Any) -> HttpResponse:
        """Ask a worker to test it; the page shows the answer as it comes."""
        connections.request_check(connection=row, by=self.person(request))
        return HttpResponseRedirect(f"{self.address('change', row)}#checks")

    def streams(self, request: HttpRequest, row: Connection, form: Any) -> HttpResponse:
        """Read what the connection offers, now."""
        row.timeout_seconds = min(row.timeout_seconds, PEOPLE_WAIT)
        try:
            context = {"streams": [(stream, READS[stream.capabilities.cursor]) for stream in errand.streams(row)]}
        except HubError as error:
            messages.error(request, f"The streams cannot be listed: {error}")
            return HttpResponseRedirect(self.address("change", row))
        frame = self.page_context(request, row, f"Streams of {row}")
        return TemplateResponse(request, "admin/hub/connection/streams.html", {**frame, **BARE, **context})

    def probe(self, request: HttpRequest, row: Connection, form: Any) -> str:
        """Let the next worker try it, and send one."""
        pace.probe_now(connection=row, by=self.person(request))
        connections.request_check(connection=row, by=self.person(request))
        return "It is being tried. The tests below show the answer; if it works, what waits goes on by itself."

    def close_breaker(self, request: HttpRequest, row: Connection, form: ReasonForm) -> str:
        """A person knows better than the breaker."""
        pace.close_breaker(connection=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Closed. What waits goes on, one request at a time at first. If it fails again, the breaker opens again."

    # --- form -----------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First the kind of system, then its form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        name = request.GET.get("connector", "")
        if name:
            return self._form(request, Connection(connector=name), f"New connection: {_label(name)}")
        context = {
            **self.admin_site.each_context(request),
            "title": "New connection",
            "has_own_title": True,
            "opts": self.opts,
            "kinds": [found for found in map(_connector, registry.names()) if found],
            "broken": registry.broken(),
        }
        return TemplateResponse(request, "admin/hub/connection/kinds.html", context)

    def edit_form(self, request: HttpRequest, row: Connection) -> HttpResponse:
        """The form of a connection."""
        return self._form(request, row, f"Edit {row}")

    def _form(self, request: HttpRequest, row: Connection, title: str) -> HttpResponse:
        connector = _connector(row.connector)
        if connector is None:
            raise Http404("There is no such kind of system, or it cannot be loaded.")
        if has_secrets := any(asked.is_secret for asked in connector.fields):
            proof.ask(request)
        given = request.POST if request.method == "POST" else None
        form = ConnectionForm(given, connector=connector, connection=row, user=self.person(request))
        if missing := proof.missing(request) if has_secrets and given is not None else "":
            form.add_error(None, missing)
        if form.is_valid() and self._saved(request, form):
            return HttpResponseRedirect(self.address("change", form.connection))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "has_own_title": True,
            "opts": self.opts,
            "original": row if row.pk else None,
            "form": form,
            "connector": connector,
            "page_url": self.address("change", row) if row.pk else self.address("add"),
        }
        return TemplateResponse(request, "admin/hub/connection/form.html", context)

    def _saved(self, request: HttpRequest, form: ConnectionForm) -> bool:
        """Whether it could be saved; otherwise the form says why not."""
        secrets = form.cleaned_data["secrets"]
        try:
            setup.save_connection(connection=form.filled(), secrets=secrets, by=self.person(request))
        except ConfigError as error:
            form.add_error(None, str(error))
            return False
        messages.success(request, "Saved. Test it now to be sure that it works.")
        return True

    # --- pages ----------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """The fresh part of a connection's page."""
        live = path(
            "<int:pk>/live/", self.admin_site.admin_view(require_safe(self.live_view)), name="hub_connection_live"
        )
        return [live, *super().get_urls()]

    def page(self, request: HttpRequest, row: Connection) -> dict[str, Any]:
        """Settings, tests, and what uses it."""
        connector = _connector(row.connector)
        used_by = access.visible(request.user, "view", Mapping).filter(Q(source=row) | Q(destination=row))
        return {
            "kind": _label(row.connector),
            "settings": _settings(row, connector),
            "places": _places(row),
            "used_by": used_by.select_related("integration"),
            "hold": pace.hold_of(row, now()),
            "paces": pace.standings(row, now()),
            "set_ago": wording.ago(row.credential.set_at, now()) if row.credential and row.credential.set_at else "",
            "standstill": pause.sentence(row) if row.is_paused else "",
            "waits": pause.forecast(row).told() if row.is_paused else "",
            **self._checks(row),
        }

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tests, for the page that waits for one."""
        row = self.get_object(request, str(pk))
        context = self._checks(row)
        answer = TemplateResponse(request, "admin/hub/connection/checks.html", context)
        if not context["is_asked"]:
            answer.headers["X-Refresh"] = "stop"
        return answer

    def _checks(self, row: Connection) -> dict[str, Any]:
        at = now()
        found = ConnectionCheck.objects.filter(connection=row).select_related("asked_by")[:CHECKS_SHOWN]
        checks = [(check, TONES[CheckState(check.state)], wording.ago(check.asked_at, at)) for check in found]
        return {
            "checks": checks,
            "is_asked": any(check.state == CheckState.ASKED for check, _, _ in checks[:1]),
            "live_url": reverse("admin:hub_connection_live", args=[row.pk]),
        }


def _connector(name: str) -> Connector | None:
    """The connector of this name, or None when there is none or it cannot be loaded."""
    try:
        return registry.get(name)
    except Exception:  # noqa: BLE001  a plugin may fail in any way; `registry.broken` says how
        return None


def _label(name: str) -> str:
    connector = _connector(name)
    return connector.label if connector else name


def _settings(row: Connection, connector: Connector | None) -> list[tuple[str, Any, int]]:
    """(label, value, how many entries a structured one has) of each setting. Secrets are not among them."""
    labels = {asked.name: asked.label for asked in connector.fields} if connector else {}
    return [(labels.get(name, name), *_told(value)) for name, value in row.config.items()]


def _told(value: Any) -> tuple[Any, int]:
    return (
        (json.dumps(value, indent=2, ensure_ascii=False), len(value)) if isinstance(value, dict | list) else (value, 0)
    )


def _places(row: Connection) -> list[str]:
    """Where it leads; empty when its settings are wrong."""
    try:
        return setup.reached(row)
    except ConfigError:
        return []
