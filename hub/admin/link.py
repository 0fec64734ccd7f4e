"""Links and hints: which record here is which record there, and what both sides last agreed on. Read only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from hub.admin.base import FactAdmin
from hub.admin.keyset import Chip, Chips, KeysetMixin, ScopedDropdown, badge, moment, number
from hub.models import Hint, Link, LinkState
from hub.services import payload
from hub.services.story import link as link_story

CHANGES_SHOWN = 15
TONES: dict[str, str] = {LinkState.LINKED: "ok", LinkState.PENDING: "live", LinkState.GONE: "idle"}


@admin.register(Link)
class LinkAdmin(KeysetMixin, FactAdmin[Link]):
    """Pairs of records."""

    list_display = ("source_key", "destination", "standing", "mapping", "ack_seq", "touched")
    list_display_links = ("source_key",)
    list_select_related = ("mapping",)
    list_filter = (("mapping", ScopedDropdown),)
    search_fields = ("source_key",)
    search_help_text = "Source key or destination key, from its beginning"
    chips = Chips(
        "state",
        (
            Chip("all", "All"),
            Chip("linked", "Linked", (LinkState.LINKED.value,)),
            Chip("pending", "Not yet known there", (LinkState.PENDING.value,)),
            Chip("gone", "Deleted or archived", (LinkState.GONE.value,)),
        ),
    )
    page_template = "admin/hub/link/page.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Links one of whose keys begins so."""
        return self.by_keys(request, queryset, search_term.strip(), ("source_key", "destination_key")), False

    def page(self, request: HttpRequest, row: Link) -> dict[str, Any]:
        """Both sides, and what happened to the pair."""
        lens = payload.lens_for(request.user, row.mapping)
        told = link_story.tell(row, CHANGES_SHOWN, lens)
        payload.seen(by=self.person(request), row=row, right=lens.right if told["headings"] else "")
        return {"title": str(row), "hidden": lens.notice, **told}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Link]:
        rows: QuerySet[Link] = super().get_queryset(request)
        return rows.select_related("mapping__integration", "mapping__source", "mapping__destination")

    @display(description="destination key", empty_value="—")
    def destination(self, link: Link) -> str | None:
        """The key there, once it is known."""
        return link.destination_key

    @display(description="updated")
    def touched(self, link: Link) -> SafeString:
        """When the hub last wrote here."""
        return moment(link.updated_at)

    @display(description="state")
    def standing(self, link: Link) -> SafeString:
        """The state in words."""
        return badge(link.get_state_display(), TONES[link.state])


@admin.register(Hint)
class HintAdmin(KeysetMixin, FactAdmin[Hint]):
    """Records that the next run re-reads by key."""

    list_display = ("source_key", "mapping", "reason", "pointed", "asked")
    list_select_related = ("mapping",)
    list_filter = (("mapping", ScopedDropdown),)
    search_fields = ("source_key",)
    search_help_text = "Source key, from its beginning"
    page_fields = ("mapping", "source_key", "reason", "count", "since", "due_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Hints for records whose key begins so."""
        return self.by_keys(request, queryset, search_term.strip(), ("source_key",)), False

    @display(description="times")
    def pointed(self, hint: Hint) -> SafeString:
        """How often the record was pointed at since it was last read."""
        return number(hint.count)

    @display(description="since")
    def asked(self, hint: Hint) -> SafeString:
        """Since when it waits."""
        return moment(hint.since)
