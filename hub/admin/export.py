"""Exports of evidence: asked for with a reason and a fresh proof, written by a worker, fetched, removed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from hub.admin.base import Deed, FactAdmin
from hub.admin.deed import BARE
from hub.admin.keyset import KeysetMixin, badge, moment
from hub.admin.session import proof
from hub.models import AuditEvent, Export, ExportFormat, ExportState
from hub.sdk import HubError
from hub.services import access
from hub.services import export as exports
from hub.services.audit import selection

TONES: dict[str, str] = {
    ExportState.ASKED: "live",
    ExportState.WORKING: "live",
    ExportState.DONE: "ok",
    ExportState.FAILED: "bad",
    ExportState.EXPIRED: "idle",
}
KINDS = {"event": "events", "row": "captured rows"}
TYPES = {ExportFormat.LINES: "application/jsonl", ExportFormat.TABLE: "text/csv; charset=utf-8"}


class AskForm(forms.Form):
    """Which form, and why."""

    format = forms.ChoiceField(
        choices=ExportFormat.choices, widget=UnfoldAdminSelectWidget, label="As",
        help_text="JSON Lines carries seals and a proof of each entry: verifier.py checks it without the hub. "
        "CSV is for people, and proves nothing by itself.",
    )  # fmt: skip
    reason = forms.CharField(
        min_length=exports.LEAST_REASON, max_length=300, widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="For whom, and what it is for. Kept in the audit trail with what you chose.",
    )  # fmt: skip


ASK = Deed("ask", "Export", "export", icon="download", tone="primary", proof=True)


def _has_file(row: Export) -> bool:
    return row.state == ExportState.DONE


def _is_removable(row: Export) -> bool:
    return row.state != ExportState.EXPIRED


@admin.register(Export)
class ExportAdmin(KeysetMixin, FactAdmin[Export]):
    """One's own exports; auditors see everybody's."""

    list_display = ("name", "standing", "asked", "who", "about", "entries")
    list_display_links = ("name",)
    list_select_related = ("asked_by",)
    page_template = "admin/hub/export/page.html"
    deeds = (
        Deed(
            "remove", "Remove the file", "view", icon="delete", tone="danger", shown=_is_removable,
            text="The file goes at once. That it was asked for, and its SHA-256, stay in the audit trail.",
        ),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """Asking for one, the part that moves, and the file."""
        wrap = self.admin_site.admin_view
        return [
            path("ask/", wrap(self.ask_view), name="hub_export_ask"),
            path("<int:pk>/live/", wrap(require_safe(self.live_view)), name="hub_export_live"),
            path("<int:pk>/file/", wrap(require_safe(self.file_view)), name="hub_export_file"),
            *super().get_urls(),
        ]

    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """Say what was chosen on the list, ask as what and why, and have it written."""
        if not access.can(request.user, "export", AuditEvent):
            raise PermissionDenied
        proof.ask(request)
        kind = "row" if request.GET.get("what") == "row" else "event"
        narrowed, mistaken = _narrowed(kind, request)
        form = AskForm(request.POST if request.method == "POST" else None)
        if not mistaken and form.is_bound and form.is_valid():
            made = self._asked(request, form, kind, narrowed)
            if made is not None:
                return HttpResponseRedirect(self.address("change", made))
        context = {
            **self.admin_site.each_context(request), **BARE,
            "title": f"Export {KINDS[kind]}",
            "has_own_title": True,
            "told": f"What is sealed of: {selection.told(kind, narrowed)}. A worker writes the file; it is kept for "
            f"{exports.KEPT.days} days for you and for auditors.",
            "warned": mistaken,
            "deed": ASK,
            "form": form,
            "page_url": reverse(f"admin:hub_{'auditevent' if kind == 'event' else 'capturedrow'}_changelist"),
        }  # fmt: skip
        return TemplateResponse(request, "admin/hub/deed.html", context)

    def _asked(self, request: HttpRequest, form: AskForm, kind: str, narrowed: dict[str, str]) -> Export | None:
        """What was asked for; None when it was refused, with the reason on the form."""
        if missing := proof.missing(request):
            form.add_error(None, missing)
            return None
        try:
            return exports.ask(
                by=self.person(request), kind=kind, narrowed=narrowed,
                form=form.cleaned_data["format"], reason=form.cleaned_data["reason"],
            )  # fmt: skip
        except HubError as error:
            form.add_error(None, str(error))
            return None

    def page(self, request: HttpRequest, row: Export) -> dict[str, Any]:
        """How far it is, what it came to, and where the file is."""
        return {
            "tone": TONES[row.state],
            "about": selection.told(row.kind, row.narrowed),
            "kind": KINDS[row.kind],
            "is_waiting": row.state in exports.WAITING,
            "has_file": _has_file(row),
            "live_url": reverse("admin:hub_export_live", args=[row.pk]),
            "file_url": reverse("admin:hub_export_file", args=[row.pk]),
        }

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Only how far it is, for the page that waits."""
        row = self.get_object(request, str(pk))
        answer = TemplateResponse(request, "admin/hub/export/live.html", {"row": row, **self.page(request, row)})
        if row.state not in exports.WAITING:
            answer.headers["X-Refresh"] = "stop"
        return answer

    def file_view(self, request: HttpRequest, pk: int) -> Any:
        """The file, as a download; asked again who it is."""
        row = self.get_object(request, str(pk))
        if not _has_file(row):
            raise Http404("There is no file.")
        proof.ask(request)
        answer = StreamingHttpResponse(exports.fetch(row, self.person(request)), content_type=TYPES[row.format])  # type: ignore[index]
        answer.headers["Content-Disposition"] = f'attachment; filename="{row}"'
        answer.headers["Content-Length"] = str(row.size)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def remove(self, request: HttpRequest, row: Export, form: Any) -> str:
        """Remove the file."""
        exports.remove(export=row, by=self.person(request))
        return "Removed."

    @display(description="file")
    def name(self, row: Export) -> str:
        """What it is called."""
        return str(row)

    @display(description="state")
    def standing(self, row: Export) -> SafeString:
        """How it stands."""
        return badge(row.get_state_display(), TONES[row.state])

    @display(description="asked")
    def asked(self, row: Export) -> SafeString:
        """When."""
        return moment(row.asked_at)

    @display(description="by")
    def who(self, row: Export) -> str:
        """By whom."""
        return str(row.asked_by or "—")

    @display(description="of")
    def about(self, row: Export) -> str:
        """What was chosen."""
        return f"{KINDS[row.kind]}, {selection.told(row.kind, row.narrowed)}"


def _narrowed(kind: str, request: HttpRequest) -> tuple[dict[str, str], str]:
    """The filters of the list from which one comes, and what is wrong with them."""
    try:
        return selection.clean(kind, request.GET.dict()), ""
    except selection.SelectionError as error:
        return {}, f"{error} Without that filter everything would be exported: go back and correct it."
