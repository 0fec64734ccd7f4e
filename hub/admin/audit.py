"""The audit trail: who did or decided what, to what, when and why. Read only, append only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from hub.admin.base import FactAdmin
from hub.admin.keyset import KeysetMixin, badge, moment
from hub.models import AuditEvent, AuditOutcome, User
from hub.services import access, audit
from hub.services.story import audit as audit_story

MOST_PEOPLE = 500


class ActionFilter(DropdownFilter):
    """By what was done."""

    title = "what was done"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind of event there is."""
        return [(name, f"{verb} {_sort(name)}") for name, verb in audit.ACTIONS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Events of this kind, also those written when it was called otherwise."""
        value = self.value()
        if not value:
            return queryset
        before = audit.former(value)
        wanted = Q(action=value) | (Q(action=before[0], subject=before[1]) if before else Q())
        return queryset.filter(wanted)


class SubjectFilter(DropdownFilter):
    """By the kind of thing it was done to."""

    title = "kind of thing"
    parameter_name = "subject"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind of thing there is."""
        return list(audit.SUBJECTS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Events of such things."""
        return queryset.filter(subject=self.value()) if self.value() else queryset


class ActorFilter(DropdownFilter):
    """By who did it."""

    title = "person"
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The people in sight, and the hub itself."""
        people = access.visible(request.user, "view", User).order_by("username")[:MOST_PEOPLE]
        return [("hub", "the hub"), *((str(person.pk), str(person)) for person in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What this person did."""
        value = self.value() or ""
        if value == "hub":
            return queryset.filter(actor=None)
        return queryset.filter(actor=int(value)) if value.isdecimal() else queryset


@admin.register(AuditEvent)
class AuditAdmin(KeysetMixin, FactAdmin[AuditEvent]):
    """Events, newest first."""

    list_display = ("when", "who", "done", "outcome_told", "why", "source")
    list_display_links = ("when",)
    list_filter = (ActorFilter, ActionFilter, SubjectFilter, "outcome")
    page_template = "admin/hub/auditevent/page.html"

    def page(self, request: HttpRequest, row: AuditEvent) -> dict[str, Any]:
        """Who, what, to what, when, why, and what it changed."""
        told = audit_story.tell(row)
        return {
            "title": f"{row.actor_name} {told.verb} {row.subject_name or told.kind}",
            "told": told,
            "how": audit_story.how(row),
            "subject_url": _subject_url(row),
        }

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


def _sort(name: str) -> str:
    noun = name.partition(".")[0]
    return audit.SUBJECTS.get(noun, noun)


def _subject_url(event: AuditEvent) -> str:
    """The page of what it was done to, if such things have pages."""
    app = "auth" if event.subject == "group" else "hub"
    try:
        return reverse(f"admin:{app}_{event.subject}_change", args=[event.subject_id]) if event.subject_id else ""
    except NoReverseMatch:
        return ""
