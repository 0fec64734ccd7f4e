"""The audit trail: who did or decided what, to what, when and why. Read only, append only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.decorators import display

from hub.admin import trail
from hub.admin.audit import narrow, rights, timeline
from hub.admin.audit.evidence import EvidenceList, subject_url
from hub.admin.base import FactAdmin
from hub.admin.keyset import badge, moment
from hub.models import AuditEvent, AuditOutcome
from hub.services import audit
from hub.services.story import audit as audit_story


@admin.register(AuditEvent)
class AuditAdmin(EvidenceList, FactAdmin[AuditEvent]):
    """Events, newest first."""

    list_display = ("when", "who", "done", "outcome_told", "why", "source")
    list_display_links = ("when",)
    list_filter = (
        narrow.WhoFilter, narrow.FamilyFilter, narrow.ActionFilter, narrow.OutcomeFilter, narrow.SubjectFilter,
        narrow.ObjectFilter, narrow.SpanFilter, narrow.RunFilter, narrow.RequestFilter,
    )  # fmt: skip
    kind = "event"
    page_template = "admin/hub/auditevent/page.html"

    def page(self, request: HttpRequest, row: AuditEvent) -> dict[str, Any]:
        """Who, what, to what, when, why, and what it changed."""
        audit.viewed(actor=self.person(request), page="event")
        told = audit_story.tell(row)
        return {
            "title": f"{row.actor_name} {told.verb} {row.subject_name or told.kind}",
            "told": told,
            "how": audit_story.how(row),
            "subject_url": subject_url(row),
            "timeline_url": trail.address(row.subject, row.subject_id),
        }

    def get_urls(self) -> list[URLPattern]:
        """The timeline of an object, and rights as of a moment."""
        wrap = self.admin_site.admin_view
        return [
            path("timeline/", wrap(require_safe(timeline.view)), name="hub_auditevent_timeline"),
            path("rights/", wrap(require_safe(rights.view)), name="hub_auditevent_rights"),
            *super().get_urls(),
        ]

    @display(description="when")
    def when(self, event: AuditEvent) -> SafeString:
        """The moment."""
        return moment(event.at)

    @display(description="why")
    def why(self, event: AuditEvent) -> SafeString:
        """The reason given."""
        return format_html('<span class="st-told">{}</span>', event.reason or "—")

    @display(description="who")
    def who(self, event: AuditEvent) -> str:
        """The person, kept when the person is gone."""
        return event.actor_name

    @display(description="outcome")
    def outcome_told(self, event: AuditEvent) -> SafeString:
        """Whether it was done."""
        return badge(event.get_outcome_display(), "ok" if event.outcome == AuditOutcome.DONE else "bad")

    @display(description="from")
    def source(self, event: AuditEvent) -> str:
        """Where it came from, and on whose behalf."""
        return event.on_behalf or event.address or event.method or "—"

    @display(description="what")
    def done(self, event: AuditEvent) -> SafeString:
        """What was done, to what."""
        kind = audit_story.kind(event)
        return format_html(
            '<span class="st-title"><span>{} <b>{}</b></span> <span>{}</span></span>',
            audit_story.verb(event), event.subject_name or kind, kind,
        )  # fmt: skip
