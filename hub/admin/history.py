"""The history page of what people set up: who changed which field from what to what, when and why. Read only."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import unquote
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from hub.admin.deed import BARE

SHOWN = 100
SAFE = ("GET", "HEAD")
KINDS = {"+": "created", "~": "changed", "-": "deleted"}

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Host = ModelAdmin[Any]
else:

    class _Host:
        """At run time the admin class brings Django's part."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that changed."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a row."""

    at: datetime
    who: str
    kind: str
    reason: str
    differences: list[Difference]


class HistoryPage(_Host):
    """The history page of an admin class. Only `history_fields` are ever shown; without them there is no page."""

    history_fields: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def page_context(self, request: HttpRequest, row: Any, title: str = "") -> dict[str, Any]: ...

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The newest hundred changes of a row; nothing can be sent to it."""
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        row = self.get_object(request, unquote(object_id))
        if not self.history_fields or row is None:
            raise Http404("This has no history page.")
        context = {**self.page_context(request, row, f"History of {row}"), **BARE, "entries": self._entries(row)}
        return TemplateResponse(request, "admin/hub/history.html", {**context, **(extra_context or {})})

    def _entries(self, row: Any) -> list[Entry]:
        """What each stored state changed against the one before it."""
        states = list(row.history.select_related("history_user").order_by("-history_id")[: SHOWN + 1])
        older = [*states[1:], None]
        return [self._entry(state, before) for state, before in zip(states, older, strict=True)][:SHOWN]

    def _entry(self, state: Any, before: Any) -> Entry:
        return Entry(
            at=state.history_date,
            who=str(state.history_user or "the hub"),
            kind=KINDS[state.history_type],
            reason=state.history_change_reason or "",
            differences=[] if before is None else self._differences(state, before),
        )

    def _differences(self, state: Any, before: Any) -> list[Difference]:
        fields: list[Any] = [self.opts.get_field(name) for name in self.history_fields]
        return [
            Difference(str(field.verbose_name), _shown(before, field), _shown(state, field))
            for field in fields
            if getattr(before, field.attname) != getattr(state, field.attname)
        ]


def _shown(state: Any, field: Any) -> str:
    """The value of a field in words; of a relation that is gone, its number."""
    value = getattr(state, field.attname)
    if value is None or value == "":
        return "—"
    if isinstance(field, models.ForeignKey):
        found = field.remote_field.model._default_manager.filter(pk=value).first()
        return str(found or f"number {value}")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    shown = getattr(state, f"get_{field.name}_display", None)
    return str(shown() if shown else value)
