"""Exceptions: what a person must settle, told in words, side by side, with what can be done next."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from hub import clock
from hub.admin import stuck
from hub.admin.base import Deed, FactAdmin, ReasonForm
from hub.admin.keyset import Chip, Chips, KeysetMixin, ScopedDropdown, badge
from hub.admin.stuck import StuckPages
from hub.admin.wording import ago, lasting
from hub.models import Change, ExceptionKind, ExceptionState, ReconciliationException, Semantics, SyncRun
from hub.sdk import HubError
from hub.services import access, payload
from hub.services import exception as exceptions
from hub.services import run as runs
from hub.services.story import exception as exception_story


class DestinationKeyForm(forms.Form):
    """Asks which record it became."""

    destination_key = forms.CharField(
        max_length=255,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The key of the record at the destination, as you see it there. Not needed when the hub knows it.",
    )


SETTLED_OTHERWISE = (ExceptionKind.OVERWRITE, ExceptionKind.FACT_CHANGED, ExceptionKind.EDITED)


def _is_retriable(exception: ReconciliationException) -> bool:
    """Whether writing again can help. An edit that is lost cannot be brought back by it."""
    is_settled_otherwise = exception_story.is_in_doubt(exception) or exception.kind in SETTLED_OTHERWISE
    if not exception_story.is_open(exception) or is_settled_otherwise:
        return False
    # Every step counts there: a fresh read would pass over the refused one and those behind it.
    return exception.mapping.semantics != Semantics.TRANSITION or exception.change_id is None


def _is_changed_fact(exception: ReconciliationException) -> bool:
    return exception_story.is_open(exception) and exception.kind == ExceptionKind.FACT_CHANGED


def _may_overwrite(exception: ReconciliationException) -> bool:
    """Where every step counts, the next step says what is to be there, and none is made up."""
    return exception_story.is_edited(exception) and exception.mapping.semantics == Semantics.STATE


@admin.register(ReconciliationException)
class ExceptionAdmin(StuckPages, KeysetMixin, FactAdmin[ReconciliationException]):
    """Exceptions are opened and closed by the hub; people retry, and answer what is in doubt."""

    list_display = ("record", "kind_word", "told", "place", "age", "seen", "standing")
    list_display_links = ("record",)
    list_select_related = ("integration", "mapping")
    list_filter = (("integration", ScopedDropdown), ("mapping", ScopedDropdown), ("kind", ChoicesDropdownFilter))
    search_fields = ("source_key",)
    search_help_text = "Source key, from its beginning"
    chips = Chips(
        "state",
        (
            Chip("open", "Open", (ExceptionState.OPEN.value,)),
            Chip("resolved", "Resolved", (ExceptionState.RESOLVED.value,)),
            Chip("all", "All"),
        ),
    )
    pins = {"run": "last_run_id"}
    page_template = "admin/hub/reconciliationexception/page.html"
    empty_template = "admin/hub/reconciliationexception/empty.html"
    deeds = (
        Deed(
            "retry", "Try again", "retry", icon="replay", tone="primary", shown=_is_retriable,
            text="The hub forgets the refusal, reads the record again at the source and runs the mapping. "
            "If nothing has been corrected, the exception comes back.",
        ),
        Deed(
            "acknowledge", "I have looked", "retry", icon="visibility", tone="primary", form_class=ReasonForm,
            shown=exception_story.needs_a_look,
            text="You have looked at the record and put right what had to be. Say what you found; it is kept.",
        ),
        Deed(
            "leave", "Leave it as it is there", "retry", icon="check", tone="primary", form_class=ReasonForm,
            shown=exception_story.is_edited,
            text="The field keeps the destination's value until the source changes it again. Say why; it is kept.",
        ),
        Deed(
            "overwrite", "Write the source's value", "retry", icon="edit", form_class=ReasonForm, shown=_may_overwrite,
            text="The hub reads the record again and writes the source's value of this field over the destination's.",
        ),
        Deed(
            "happened", "It happened", "settle", icon="check_circle", tone="primary",
            form_class=DestinationKeyForm, shown=exception_story.is_in_doubt,
            text="You have looked at the destination and the record is there as it should be. "
            "The hub takes it as written and goes on from there.",
        ),
        Deed(
            "not_happened", "It did not happen", "settle", icon="replay", shown=exception_story.is_in_doubt,
            text="You have looked at the destination and nothing of it is there. The hub sends it again. "
            "If you are mistaken, it will be there twice.",
        ),
        Deed(
            "stop", "Stop", "settle", icon="block", tone="danger", shown=exception_story.is_in_doubt,
            text="The hub gives this write up. It is not sent again; the record is looked at when it next changes.",
        ),
        *stuck.DEEDS,
        Deed(
            "keep", "Keep what was appended", "skip", icon="check", tone="primary", form_class=ReasonForm,
            shown=_is_changed_fact,
            text="The fact stays at the destination as it was appended, although the source reads otherwise now. "
            "You are asked again if the source changes it once more.",
        ),
    )  # fmt: skip

    # --- rights ---------------------------------------------------------------------------------------------

    def may(self, request: HttpRequest, action: str, row: Any = None) -> bool:
        """To answer a doubt is to approve the change behind it."""
        if action == "settle":
            change = exception_story.parked_change(row) if isinstance(row, ReconciliationException) else Change
            return change is not None and access.can(request.user, "approve", change).allowed
        return super().may(request, action, row)

    # --- deeds ----------------------------------------------------------------------------------------------

    def retry(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str | HttpResponse:
        """Have the record read and written again, and show the run that does it."""
        return self._asked(request, exceptions.retry(exception=row, by=self.person(request)))

    def _asked(self, request: HttpRequest, run: SyncRun | None) -> str | HttpResponse:
        if run is None:
            return "Noted. A run of this mapping is going on; the record is read again by the next one."
        messages.success(request, "Asked for another try: this run reads the record again.")
        return HttpResponseRedirect(reverse("admin:hub_syncrun_change", args=[run.pk]))

    def acknowledge(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str:
        """Somebody has looked."""
        exceptions.acknowledge(exception=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Noted and closed."

    def leave(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str:
        """Accept an edit."""
        exceptions.leave_edit(exception=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Left as it is there."

    def overwrite(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str | HttpResponse:
        """Undo an edit."""
        run = exceptions.overwrite_edit(exception=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return self._asked(request, run)

    def keep(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str:
        """Leave a fact as it was appended."""
        exceptions.keep_fact(exception=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return "Kept as it was appended."

    def happened(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str:
        """It is there."""
        key = form.cleaned_data["destination_key"].strip() or None
        runs.resolve_in_doubt(change=_parked(row), by=self.person(request), verdict="happened", destination_key=key)
        return "Noted. A worker reads the record and takes it as written, or says why it cannot."

    def not_happened(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str:
        """It is not there."""
        runs.resolve_in_doubt(change=_parked(row), by=self.person(request), verdict="not_happened")
        return (
            "Noted. A worker looks once more where it can, and sends it again once the lost request can no longer land."
        )

    def stop(self, request: HttpRequest, row: ReconciliationException, form: Any) -> str:
        """Give it up."""
        runs.resolve_in_doubt(change=_parked(row), by=self.person(request), verdict="stop")
        return "Given up. It is not sent again."

    # --- queries and pages ------------------------------------------------------------------------------------

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exceptions of records whose key begins so."""
        return self.by_keys(request, queryset, search_term.strip(), ("source_key",)), False

    def page(self, request: HttpRequest, row: ReconciliationException) -> dict[str, Any]:
        """What happened, where, to which value, and what can be done next."""
        lens = payload.lens_on(request.user, row)
        payload.seen(by=self.person(request), row=row, right=lens.right)
        told = exception_story.tell(row, lens)
        return {
            "title": row.source_key,
            "told": told,
            "opens_change": self._opens(request, told.change),
            "opens_link": self._opens(request, told.link),
            "hidden": lens.notice,
            "age": ago(row.opened_at, clock.now()),
            "is_open": exception_story.is_open(row),
        }

    @staticmethod
    def _opens(request: HttpRequest, row: Model | None) -> bool:
        """Whether the page of this row is open to who sees the exception: not by a right on a part of the data."""
        is_whole = not access.standing(request.user).limited
        return row is not None and (is_whole or access.can(request.user, "view", row).allowed)

    def page_context(self, request: HttpRequest, row: ReconciliationException, title: str = "") -> dict[str, Any]:
        """The usual, with the buttons beside the words that explain them instead of at the top."""
        context: dict[str, Any] = super().page_context(request, row, title)
        return {**context, "choices": context["offers"], "offers": []}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReconciliationException]:
        rows: QuerySet[ReconciliationException] = super().get_queryset(request)
        return rows.select_related(
            "integration", "mapping__source", "mapping__destination", "owner", "first_run", "last_run"
        )

    def prepare(self, request: HttpRequest, rows: Sequence[ReconciliationException]) -> None:
        """What this person may read of each reason."""
        lenses = payload.lenses_on(request.user, rows)
        for row in rows:
            row.said = exception_story.said(row, lenses[row.pk])

    # --- displays ---------------------------------------------------------------------------------------------

    @display(description="record")
    def record(self, exception: ReconciliationException) -> str:
        """The key at the source."""
        return exception.source_key

    @display(description="what")
    def kind_word(self, exception: ReconciliationException) -> str:
        """The kind in words."""
        return exception.get_kind_display()

    @display(description="why")
    def told(self, exception: ReconciliationException) -> SafeString:
        """The beginning of the reason."""
        return format_html('<span class="st-told">{}</span>', Truncator(exception.said).chars(120))

    @display(description="where")
    def place(self, exception: ReconciliationException) -> SafeString:
        """Integration and mapping."""
        return format_html(
            '<span class="st-title"><span>{}</span> <span>{}</span></span>', exception.integration, exception.mapping
        )

    @display(description="age")
    def age(self, exception: ReconciliationException) -> SafeString:
        """Since when it has been open, or how long it was."""
        span = (exception.resolved_at or clock.now()) - exception.opened_at
        return format_html('<span class="st-fixed">{}</span>', lasting(span))

    @display(description="seen")
    def seen(self, exception: ReconciliationException) -> SafeString:
        """How often."""
        return format_html('<span class="st-fixed">{} ×</span>', exception.occurrences)

    @display(description="state")
    def standing(self, exception: ReconciliationException) -> SafeString:
        """Open or resolved."""
        return badge(exception.get_state_display(), "bad" if exception_story.is_open(exception) else "ok")


def _parked(exception: ReconciliationException) -> Change:
    """The change in doubt; raises HubError when somebody has settled it meanwhile."""
    change = exception_story.parked_change(exception)
    if change is None:
        raise HubError("This is not in doubt any more. Look at the page again.")
    return change
