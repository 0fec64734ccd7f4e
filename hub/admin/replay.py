"""Replays: which records, seen before it starts, how far it is, what became of them, and how it is stopped."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from hub.admin.base import Deed, HubAdmin, ReasonForm
from hub.admin.keyset import KeysetMixin, badge, moment, number
from hub.models import Change, Replay, ReplayState, SyncRun
from hub.services import access, payload
from hub.services import replay as replays
from hub.services.story import change as change_story

SHOWN = 10
MOST_KEYS = 5000
TONES: dict[str, str] = {
    ReplayState.DRAFT: "idle",
    ReplayState.RUNNING: "live",
    ReplayState.PAUSED: "warn",
    ReplayState.DONE: "ok",
    ReplayState.CANCELLED: "idle",
}
WORDS = {
    "received": "read again", "unchanged": "already right", "created": "created", "updated": "updated",
    "deleted": "deleted or archived", "held": "held", "excluded": "left out", "excepted": "in exception",
    "in_flight": "in flight",
}  # fmt: skip


class ReplayForm(forms.ModelForm[Replay]):
    """Which records, by which version, how fast, and why."""

    states = forms.MultipleChoiceField(
        label="Changes that were",
        required=False,
        choices=[(name, word) for name, (word, _) in replays.KINDS.items()],
        initial=["refused"],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: whatever became of them. Those in doubt stay with the person who answers for them.",
    )
    keys = forms.CharField(
        label="Records",
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="Keys at the source, one a line. Empty: all that fit.",
    )

    class Meta:
        model = Replay
        fields = ("mapping", "states", "code", "keys", "run", "since", "until", "uses", "per_minute", "reason")
        widgets = {"run": forms.NumberInput(attrs={"class": "hub-input"})}

    def clean_keys(self) -> list[str]:
        """One key a line."""
        found = [line.strip() for line in self.cleaned_data["keys"].splitlines() if line.strip()]
        if len(found) > MOST_KEYS:
            raise forms.ValidationError(f"At most {MOST_KEYS:,} records can be named. Use the other conditions.")
        return list(dict.fromkeys(found))

    def clean_per_minute(self) -> int:
        """At least one."""
        found: int = self.cleaned_data["per_minute"]
        if found < 1:
            raise forms.ValidationError("At least one record a minute.")
        return found


@admin.register(Replay)
class ReplayAdmin(KeysetMixin, HubAdmin[Replay]):
    """A replay is prepared with a form, looked at, and then started."""

    list_display = ("title", "standing", "progress", "asked_by", "prepared")
    list_select_related = ("mapping__integration", "requested_by")
    form = ReplayForm
    page_template = "admin/hub/replay/page.html"
    deeds = (
        Deed(
            "preview", "Preview", "change", icon="visibility", asks=False,
            shown=lambda row: row.state == ReplayState.DRAFT and row.total > 0,
        ),
        Deed(
            "start", "Start", "change", icon="play_arrow", tone="primary",
            text=lambda row: f"{row.total:,} records are read again at the source and decided like any others, "
            f"at most {row.per_minute:,} a minute.",
            shown=lambda row: row.state == ReplayState.DRAFT and row.total > 0,
        ),
        Deed(
            "pause", "Pause", "change", icon="pause", form_class=ReasonForm,
            text="No further records are taken; the batch on its way ends.",
            shown=lambda row: row.state == ReplayState.RUNNING,
        ),
        Deed(
            "go_on", "Go on", "change", icon="resume", tone="primary",
            text=lambda row: f"It goes on with the {max(0, row.total - row.taken):,} records that are left.",
            shown=lambda row: row.state == ReplayState.PAUSED,
        ),
        Deed(
            "cancel", "Cancel", "change", icon="stop_circle", tone="danger", form_class=ReasonForm,
            text="No further records are taken, and the batch on its way stops. What was written stays written.",
            shown=lambda row: row.state in (ReplayState.DRAFT, ReplayState.RUNNING, ReplayState.PAUSED),
        ),
    )  # fmt: skip

    # --- displays and form ---------------------------------------------------------------------------------

    @display(description="replay")
    def title(self, row: Replay) -> str:
        """Of what."""
        return f"{row.pk}: {row.mapping.integration} / {row.mapping}"

    @display(description="state")
    def standing(self, row: Replay) -> SafeString:
        """How it stands."""
        return badge(row.get_state_display(), TONES[row.state])

    @display(description="records")
    def progress(self, row: Replay) -> SafeString:
        """How many it is about."""
        return number(row.total)

    @display(description="asked for by")
    def asked_by(self, row: Replay) -> str:
        """Whose it is."""
        return str(row.requested_by or "—")

    @display(description="prepared")
    def prepared(self, row: Replay) -> SafeString:
        """When."""
        return moment(row.created_at)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A run may be named by whoever may see it."""
        if db_field.name == "run":
            kwargs["queryset"] = access.visible(request.user, "view", SyncRun)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A link from a run or mapping fills in what it is about."""
        return {name: request.GET[name] for name in ("mapping", "run", "code") if name in request.GET}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a replay is about does not change once it is prepared; deeds ask for themselves."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Count what fits, and keep it as a draft."""
        if not access.can(request.user, "run", obj.mapping):
            raise PermissionDenied
        replays.draft(replay=obj, by=self.person(request))

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """It is in the audit trail already."""

    # --- deeds ----------------------------------------------------------------------------------------------

    def preview(self, request: HttpRequest, row: Replay, form: Any) -> HttpResponse:
        """Ask for a preview of the first records, and go to it."""
        run = replays.preview(replay=row, by=self.person(request))
        messages.success(request, "The first records are read and compared; nothing will be written.")
        return HttpResponseRedirect(reverse("admin:hub_syncrun_change", args=[run.pk]))

    def start(self, request: HttpRequest, row: Replay, form: Any) -> str:
        """Begin."""
        replays.start(replay=row, by=self.person(request))
        return "Started. It goes on without this page."

    def go_on(self, request: HttpRequest, row: Replay, form: Any) -> str:
        """Go on where it was paused."""
        replays.start(replay=row, by=self.person(request))
        return "It goes on."

    def pause(self, request: HttpRequest, row: Replay, form: Any) -> str:
        """Take no further records for now."""
        replays.pause(replay=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Paused."

    def cancel(self, request: HttpRequest, row: Replay, form: Any) -> str:
        """Take no further records at all."""
        replays.cancel(replay=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Cancelled. What was written stays written."

    # --- pages ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """The part that moves while it goes on."""
        live = self.admin_site.admin_view(require_safe(self.live_view))
        return [path("<int:pk>/live/", live, name="hub_replay_live"), *super().get_urls()]

    def page(self, request: HttpRequest, row: Replay) -> dict[str, Any]:
        """What it is about, how far it is, what became of the records, and its runs."""
        counts = replays.summary(row)
        return {
            "tone": TONES[row.state],
            "words": [word for name, (word, _) in replays.KINDS.items() if name in row.states],
            "percent": min(100, 100 * row.taken // row.total) if row.total else 100,
            "counts": [(counts[name], word) for name, word in WORDS.items() if counts[name] or name == "received"],
            "sample": self._sample(request, row) if row.state == ReplayState.DRAFT else [],
            "runs": row.runs.order_by("-pk")[:SHOWN],
            "is_going": row.state == ReplayState.RUNNING,
            "live_url": reverse("admin:hub_replay_live", args=[row.pk]),
        }

    def _sample(self, request: HttpRequest, row: Replay) -> list[Change]:
        """The first changes it is about, with what this person may read of their messages."""
        return change_story.with_words(replays.chosen(row)[:SHOWN], payload.lens_for(request.user, row.mapping))

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Only what changes."""
        row = self.get_object(request, str(pk))
        answer = TemplateResponse(request, "admin/hub/replay/live.html", {"row": row, **self.page(request, row)})
        if row.state != ReplayState.RUNNING:
            answer.headers["X-Refresh"] = "reload"
        return answer


def address(**given: Any) -> str:
    """The form of a new replay, filled in."""
    return f"{reverse('admin:hub_replay_add')}?{urlencode(given)}"
