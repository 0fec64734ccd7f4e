"""The filters of the lists of evidence. What each means is said by services.audit.selection, for exports as well."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, TextFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from hub.models import AuditOutcome, User
from hub.models.guard import GOVERNED
from hub.services import access, audit
from hub.services.audit import selection

MOST_PEOPLE = 500


class Narrow(SimpleListFilter):
    """A filter whose name is one of the selection's. Something that cannot be understood matches nothing."""

    kind = "event"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only what matches."""
        value = (self.value() or "").strip()
        if not value:
            return queryset
        try:
            return queryset.filter(selection.condition(self.kind, str(self.parameter_name), value))
        except selection.SelectionError:
            return queryset.none()


class WhoFilter(Narrow, DropdownFilter):
    """By who did it."""

    title, parameter_name = "person", "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The people in sight, and the hub itself."""
        people = access.visible(request.user, "view", User).order_by("username")[:MOST_PEOPLE]
        by_hand = [(selection.BY_HAND, "db-direct: past the hub")] if self.kind == "row" else []
        return [*by_hand, ("hub", "the hub"), *((str(person.pk), str(person)) for person in people)]


class FamilyFilter(Narrow, DropdownFilter):
    """By what sort of action."""

    title, parameter_name = "family of actions", "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every family there is."""
        return [(name, f"{name}: {told}" if name != told else name) for name, told in audit.families().items()]


class ActionFilter(Narrow, DropdownFilter):
    """By what was done."""

    title, parameter_name = "what was done", "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind of event there is."""
        return [(name, f"{verb} {_sort(name)}") for name, verb in audit.ACTIONS.items()]


class OutcomeFilter(Narrow, DropdownFilter):
    """By what became of it."""

    title, parameter_name = "outcome", "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Done, denied or failed."""
        return [(value, str(label)) for value, label in AuditOutcome.choices]


class SubjectFilter(Narrow, DropdownFilter):
    """By the kind of thing it was done to."""

    title, parameter_name = "kind of thing", "subject"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind of thing there is."""
        return list(audit.SUBJECTS.items())


class ObjectFilter(Narrow, TextFilter):
    """By the number of what it was done to."""

    title, parameter_name = "number of the thing", "object"


class RunFilter(Narrow, TextFilter):
    """By the run within which it was done."""

    title, parameter_name = "run", "run"


class RequestFilter(Narrow, TextFilter):
    """By the request within which it was done."""

    title, parameter_name = "request", "request"


class TableFilter(Narrow, DropdownFilter):
    """By the table."""

    kind, title, parameter_name = "row", "table", "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every governed table."""
        return [(governed.table, governed.table) for governed in GOVERNED]


class KeyFilter(Narrow, TextFilter):
    """By the number of the row."""

    kind, title, parameter_name = "row", "number of the row", "key"


class RowWhoFilter(WhoFilter):
    """By who wrote."""

    kind = "row"


class RowRequestFilter(RequestFilter):
    """By the request within which it was written."""

    kind = "row"


class SpanForm(forms.Form):
    """From when until when."""

    since = forms.CharField(label="From", required=False, widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}))
    until = forms.CharField(
        label="Until", required=False, widget=UnfoldAdminTextInputWidget({"type": "datetime-local"})
    )


class SpanFilter(SimpleListFilter):
    """By time. Both ends in one filter: the keys of a span are looked up once."""

    title, parameter_name = "time", "since"
    template = "unfold/filters/filters_field.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        given = params.pop("until", None)
        super().__init__(request, params, model, model_admin)
        if given:
            self.used_parameters["until"] = given[-1]

    def has_output(self) -> bool:
        """Always."""
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Nothing to choose from."""
        return []

    def expected_parameters(self) -> list[str | None]:
        """Both ends."""
        return ["since", "until"]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The form."""
        yield {"form": SpanForm(self.used_parameters)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What happened then."""
        try:
            return selection.within(queryset, {name: str(value) for name, value in self.used_parameters.items()})
        except selection.SelectionError:
            return queryset.none()


def _sort(name: str) -> str:
    noun = name.partition(".")[0]
    return audit.SUBJECTS.get(noun, noun)
