"""What a person may do to a row: offered as a button, asked on a page of its own, done by POST only."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from hub.admin.session import proof
from hub.sdk import HubError
from hub.services import access

SELECTION_CAP = 500
REFUSALS_SHOWN = 5
REFUSALS = (HubError, ValidationError)
# a page without buttons
BARE: dict[str, Any] = {"offers": [], "edit_url": "", "timeline_url": "", "history_url": "", "delete_url": ""}

Row = TypeVar("Row", bound=models.Model)
Done = str | HttpResponse


class ReasonForm(forms.Form):
    """Asks why."""

    reason = forms.CharField(
        min_length=3,
        max_length=300,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="Kept in the audit trail and shown to colleagues.",
    )


def _always(row: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may be done to a row.

    `name` is the method of the admin class that does it: `(request, row, form) -> sentence or response`. A HubError or
    ValidationError it raises is shown on the page. `action` is asked of `services.access`. `text` says what will
    happen, `warning` what to mind first. `shown` tells where the row's state makes it senseless: no button is there,
    and nothing is done; the service still looks by itself, under a lock. `asks` False does it at once, still by POST:
    for what writes nothing. `bulk` offers it for the selected rows of the list too, each done by itself. `proof` wants
    a recent proof of who the person is: for rights, secrets, approvals and exports.
    """

    name: str
    label: str
    action: str
    text: str | Callable[[Any], str] = ""
    warning: str | Callable[[Any], str] = ""
    form_class: type[forms.Form] = forms.Form
    icon: str = ""
    tone: str = ""  # "", "primary" or "danger"
    asks: bool = True
    bulk: bool = False
    bulk_text: str = ""  # of many rows, where `text` depends on the row
    shown: Callable[[Any], bool] = _always
    proof: bool = False

    def told(self, row: Any) -> str:
        """What will happen to this row."""
        return self.text(row) if callable(self.text) else self.text

    def warned(self, row: Any) -> str:
        """What to mind before doing it to this row; empty when there is nothing out of the ordinary."""
        return self.warning(row) if callable(self.warning) else self.warning


@dataclass(frozen=True, slots=True)
class Offer:
    """A deed as a button on a page."""

    deed: Deed
    url: str


if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Host = ModelAdmin[Any]
else:

    class _Host:
        """At run time the admin class brings Django's part."""


