"""Integrations: an overview first, then the mappings in order, the last runs, and what can be done."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from hub.admin import home, wording
from hub.admin import schedule as slots
from hub.admin.balance import segments
from hub.admin.base import Deed
from hub.admin.grant import GIVE, AccessDeeds
from hub.admin.pause import PauseDeeds, pause_deed, resume_deed
from hub.clock import now
from hub.engine import schedule
from hub.models import Integration, Semantics, SyncRun, Trigger
from hub.sdk import ConfigError
from hub.services import access, pause
from hub.services import integration as integrations
from hub.services import run as runs

RUNS_SHOWN = 10
SCHEDULES = ("every 15 minutes", "every 1 hour", "0 6 * * *", "0 6 * * 1-5", "30 22 * * *", "0 7 1 * *")


TOLD_AGAIN = (
    "Careful with “Everything” where every step counts: a source that keeps its steps tells all of them again. Those "
    "of the past are left out where versions at the source are rising numbers, and each record is only brought to its "
    "last step; elsewhere they are written again, one after the other."
)


class RunForm(forms.Form):
    """How much to read."""

    how = forms.ChoiceField(
        label="How much",
        initial="changes",
        choices=[
            ("changes", "What changed since the last run"),
            ("full", "Everything, also to find what was deleted"),
        ],
        widget=forms.RadioSelect,
    )

    @property
    def is_full(self) -> bool:
        """Whether everything is to be read."""
        return bool(self.cleaned_data["how"] == "full")


class IntegrationForm(forms.ModelForm[Integration]):
    """What an integration is, who answers for it, and when it runs."""

    class Meta:
        model = Integration
        fields = (
            "title", "name", "purpose", "owner", "deputy", "criticality", "schedule", "time_zone",
            "missed_slots", "grace_minutes", "fresh_minutes",
        )  # fmt: skip
        widgets = {
            "purpose": UnfoldAdminTextareaWidget({"rows": 3}),
            "schedule": UnfoldAdminTextInputWidget({"list": "hub-schedules", "placeholder": "0 6 * * 1-5"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone) for zone in sorted(available_timezones())]
        self.fields["time_zone"].widget = UnfoldAdminSelectWidget(choices=zones)

    def clean(self) -> dict[str, Any]:
        """Owner and deputy are two people, and the schedule can be read."""
        given = super().clean() or {}
        if given.get("owner") and given.get("owner") == given.get("deputy"):
            self.add_error("deputy", "The deputy must be somebody else than the owner.")
        try:
            schedule.next_after(given.get("schedule", ""), given.get("time_zone", "UTC"), now())
        except ConfigError as error:
            self.add_error("schedule", str(error))
        return given


def _warning(integration: Integration) -> str:
    return TOLD_AGAIN if integration.mappings.filter(semantics=Semantics.TRANSITION).exists() else ""


@admin.register(Integration)
class IntegrationAdmin(PauseDeeds, AccessDeeds[Integration]):
    """Integrations are set up by those who may, and run, previewed and paused by their owners."""

    list_display = ("title", "standing", "owner", "deputy", "criticality", "runs_when")
    list_display_links = ("title",)
    list_select_related = ("owner", "deputy")
    list_filter = ("criticality", "is_paused")
    sortable_by = ("title", "criticality")
    search_fields = ("title", "name")
    search_help_text = "Part of the title or name"

    form = IntegrationForm
    fieldsets = (
        (None, {"fields": ("title", "name", "purpose")}),
        ("Who answers for it", {"fields": (("owner", "deputy"), "criticality")}),
        ("When it runs", {"fields": (("schedule", "time_zone"), ("missed_slots", "grace_minutes"), "fresh_minutes")}),
    )
    change_form_after_template = "admin/hub/integration/schedules.html"
    history_fields = (*IntegrationForm.Meta.fields, "is_paused", "paused_reason")
    page_template = "admin/hub/integration/page.html"

    deeds = (
        Deed(
            "run_now", "Run now", "run", icon="play_arrow", tone="primary", form_class=RunForm, warning=_warning,
            text="Every mapping runs once, in order. Records that are already right are not written again.",
            shown=lambda row: not row.is_paused,
        ),
        Deed(
            "preview", "Preview", "preview", icon="visibility", form_class=RunForm,
            text="Reads, maps and compares as a run does, and stops before anything is written.",
            shown=lambda row: not row.is_paused,
        ),
        pause_deed(),
        resume_deed(),
        GIVE,
    )  # fmt: skip

    # --- displays -------------------------------------------------------------------------------------

    @display(description="State", label={"paused": "warning", "scheduled": "success", "by hand": "info"})
    def standing(self, row: Integration) -> str:
        """Whether it is paused, runs by itself, or by hand."""
        return "paused" if row.is_paused else "scheduled" if row.schedule else "by hand"

    @display(description="Runs")
    def runs_when(self, row: Integration) -> str:
        """The schedule in words."""
        return wording.schedule_words(row.schedule, row.time_zone)

    # --- form -----------------------------------------------------------------------------------------

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whoever adds it is proposed as its owner."""
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """A new schedule is planned anew by the scheduler."""
        if {"schedule", "time_zone"} & set(form.changed_data):
            obj.next_run_at = None
        super().save_model(request, obj, form, change)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().render_change_form(request, context | {"schedules": SCHEDULES}, *args, **kwargs)
        return answer

    # --- deeds ----------------------------------------------------------------------------------------

    def run_now(self, request: HttpRequest, row: Integration, form: RunForm) -> str:
        """Ask for a run of each mapping."""
        made = runs.request_integration(
            integration=row, trigger=Trigger.PERSON, by=self.person(request), full=form.is_full
        )
        return f"{_asked(made)} You can watch here; it goes on when you leave."

    def preview(self, request: HttpRequest, row: Integration, form: RunForm) -> HttpResponse:
        """Ask for a preview of each mapping and go to the first."""
        made = runs.request_integration(
            integration=row, trigger=Trigger.PERSON, by=self.person(request), preview=True, full=form.is_full
        )
        messages.success(request, f"{_asked(made)} Nothing will be written.")
        return HttpResponseRedirect(reverse("admin:hub_syncrun_change", args=[made[0].pk]))

    # --- pages ----------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """The fresh parts of the home page and of an integration's page."""
        wrap = self.admin_site.admin_view
        return [
            path("cards/", wrap(require_safe(home.cards_view)), name="hub_integration_cards"),
            path("slots/", wrap(require_safe(slots.preview_view)), name="hub_integration_slots"),
            path("<int:pk>/live/", wrap(require_safe(self.live_view)), name="hub_integration_live"),
            *super().get_urls(),
        ]

    def page(self, request: HttpRequest, row: Integration) -> dict[str, Any]:
        """What keeps itself fresh, and who has access."""
        return {**self._overview(request, row), **self.holders(request, row)}

    def _overview(self, request: HttpRequest, row: Integration) -> dict[str, Any]:
        """The overview, the mappings and the last runs."""
        card = integrations.card(row, self.person(request))
        return {
            "tile": home.tile(card, may_run=False),
            "stands": [(stand, segments(stand.latest.balance) if stand.latest else []) for stand in card.stands],
            "runs": SyncRun.objects.filter(integration=row).select_related("mapping", "requested_by")[:RUNS_SHOWN],
            "schedule_words": wording.schedule_words(row.schedule, row.time_zone),
            "next_times": wording.next_times(row.schedule, row.time_zone, card.at),
            "fresh_within": wording.minutes(row.fresh_minutes),
            "may_add_mapping": access.can(request.user, "change", row).allowed,
            "live_url": reverse("admin:hub_integration_live", args=[row.pk]),
            "exceptions_cap": integrations.EXCEPTIONS_COUNTED,
            **slots.picture(row, card.at),
            "waits": pause.forecast(row).told() if row.is_paused else "",
        }

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Only what changes, for the page that keeps itself fresh."""
        row = self.get_object(request, str(pk))
        return TemplateResponse(
            request, "admin/hub/integration/live.html", {"row": row, **self._overview(request, row)}
        )


def _asked(made: list[SyncRun]) -> str:
    return "One run was asked for." if len(made) == 1 else f"{len(made)} runs were asked for, one after the other."
