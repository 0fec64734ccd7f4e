"""Lanes and checkpoints: who holds which lane, and how far each source has been read. Read only, for operators."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from hub import clock
from hub.admin.base import FactAdmin
from hub.admin.keyset import badge
from hub.models import Checkpoint, Lane


@admin.register(Lane)
class LaneAdmin(FactAdmin[Lane]):
    """The slices of key space that workers hold."""

    list_display = ("name", "standing", "owner", "epoch", "lease_until", "rung_at")
    list_select_related = ("mapping__integration",)
    page_fields = ("mapping", "slice", "slices", "owner", "epoch", "lease_until", "rung_at")
    ordering = ("mapping__integration__title", "mapping__position", "slice")

    @display(description="lane")
    def name(self, lane: Lane) -> str:
        """Integration, mapping and slice."""
        return f"{lane.mapping.integration} / {lane.mapping}, {lane.slice + 1} of {lane.slices}"

    @display(description="held")
    def standing(self, lane: Lane) -> SafeString:
        """Whether a worker holds it now; a lapsed lease means that its worker died or is cut off."""
        if lane.lease_until is None:
            return badge("free", "idle")
        return badge("held", "live") if lane.lease_until > clock.now() else badge("lapsed", "warn")


@admin.register(Checkpoint)
class CheckpointAdmin(FactAdmin[Checkpoint]):
    """Where the next incremental read of each mapping begins."""

    list_display = ("name", "cursor", "updated_at", "complete_at")
    list_select_related = ("mapping__integration",)
    page_fields = ("mapping", "cursor", "updated_at", "complete_at")
    ordering = ("mapping__integration__title", "mapping__position")

    @display(description="mapping")
    def name(self, checkpoint: Checkpoint) -> str:
        """Integration and mapping."""
        return f"{checkpoint.mapping.integration} / {checkpoint.mapping}"
