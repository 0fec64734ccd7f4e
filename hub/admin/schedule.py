"""Slots: the picture of a schedule on its integration's page, the preview while it is edited, and the list."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from hub.admin import wording
from hub.admin.base import FactAdmin
from hub.admin.keyset import Chip, Chips, KeysetMixin, ScopedDropdown, badge, moment
from hub.clock import now
from hub.engine import schedule
from hub.models import Integration, Slot, SlotState
from hub.sdk import ConfigError
from hub.services.story import schedule as story

DAYS = 14
LATELY = 6
UPCOMING = 5
TONES: dict[str, str] = {state.value: tone for state, tone in story.TONES}


def picture(row: Integration, at: datetime) -> dict[str, Any]:
    """What the page of an integration shows of its schedule."""
    if not row.schedule:
        return {}
    return {
        "slot_days": story.days(row, at, DAYS),
        "slots": [(slot, TONES[slot.state], _local(slot.at, row.time_zone)) for slot in story.lately(row, LATELY)],
        "policy": row.get_missed_slots_display(),
    }


def preview_view(request: HttpRequest) -> HttpResponse:
    """The next times of a schedule that is being written, and what clock changes do to it; asked for as one types."""
    rule, zone = request.GET.get("schedule", "").strip()[:100], request.GET.get("time_zone", "UTC")[:60]
    context: dict[str, Any] = {"rule": rule}
    try:
        found = schedule.upcoming(rule, zone, now(), UPCOMING)
        context |= {
            "words": wording.schedule_words(rule, zone),
            "times": [(_local(at, zone), schedule.clock_change(rule, zone, at)) for at in found],
            "changes": [(_local(at, zone), told) for at, told in schedule.coming_changes(rule, zone, now()) if rule],
        }
    except ConfigError as error:
        context["wrong"] = str(error)
    answer = TemplateResponse(request, "admin/hub/integration/slots_preview.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)) if schedule.is_zone(zone) else at


@admin.register(Slot)
class SlotAdmin(KeysetMixin, FactAdmin[Slot]):
    """Every time of every schedule, and what became of it."""

    list_display = ("time", "standing", "of", "filled_by", "reason")
    list_select_related = ("integration", "run")
    list_filter = (("integration", ScopedDropdown),)
    page_fields = ("integration", "at", "state", "run", "reason", "decided_at")
    chips = Chips(
        "state",
        (
            Chip("all", "All"),
            *(Chip(state.value, state.label.capitalize(), (state.value,)) for state in SlotState),
        ),
    )

    @display(description="time")
    def time(self, slot: Slot) -> SafeString:
        """When it was."""
        return moment(slot.at)

    @display(description="became")
    def standing(self, slot: Slot) -> SafeString:
        """What became of it."""
        return badge(slot.get_state_display(), TONES[slot.state])

    @display(description="integration")
    def of(self, slot: Slot) -> str:
        """Whose schedule it is."""
        return str(slot.integration)

    @display(description="run")
    def filled_by(self, slot: Slot) -> SafeString:
        """The run that filled it or made up for it."""
        return format_html("run {}", slot.run_id) if slot.run_id else SafeString("—")
