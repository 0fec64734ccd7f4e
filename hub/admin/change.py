"""Changes and attempts: the story of one write, from plan to outcome. Read only."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hub.admin import stuck
from hub.admin.base import FactAdmin
from hub.admin.keyset import Chip, Chips, KeysetMixin, ScopedDropdown, badge, moment
from hub.admin.stuck import StuckPages
from hub.engine.intent import State
from hub.models import Attempt, Change
from hub.services import payload
from hub.services.story import change as change_story
from hub.services.story import exception as exception_story
from hub.services.story.run import GROUPS

OTHERS_SHOWN = 10


def _chips() -> Chips:
    grouped = (
        Chip(name, label[:1].upper() + label[1:], tuple(state.value for state in states))
        for name, (label, states) in GROUPS.items()
    )
    in_doubt = tuple(state.value for state in (State.AMBIGUOUS, State.PROBING, State.PARKED))
    return Chips("state", (Chip("all", "All"), *grouped, Chip("doubt", "In doubt", in_doubt)))


@admin.register(Change)
class ChangeAdmin(StuckPages, KeysetMixin, FactAdmin[Change]):
    """Every operation on a record, planned or written."""

    deeds = stuck.DEEDS

    list_display = ("record", "standing", "mapping", "run_link", "said", "sent")
    list_display_links = ("record",)
    list_select_related = ("mapping",)
    list_filter = (("mapping", ScopedDropdown), ("operation", ChoicesDropdownFilter))
    search_fields = ("source_key",)
    search_help_text = "Source key, from its beginning"
    chips = _chips()
    pins = {"run": "run_id"}
    page_template = "admin/hub/change/page.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Changes of records whose key begins so."""
        return self.by_keys(request, queryset, search_term.strip(), ("source_key",)), False

    def page(self, request: HttpRequest, row: Change) -> dict[str, Any]:
        """The change's life, its two sides and what it touches."""
        lens = payload.lens_for(request.user, row.mapping)
        payload.seen(by=self.person(request), row=row, right=lens.right)
        told = change_story.tell([row], lens)[0]
        return {
            "title": f"{told.verb.capitalize()} {row.source_key}",
            "told": told,
            "life": change_story.life(row, lens),
            "raised": exception_story.with_words(change_story.exceptions_of(row)[:OTHERS_SHOWN], lens),
            "others": change_story.others_of(row, OTHERS_SHOWN, lens),
            "hidden": lens.notice,
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        rows: QuerySet[Change] = super().get_queryset(request)
        return rows.select_related(
            "mapping__integration", "mapping__source", "mapping__destination", "run", "version", "link"
        )

    def prepare(self, request: HttpRequest, rows: Sequence[Change]) -> None:
        """What this person may read of each message."""
        lenses = payload.lenses(request.user, (row.mapping_id for row in rows))
        for row in rows:
            row.said = change_story.said(row, lenses[row.mapping_id])

    @display(description="record")
    def record(self, change: Change) -> SafeString:
        """The operation and the key."""
        return format_html(
            '<span class="st-title"><strong>{}</strong> <span>{}</span></span>',
            change.source_key, change_story.verb(change),
        )  # fmt: skip

    @display(description="state")
    def standing(self, change: Change) -> SafeString:
        """The state in words."""
        return badge(change.standing, change_story.TONES.get(change.state, "idle"))

    @display(description="run")
    def run_link(self, change: Change) -> SafeString:
        """The run, as a link."""
        url = reverse("admin:hub_syncrun_change", args=[change.run_id])
        return format_html('<a class="st-fixed" href="{}">run {}</a>', url, change.run_id)

    @display(description="message")
    def said(self, change: Change) -> SafeString:
        """The beginning of what was said about it."""
        return format_html('<span class="st-told">{}</span>', Truncator(change.said).chars(120) or "—")

    @display(description="sent")
    def sent(self, change: Change) -> SafeString:
        """When it last left."""
        return moment(change.sent_at)


@admin.register(Attempt)
class AttemptAdmin(KeysetMixin, FactAdmin[Attempt]):
    """Requests made for changes. Reached from the change; the list is for operators."""

    list_display = ("when", "change", "number", "purpose", "word", "status", "milliseconds", "code")
    list_display_links = ("when",)
    list_select_related = ("change",)
    pins = {"change": "change_id"}
    page_template = "admin/hub/change/attempt.html"

    def page(self, request: HttpRequest, row: Attempt) -> dict[str, Any]:
        """The attempt in full."""
        lens = payload.lens_for(request.user, row.change.mapping)
        payload.seen(by=self.person(request), row=row, right="" if lens.takes else lens.right)
        return {
            "title": f"Attempt {row.number} of change {row.change_id}",
            "told": change_story.told_in_full(row, lens),
            "hidden": lens.notice,
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        rows: QuerySet[Attempt] = super().get_queryset(request)
        return rows.select_related("change__mapping")

    @display(description="at")
    def when(self, attempt: Attempt) -> SafeString:
        """When it was answered."""
        return moment(attempt.at)

    @display(description="answer")
    def word(self, attempt: Attempt) -> SafeString:
        """The destination's answer in words."""
        word = change_story.ANSWERS.get(attempt.answer, attempt.answer)
        return badge(word, change_story.ANSWER_TONES.get(attempt.answer, "bad"))
