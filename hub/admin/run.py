"""Runs: what was moved, with counts that add up, live while it goes on, and every change with its two sides."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hub import clock
from hub.admin.balance import segments
from hub.admin.base import Deed, FactAdmin, ReasonForm
from hub.admin.keyset import Chip, Chips, KeysetMixin, ScopedDropdown, badge, moment, number, page_of
from hub.admin.wording import lasting
from hub.models import RunState, SyncRun, Trigger
from hub.services import access, pause, payload
from hub.services import run as runs
from hub.services.run.apply import PREVIEW_ROOM
from hub.services.story import change as change_story
from hub.services.story import run as run_story
from hub.services.story.lens import Lens

EXCEPTIONS_SHOWN = 10
TONES: dict[str, str] = {
    RunState.QUEUED: "live",
    RunState.RUNNING: "live",
    RunState.WAITING: "warn",
    RunState.SUCCEEDED: "ok",
    RunState.PARTIAL: "warn",
    RunState.FAILED: "bad",
    RunState.CANCELLED: "idle",
}
GOING = (RunState.QUEUED.value, RunState.RUNNING.value)
STATES = Chips(
    "state",
    (
        Chip("all", "All"),
        Chip("live", "Going on", GOING),
        Chip("waiting", "Waiting", (RunState.WAITING.value,)),
        Chip("partial", "Partial", (RunState.PARTIAL.value,)),
        Chip("failed", "Failed", (RunState.FAILED.value,)),
        Chip("succeeded", "Succeeded", (RunState.SUCCEEDED.value,)),
        Chip("cancelled", "Cancelled", (RunState.CANCELLED.value,)),
    ),
)


def _standstill(run: SyncRun) -> str:
    """Every pause that keeps this run from going on."""
    is_held = run.is_live and pause.is_paused(run.mapping_id, reading=run.is_preview)
    return pause.reason_for(run.mapping) if is_held else ""


def _has_held(run: SyncRun) -> bool:
    return run.held > 0 and run.state not in GOING and not run.is_preview


def _release_text(run: SyncRun) -> str:
    return (
        f"Held changes that will be sent to the destination as soon as a worker is free: {run.held:,}. "
        "This cannot be taken back from here."
    )


def _discard_text(run: SyncRun) -> str:
    return f"Held changes that will be dropped: {run.held:,}. The next full run finds what still differs."


def _again_text(run: SyncRun) -> str:
    if run.is_preview:
        return "The same mapping is read again and shows what it would write. Nothing is written."
    return "The same mapping runs again with its present version. What is already right is not written again."


@admin.register(SyncRun)
class RunAdmin(KeysetMixin, FactAdmin[SyncRun]):
    """Runs are written by the hub alone; people may cancel, release, discard and run again."""

    list_display = (
        "title", "standing", "came", "written", "raised", "waiting", "started", "lasted", "cause",
    )  # fmt: skip
    list_display_links = ("title",)
    list_select_related = ("integration", "mapping", "requested_by")
    list_filter = (
        ("integration", ScopedDropdown),
        ("mapping", ScopedDropdown),
        ("trigger", ChoicesDropdownFilter),
        "is_preview",
    )
    chips = STATES
    page_template = "admin/hub/syncrun/page.html"
    deeds = (
        Deed(
            "cancel", "Cancel", "cancel", icon="stop_circle", tone="danger", form_class=ReasonForm,
            text="The run stops after the records it is sending now. What was written stays written.",
            shown=lambda run: run.is_live and not run.cancel_asked,
        ),
        Deed(
            "approve_held", "Release held changes", "approve", icon="task_alt", tone="primary",
            form_class=ReasonForm, text=_release_text, shown=_has_held, proof=True,
        ),
        Deed(
            "discard_held", "Discard held changes", "approve", icon="block", tone="danger",
            form_class=ReasonForm, text=_discard_text, shown=_has_held, proof=True,
        ),
        Deed("again", "Run again", "run", icon="replay", text=_again_text, shown=lambda run: not run.is_live),
    )  # fmt: skip

    # --- rights and addresses -----------------------------------------------------------------------------

    def may(self, request: HttpRequest, action: str, row: Any = None) -> bool:
        """To run again is a right on the mapping; everything else is one on the run."""
        if action == "run" and isinstance(row, SyncRun):
            return access.can(request.user, "preview" if row.is_preview else "run", row.mapping).allowed
        return super().may(request, action, row)

    def get_urls(self) -> list[URLPattern]:
        live = self.admin_site.admin_view(require_safe(self.live_view))
        return [path("<int:pk>/live/", live, name="hub_syncrun_live"), *super().get_urls()]

    # --- deeds ----------------------------------------------------------------------------------------------

    def cancel(self, request: HttpRequest, row: SyncRun, form: Any) -> str:
        """Ask the run to stop."""
        runs.cancel(run=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "The run was asked to stop."

    def approve_held(self, request: HttpRequest, row: SyncRun, form: Any) -> str:
        """Let held changes go."""
        count = runs.approve_held(run=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return f"Changes released: {count:,}. They are sent as soon as a worker is free."

    def discard_held(self, request: HttpRequest, row: SyncRun, form: Any) -> str:
        """Drop held changes."""
        count = runs.discard_held(run=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return f"Changes discarded: {count:,}. Nothing was sent."

    def again(self, request: HttpRequest, row: SyncRun, form: Any) -> HttpResponse:
        """Ask for another run of the same mapping and go to its page."""
        fresh = runs.request(
            mapping=row.mapping,
            trigger=Trigger.PERSON,
            by=self.person(request),
            preview=row.is_preview,
            full=row.is_full,
        )
        messages.success(request, "Asked for. It starts as soon as a worker is free.")
        return HttpResponseRedirect(self.address("change", fresh))

    # --- pages ----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncRun]:
        rows: QuerySet[SyncRun] = super().get_queryset(request)
        return rows.select_related("integration", "mapping__source", "mapping__destination", "version", "requested_by")

    def page(self, request: HttpRequest, row: SyncRun) -> dict[str, Any]:
        """The run with its balance, what needs a person, and one page of its changes."""
        lens = payload.lens_for(request.user, row.mapping)
        raised = run_story.exceptions(row, EXCEPTIONS_SHOWN + 1, lens, request.user)
        changes = self._changes(request, row, lens)
        payload.seen(by=self.person(request), row=row, right=lens.right if changes["told"] else "")
        return {
            "title": f"Run {row.pk}: {row.integration} / {row.mapping}",
            **self._live(row),
            "neighbours": list(run_story.neighbours(row)),
            "raised": raised[:EXCEPTIONS_SHOWN],
            "more_raised": len(raised) > EXCEPTIONS_SHOWN,
            "may_see_lease": self.may(request, "cancel", row),
            "hidden": lens.notice if changes["told"] else "",
            **changes,
        }

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that moves, asked for every second or two while the run goes on."""
        row = self.get_object(request, str(pk))
        answer = TemplateResponse(request, "admin/hub/syncrun/live.html", {"row": row, **self._live(row)})
        answer["Cache-Control"] = "no-store"
        if not row.is_live:
            answer["X-Refresh"] = "reload"
        return answer

    def _live(self, row: SyncRun) -> dict[str, Any]:
        progress = run_story.progress(row, clock.now())
        terms = run_story.equation(row)
        return {
            "tone": TONES[row.state],
            "progress": progress,
            "elapsed": lasting(progress.elapsed) if progress.elapsed else "",
            "terms": terms,
            "adds_up": run_story.adds_up(row),
            "segments": segments(row.balance),
            "next_step": run_story.next_step(row),
            "next_due": run_story.next_due(row),
            "standstill": _standstill(row),
        }

    def _changes(self, request: HttpRequest, row: SyncRun, lens: Lens) -> dict[str, Any]:
        """One page of changes, narrowed by state and operation."""
        group, operation = request.GET.get("show", ""), request.GET.get("operation", "")
        group = group if group in run_story.GROUPS else ""
        operation = operation if operation in {"create", "update", "delete"} else ""
        found = page_of(
            run_story.within_reach(run_story.changes(row, group=group, operation=operation), request.user),
            request.GET.get("p", ""),
            run_story.PAGE,
            ascending=True,
        )
        return {
            "told": change_story.tell(found.rows, lens),
            "page": found,
            "group": group,
            "operation": operation,
            "group_chips": _group_chips(row, group, operation),
            "operation_chips": _operation_chips(group, operation),
            "here": _query(group, operation),
            "is_cut": row.is_preview and row.planned > PREVIEW_ROOM,
        }

    # --- displays ---------------------------------------------------------------------------------------------

    @display(description="run")
    def title(self, run: SyncRun) -> SafeString:
        """Integration, mapping and number; what kind of run it is."""
        kinds = [
            word
            for word, is_so in (("preview", run.is_preview), ("full", run.is_full), ("hints", run.is_hints_only))
            if is_so
        ]
        return format_html(
            '<span class="st-title"><strong>{}</strong> <span>{} · run {}{}</span></span>',
            run.integration, run.mapping, run.pk, "".join(f" · {kind}" for kind in kinds),
        )  # fmt: skip

    @display(description="state")
    def standing(self, run: SyncRun) -> SafeString:
        """The state as a coloured word."""
        return badge(run.get_state_display(), TONES[run.state])

    @display(description="received")
    def came(self, run: SyncRun) -> SafeString:
        """Records received."""
        return number(run.received)

    @display(description="written")
    def written(self, run: SyncRun) -> SafeString:
        """Created, updated and deleted; for a preview what would be."""
        if run.is_preview:
            return format_html('<span class="st-fixed">{} planned</span>', f"{run.planned:,}")
        return number(run.applied)

    @display(description="in exception")
    def raised(self, run: SyncRun) -> SafeString:
        """Records that need a person."""
        return number(run.excepted)

    @display(description="held")
    def waiting(self, run: SyncRun) -> SafeString:
        """Records that wait."""
        return number(run.held)

    @display(description="started")
    def started(self, run: SyncRun) -> SafeString:
        """When it began, or was asked for."""
        return moment(run.started_at or run.queued_at)

    @display(description="took")
    def lasted(self, run: SyncRun) -> SafeString:
        """How long it took, or has taken so far."""
        if run.started_at is None:
            return SafeString("—")
        return format_html('<span class="st-fixed">{}</span>', lasting((run.ended_at or clock.now()) - run.started_at))

    @display(description="started by")
    def cause(self, run: SyncRun) -> str:
        """The person, or what else made it start."""
        return str(run.requested_by or run.get_trigger_display())


def _query(group: str, operation: str) -> str:
    """The address of a narrowed list of changes on the same page."""
    return f"?{urlencode([(name, value) for name, value in (('show', group), ('operation', operation)) if value])}"


def _group_chips(run: SyncRun, group: str, operation: str) -> list[tuple[str, str, bool]]:
    """Label, address and whether chosen. What this kind of run never has is not offered."""
    skipped = {"applied", "refused", "held", "flight", "withdrawn"} if run.is_preview else {"planned"}
    offered = [("", "All"), *((name, label) for name, (label, _) in run_story.GROUPS.items() if name not in skipped)]
    return [(label, _query(name, operation), name == group) for name, label in offered]


def _operation_chips(group: str, operation: str) -> list[tuple[str, str, bool]]:
    offered = (("", "any operation"), ("create", "create"), ("update", "update"), ("delete", "delete"))
    return [(label, _query(group, name), name == operation) for name, label in offered]