class DeedPages(_Host, Generic[Row]):
    """The pages of deeds. For an admin class, which offers `deeds`, `may`, `get_object` and `page_context`."""

    deeds: tuple[Deed, ...] = ()

    if TYPE_CHECKING:

        def may(self, request: HttpRequest, action: str, row: Any = None) -> bool: ...
        def address(self, page: str, row: models.Model | None = None) -> str: ...
        def page_context(self, request: HttpRequest, row: Row, title: str = "") -> dict[str, Any]: ...

    def offers(self, request: HttpRequest, row: Row) -> list[Offer]:
        """The deeds this person may do to this row now, as buttons."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_do"
        return [
            Offer(deed, reverse(name, args=[row.pk, deed.name]))
            for deed in self.deeds
            if deed.shown(row) and self.may(request, deed.action, row)
        ]

    def deed_view(self, request: HttpRequest, pk: int, deed: str) -> HttpResponse:
        """GET asks, POST does."""
        row: Row = self.get_object(request, str(pk))  # type: ignore[assignment]
        found = self._deed(deed)
        if not self.may(request, found.action, row):
            raise PermissionDenied
        if not found.shown(row):
            return self._too_late(request, found, row)
        if found.proof:
            proof.ask(request)
        form = self.deed_form(found, row, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and _is_proved(request, found, form):
            done = self._done(request, found, row, form)
            if done is not None:
                return done
        context = self.page_context(request, row, found.label) | {"told": found.told(row), "warned": found.warned(row)}
        return self._ask(request, found, form, context)

    def deed_form(self, deed: Deed, row: Row, data: Any) -> forms.Form:
        """The form that a deed asks with; for subclasses whose questions depend on the row."""
        return deed.form_class(data)

    def _too_late(self, request: HttpRequest, deed: Deed, row: Row) -> HttpResponse:
        """Back to the page, which shows how the row stands now: a button was pressed that is not there any more."""
        messages.warning(request, f"“{deed.label}” does not fit how this stands now. Nothing was done.")
        return HttpResponseRedirect(self.address("change", row))

    def _deed(self, name: str) -> Deed:
        for deed in self.deeds:
            if deed.name == name:
                return deed
        raise Http404("There is no such action.")

    def _done(self, request: HttpRequest, deed: Deed, row: Row, form: forms.Form) -> HttpResponse | None:
        """Do it and go back to the page; None when it was refused, with the reason on the form."""
        try:
            answer: Done = getattr(self, deed.name)(request, row, form)
        except REFUSALS as refusal:
            form.add_error(None, _sentence(refusal))
            return None
        if isinstance(answer, HttpResponse):
            return answer
        messages.success(request, answer)
        return HttpResponseRedirect(self.address("change", row))

    def _ask(self, request: HttpRequest, deed: Deed, form: forms.Form, context: dict[str, Any]) -> HttpResponse:
        shown = {"deed": deed, "form": form, **BARE}
        return TemplateResponse(request, "admin/hub/deed.html", context | shown)

    # --- on the selected rows of a list -------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's actions of the list, and the deeds that may be done to many rows."""
        actions: dict[str, Any] = super().get_actions(request)
        for deed in self.deeds:
            if deed.bulk and self.may(request, deed.action):
                actions[deed.name] = (_bulk(deed), deed.name, deed.label)
        return actions

    def bulk_view(self, request: HttpRequest, deed: Deed, rows: QuerySet[Row]) -> HttpResponse | None:
        """The first POST asks, the confirmed one does each row by itself and tells what was refused."""
        chosen = list(rows[: SELECTION_CAP + 1])
        if len(chosen) > SELECTION_CAP:
            messages.error(request, f"At most {SELECTION_CAP} at once. Narrow the selection with a filter.")
            return None
        form = deed.form_class(request.POST if "confirmed" in request.POST else None)
        if form.is_bound and form.is_valid() and _is_proved(request, deed, form):
            _tell(request, deed, list(self._each(request, deed, chosen, form)))
            return None
        return self._ask(request, deed, form, self._bulk_context(request, deed, chosen))

    def _bulk_context(self, request: HttpRequest, deed: Deed, chosen: list[Row]) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": f"{deed.label}: {len(chosen)} selected",
            "opts": self.opts,
            "told": deed.text if isinstance(deed.text, str) else deed.bulk_text,
            "chosen": chosen,
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
            "has_own_title": True,
            "page_url": request.get_full_path(),
        }

    def _each(self, request: HttpRequest, deed: Deed, chosen: list[Row], form: forms.Form) -> Iterator[str]:
        """Do the deed to each row; yields why a row was refused, or an empty text."""
        for row in chosen:
            decision = access.can(request.user, deed.action, row)
            try:
                if not decision:
                    raise ValidationError(decision.reason)
                if not deed.shown(row):
                    raise ValidationError(f"“{deed.label}” does not fit how this stands now.")
                with transaction.atomic():
                    getattr(self, deed.name)(request, row, form)
            except REFUSALS as refusal:
                yield f"{row}: {_sentence(refusal)}"
            else:
                yield ""


def _is_proved(request: HttpRequest, deed: Deed, form: forms.Form) -> bool:
    """Whether it may be done now; otherwise the form says what is missing, with what was typed still in it."""
    missing = proof.missing(request) if deed.proof else ""
    if missing:
        form.add_error(None, missing)
    return not missing


def _bulk(deed: Deed) -> Callable[..., Any]:
    def action(admin: DeedPages[Any], request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        return admin.bulk_view(request, deed, rows)

    return action


def _tell(request: HttpRequest, deed: Deed, answers: list[str]) -> None:
    """One sentence of what was done, and the reasons of the first refusals."""
    refused = [answer for answer in answers if answer]
    done = len(answers) - len(refused)
    if done:
        messages.success(request, f"{deed.label}: {done} done.")
    for reason in refused[:REFUSALS_SHOWN]:
        messages.error(request, reason)
    if len(refused) > REFUSALS_SHOWN:
        messages.error(request, f"… and {len(refused) - REFUSALS_SHOWN} more were refused.")


def _sentence(refusal: Exception) -> str:
    return " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
