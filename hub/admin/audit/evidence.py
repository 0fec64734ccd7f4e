"""What the lists of events and of captured rows share: filters, the way to an export, and that reading is noted."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from hub.admin.keyset import KeysetMixin
from hub.models import AuditEvent
from hub.services import access, audit
from hub.services.audit import selection


class EvidenceList(KeysetMixin):
    """A list of one kind of evidence."""

    kind = ""
    list_before_template = "admin/hub/auditevent/before.html"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the filters offer."""
        return lookup in selection.NAMES[self.kind]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list. That somebody read it is an event as well."""
        if self.has_view_permission(request):  # type: ignore[attr-defined]
            audit.viewed(actor=self.person(request), page=f"list of {self.kind}s")  # type: ignore[attr-defined]
        model = self.model  # type: ignore[attr-defined]
        may_export = access.can(request.user, "export", model).allowed
        asked = request.GET.copy()
        asked.pop("p", None)
        asked["what"] = self.kind
        context = {
            **(extra_context or {}),
            "export_url": f"{reverse('admin:hub_export_ask')}?{asked.urlencode()}" if may_export else "",
        }
        shown: HttpResponse = super().changelist_view(request, context)  # type: ignore[misc]
        return shown


def subject_url(event: AuditEvent) -> str:
    """The page of what it was done to, if such things have pages."""
    app = "auth" if event.subject == "group" else "hub"
    try:
        return reverse(f"admin:{app}_{event.subject}_change", args=[event.subject_id]) if event.subject_id else ""
    except NoReverseMatch:
        return ""
