"""Pauses: the main switch and all that stands still, the questions asked before, and the banner on every page."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from hub.admin.base import Deed, FactAdmin, ReasonForm
from hub.models import AuditEvent, Connection, Integration, MainSwitch
from hub.services import access, audit
from hub.services import pause as pauses

EVENTS_SHOWN = 10
KINDS: tuple[type[Model], ...] = (MainSwitch, Connection, Integration)


class PauseForm(ReasonForm):
    """Why, and whether reading stops too."""

    what = forms.ChoiceField(
        label="What stops",
        required=False,
        initial="writes",
        choices=[
            ("writes", "Writing: no run writes, previews still read"),
            ("reads", "Writing and reading, for example because the other system is under maintenance"),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("what", "reason")

    @property
    def reads_too(self) -> bool:
        """Whether nothing is read either."""
        return bool(self.cleaned_data["what"] == "reads")


def resume_text(row: Any) -> str:
    """What resuming will set going, counted now."""
    return f"When you resume: {pauses.forecast(row).told()}"


PAUSE_TEXT = (
    "New writes stop in every worker within five seconds; a request that has left is not interrupted. Runs on their "
    "way keep their place and go on when this is resumed. Times of the schedule that pass meanwhile are remembered."
)


def pause_deed(warning: str = "") -> Deed:
    """The button that pauses a row."""
    return Deed(
        "pause", "Pause", "pause", icon="pause", form_class=PauseForm, text=PAUSE_TEXT, warning=warning,
        shown=lambda row: not row.is_paused,
    )  # fmt: skip


def resume_deed() -> Deed:
    """The button that lets a row go on, after saying what will happen."""
    return Deed(
        "resume", "Resume", "pause", icon="resume", tone="primary", text=resume_text, shown=lambda row: row.is_paused
    )


class PauseDeeds:
    """The two deeds, for the admin class of whatever can be paused."""

    def pause(self, request: HttpRequest, row: Any, form: PauseForm) -> str:
        """Pause with a reason."""
        by = self.person(request)  # type: ignore[attr-defined]
        pauses.pause(row=row, by=by, reason=form.cleaned_data["reason"], reads_too=form.reads_too)
        return "Paused. Everybody who looks at it sees your reason."

    def resume(self, request: HttpRequest, row: Any, form: Any) -> str:
        """Let it go on."""
        return f"Resumed. {pauses.resume(row=row, by=self.person(request)).told()}"  # type: ignore[attr-defined]


@admin.register(MainSwitch)
class MainSwitchAdmin(PauseDeeds, FactAdmin[MainSwitch]):
    """The switch for everything. Its page also shows what else is paused, and who paused and resumed lately."""

    page_template = "admin/hub/pause/page.html"
    deeds = (
        pause_deed(warning="This pauses everything: every integration, over every connection."),
        resume_deed(),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one switch, so its list is its page."""
        return HttpResponseRedirect(self.address("change", pauses.main_switch()))

    def page(self, request: HttpRequest, row: MainSwitch) -> dict[str, Any]:
        """What is paused now, what waits, and what was paused and resumed lately."""
        paused = [one for one in pauses.everything_paused() if not isinstance(one, MainSwitch)]
        events = access.visible(request.user, "view", AuditEvent).filter(
            action__in=audit.names("pause", "resume"), subject__in=[kind._meta.model_name for kind in KINDS]
        )
        return {
            "title": "Pauses",
            "sentence": pauses.sentence(row),
            "waits": pauses.forecast(row).told() if row.is_paused else "",
            "paused": [
                (one, _address(one), pauses.sentence(one)) for one in paused if access.can(request.user, "view", one)
            ],
            "events": events.order_by("-pk")[:EVENTS_SHOWN],
        }


def banner(request: HttpRequest) -> dict[str, Any]:
    """For every page of the desk: what stops everything, as sentences. Asked only where it is shown."""
    return {"hub_standstill": SimpleLazyObject(lambda: _standstill(request))}


def _standstill(request: HttpRequest) -> str:
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return ""
    if not pauses.stands_still():
        return ""
    switch = MainSwitch.objects.filter(is_paused=True).select_related("paused_by").first()
    return " ".join(filter(None, [pauses.recovering(), pauses.sentence(switch) if switch else ""]))


def _address(row: Model) -> str:
    return reverse(f"admin:hub_{row._meta.model_name}_change", args=[row.pk])
