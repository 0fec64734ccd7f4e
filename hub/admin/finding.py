"""Findings of a review after a restored backup: every record that differs, for whoever has to let writes go on."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.decorators import display

from hub.admin.base import FactAdmin
from hub.admin.keyset import Chip, Chips, KeysetMixin, badge
from hub.admin.recovery import KINDS
from hub.models import Finding, FindingKind, Link
from hub.services import access, payload
from hub.services.story.difference import beside

TONES: dict[str, str] = {FindingKind.RELINKED: "ok", FindingKind.NEW: "idle", FindingKind.UNKNOWN: "warn"}
MEANINGS = {kind: told for kind, _, told in KINDS}
HEADINGS = ("at the destination then", "the source wants")


@admin.register(Finding)
class FindingAdmin(KeysetMixin, FactAdmin[Finding]):
    """Reached from the guide, narrowed to one review; `state` in the address is the kind."""

    list_display = ("source_key", "kind_word", "pair", "differing", "place")
    list_display_links = ("source_key",)
    list_select_related = ("review__mapping",)
    chips = Chips(
        "kind",
        (Chip("all", "All"), *(Chip(kind.value, kind.label.capitalize(), (kind.value,)) for kind in FindingKind)),
        title="Kind",
    )
    pins = {"review": "review_id"}
    page_template = "admin/hub/finding/page.html"

    def page(self, request: HttpRequest, row: Finding) -> dict[str, Any]:
        """Both values of each field that differs, and the way to the pair."""
        links = access.visible(request.user, "view", Link)
        lens = payload.lens_for(request.user, row.review.mapping)
        payload.seen(by=self.person(request), row=row, right=lens.right)
        return {
            "title": row.source_key,
            "tone": TONES.get(row.kind, "bad"),
            "means": MEANINGS[row.kind],
            "link": links.filter(pk=row.link_id).first() if row.link_id else None,
            "headings": HEADINGS,
            "hidden": lens.notice,
            "rows": beside(row.present, row.wanted, hides=lens.mapped) if row.present or row.wanted else [],
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        rows: QuerySet[Finding] = super().get_queryset(request)
        return rows.select_related("review__mapping", "review__recovery")

    @display(description="kind")
    def kind_word(self, row: Finding) -> SafeString:
        """The kind in words."""
        return badge(row.get_kind_display(), TONES.get(row.kind, "bad"))

    @display(description="link")
    def pair(self, row: Finding) -> SafeString | str:
        """The record there, with the way to the page of the pair."""
        if row.link_id is None:
            return row.destination_key or "—"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:hub_link_change", args=[row.link_id]), row.destination_key
        )

    @display(description="fields that differ")
    def differing(self, row: Finding) -> SafeString:
        """Their names; the values stand on the page of the finding."""
        names = ", ".join(sorted({**(row.wanted or {}), **(row.present or {})}))
        return format_html('<span class="st-told">{}</span>', Truncator(names).chars(120) or "—")

    @display(description="mapping")
    def place(self, row: Finding) -> str:
        """The mapping that was read."""
        return str(row.review.mapping)
