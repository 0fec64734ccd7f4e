"""Lanes and checkpoints: who holds which lane, and how far each source has been read. Read only, for operators."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.decorators import display

from hub import clock
from hub.admin import worker
from hub.admin.base import FactAdmin
from hub.admin.keyset import badge, moment
from hub.models import Checkpoint, Lane
from hub.services import payload
from hub.services.story import lane as lane_story


@admin.register(Lane)
class LaneAdmin(FactAdmin[Lane]):
    """The slices of key space that workers hold."""

    class Media:
        css = {"all": ["hub/run.css"]}

    list_display = ("name", "standing", "owner", "since", "until")
    list_display_links = ("name",)
    list_select_related = ("mapping__integration",)
    page_template = "admin/hub/lane/page.html"
    ordering = ("mapping__integration__title", "mapping__position", "slice")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        rows: QuerySet[Lane] = super().get_queryset(request)
        return rows.select_related("mapping__integration")

    def page(self, request: HttpRequest, row: Lane) -> dict[str, Any]:
        """All lanes of the mapping: who holds them, what waits in them, and what is stuck."""
        return {
            "title": f"{row.mapping}: lane {row.slice + 1}",
            "told": lane_story.tell(row.mapping, clock.now(), payload.lens_for(request.user, row.mapping)),
            "is_beyond": row.slice >= row.mapping.slices,
        }

    def get_urls(self) -> list[URLPattern]:
        """Besides the lanes: the page of the workers that hold them."""
        wrap = self.admin_site.admin_view

        def page(request: HttpRequest) -> HttpResponse:
            return worker.page_view(request, self.admin_site)

        return [
            path("workers/", wrap(require_safe(page)), name="hub_lane_workers"),
            path("workers/live/", wrap(require_safe(worker.live_view)), name="hub_lane_workers_live"),
            *super().get_urls(),
        ]

    @display(description="lane")
    def name(self, lane: Lane) -> str:
        """Integration, mapping and slice."""
        return f"{lane.mapping.integration} / {lane.mapping}, {lane.slice + 1} of {lane.mapping.slices}"

    @display(description="held")
    def standing(self, lane: Lane) -> SafeString:
        """Whether a worker holds it now; a lapsed lease means that its worker died or is cut off."""
        if lane.lease_until is None:
            return badge("free", "idle")
        return badge("held", "live") if lane.lease_until > clock.now() else badge("lapsed", "warn")

    @display(description="since")
    def since(self, lane: Lane) -> SafeString:
        """Since when it is held."""
        return moment(lane.held_since)

    @display(description="lease until")
    def until(self, lane: Lane) -> SafeString:
        """When the lease lapses unless it is prolonged."""
        return moment(lane.lease_until)


@admin.register(Checkpoint)
class CheckpointAdmin(FactAdmin[Checkpoint]):
    """Where the next incremental read of each mapping begins."""

    class Media:
        css = {"all": ["hub/run.css"]}

    list_display = ("name", "cursor", "moved", "complete")
    list_select_related = ("mapping__integration",)
    page_fields = ("mapping", "cursor", "updated_at", "complete_at")
    ordering = ("mapping__integration__title", "mapping__position")

    @display(description="mapping")
    def name(self, checkpoint: Checkpoint) -> str:
        """Integration and mapping."""
        return f"{checkpoint.mapping.integration} / {checkpoint.mapping}"

    @display(description="moved")
    def moved(self, checkpoint: Checkpoint) -> SafeString:
        """When it last moved."""
        return moment(checkpoint.updated_at)

    @display(description="last read to the end")
    def complete(self, checkpoint: Checkpoint) -> SafeString:
        """When a read last reached the end."""
        return moment(checkpoint.complete_at)
