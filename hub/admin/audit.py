"""The audit trail: who did or decided what, to what, when and why. Read only, append only."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from hub.admin.base import FactAdmin
from hub.admin.keyset import KeysetMixin, begins_with
from hub.models import AuditEvent
from hub.services.story import audit as audit_story


class ActionFilter(DropdownFilter):
    """By what was done."""

    title = "what was done"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(audit_story.ACTIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class SubjectFilter(DropdownFilter):
    """By the kind of thing it was done to."""

    title = "kind of thing"
    parameter_name = "subject"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(audit_story.SUBJECTS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(subject=self.value()) if self.value() else queryset


assert issubclass(DropdownFilter, SimpleListFilter)
