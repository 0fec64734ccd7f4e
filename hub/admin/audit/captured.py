"""Captured rows: what the database itself saw of every write to what is governed, also of those past the hub."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from hub.admin import trail
from hub.admin.audit import narrow, timeline
from hub.admin.audit.evidence import EvidenceList
from hub.admin.base import FactAdmin
from hub.admin.keyset import badge, moment
from hub.models import CapturedRow
from hub.services import audit
from hub.services.audit.selection import BY_HAND
from hub.services.story.timeline import SIDES, VERBS, changed, tell

MOST_NAMED = 6


@admin.register(CapturedRow)
class CapturedRowAdmin(EvidenceList, FactAdmin[CapturedRow]):
    """Writes, newest first."""

    list_display = ("when", "who", "done", "columns", "source")
    list_display_links = ("when",)
    list_filter = (
        narrow.RowWhoFilter, narrow.TableFilter, narrow.KeyFilter, narrow.SpanFilter, narrow.RowRequestFilter
    )  # fmt: skip
    kind = "row"
    page_template = "admin/hub/capturedrow/page.html"

    def page(self, request: HttpRequest, row: CapturedRow) -> dict[str, Any]:
        """What it said before and after, as far as its columns may be read here."""
        audit.viewed(actor=self.person(request), page="row")
        told = tell([row], timeline.allowed())[0]
        return {
            "title": f"{row.actor_name} {told.verb} {told.what}",
            "told": told,
            "sides": SIDES,
            "timeline_url": trail.address_of_table(row.table_name, row.key),
        }

    @display(description="when")
    def when(self, row: CapturedRow) -> SafeString:
        """The moment by the database's clock."""
        return moment(row.at)

    @display(description="who")
    def who(self, row: CapturedRow) -> SafeString:
        """Who was said to write; a hand at the database stands out."""
        return badge(BY_HAND, "bad") if row.actor_name == BY_HAND else format_html("{}", row.actor_name)

    @display(description="what")
    def done(self, row: CapturedRow) -> SafeString:
        """What was done to which row."""
        return format_html("{} <b>{}</b> {}", VERBS.get(row.operation, row.operation), row.table_name, row.key)

    @display(description="columns")
    def columns(self, row: CapturedRow) -> str:
        """Which columns changed; of a new or deleted row, all of them did."""
        if row.operation != "update":
            return "—"
        names = changed(row)
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return ", ".join(names[:MOST_NAMED]) + more

    @display(description="from")
    def source(self, row: CapturedRow) -> str:
        """By which door it came; past the hub, which user of the database it was."""
        return row.method or row.database_user or "—"
