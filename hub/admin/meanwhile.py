"""What others do while a person has a form open: it is never overwritten unseen.

A form says in a hidden input how each of its fields stood when it was shown. Where a save would overwrite what has
changed since, it is refused once, with who changed what and when; the second save is then a decision.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.text import Truncator

from hub.admin import wording
from hub.clock import now
from hub.models import AuditEvent
from hub.services import audit

SHOWN = "shown"  # the hidden input
STATES_READ = 100
TEXT_TOLD = 80
REFUSED = (
    "Nothing was saved yet: what is marked below was changed while you had this open. What you entered yourself still "
    "stands here, everything else as it is now. Look through it and save again."
)

if TYPE_CHECKING:

    class _Form(forms.BaseForm):
        _bound_fields_cache: dict[str, forms.BoundField]
else:

    class _Form:
        """At run time the form class brings Django's part."""


@contextmanager
def held(request: HttpRequest, row: models.Model) -> Iterator[None]:
    """While a form is saved nobody else writes `row`; new rows may still refer to it. To show a form holds nothing.

    SQLite locks no rows; there the transaction itself keeps every other writer out from its beginning (IMMEDIATE).
    """
    if request.method != "POST":
        yield
        return
    with transaction.atomic():
        list(type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).values_list("pk"))
        yield


class Watchful(_Form):
    """A form of a row, mixed in before Django's class. What it is filled with is the row as it is now."""

    _seen: dict[str, str] | None = None

    @property
    def row(self) -> models.Model:
        """The row that the form changes."""
        row: models.Model = self.instance  # type: ignore[attr-defined]  # of a form of a model
        return row

    @property
    def shown(self) -> str:
        """How the fields stood when the person was shown the row, for the hidden input."""
        if self.is_bound:
            return str(self.data.get(SHOWN, ""))
        return " ".join(f"{name}:{digest}" for name, digest in (self._seen or self._present()).items())

    def full_clean(self) -> None:
        """What is wrong with the entries comes first; then, what others changed."""
        super().full_clean()
        if not self.is_bound or self.row.pk is None or self.errors:
            return
        present = self._present()
        # What does not say what it showed, such as a script, saw nothing and is taken at its word.
        seen = present | dict(part.rsplit(":", 1) for part in self.shown.split() if ":" in part)
        theirs = [name for name in self.changed_data if seen[name] != present[name]]
        if theirs:
            self._refuse(theirs, seen)
            self._seen = present

    def _refuse(self, theirs: list[str], seen: dict[str, str]) -> None:
        """Fill the form anew: with the entries that the person changed, and for the rest with what is there now."""
        given = {name: self.fields[name].bound_data(self[name].data, None) for name in self.changed_data}
        self.add_error(None, REFUSED)
        for name in theirs:
            self.add_error(name, f"{self._who(name)}. It is now “{self._told(name)}”.")
        own = {name: value for name, value in given.items() if _digest(self.fields[name], value) != seen[name]}
        self.initial = {**self.initial, **own}
        self.is_bound = False
        self._bound_fields_cache.clear()  # they remember what the form was filled with before

    def _present(self) -> dict[str, str]:
        """A digest of each field as the row has it now."""
        fields = {name: field for name, field in self.fields.items() if not field.disabled}
        return {name: _digest(field, self[name].initial) for name, field in fields.items()}

    def _who(self, name: str) -> str:
        """Who changed this field last, and when: from the history, or from the audit trail where none is kept."""
        found = _author(self.row, name.partition("-")[0])
        who, at = found or ("Somebody", None)
        return f"{who} changed this {wording.ago(at, now())}" if at else f"{who} changed this meanwhile"

    def _told(self, name: str) -> str:
        """The present value in words."""
        field = self.fields[name]
        labels = {str(key): str(label) for key, label in getattr(field, "choices", ())}
        words = ", ".join(labels.get(part, part) for part in _parts(field, self[name].initial))
        return Truncator(words).chars(TEXT_TOLD) or "empty"


def _parts(field: forms.Field, value: Any) -> list[str]:
    """A value as the texts that its input shows, and sends back when nobody touches it."""
    value = field.prepare_value(value)
    if isinstance(field.widget, forms.MultiWidget) and not isinstance(value, list):
        value = field.widget.decompress(value)
    parts = sorted(map(str, value)) if isinstance(value, list) else ["" if value is None else str(value)]
    return [part.replace("\r\n", "\n") for part in parts]


def _digest(field: forms.Field, value: Any) -> str:
    return sha256("\n".join(_parts(field, value)).encode()).hexdigest()[:16]


def _author(row: models.Model, name: str) -> tuple[str, Any] | None:
    """Who gave this field of the row its present value, and when."""
    if not hasattr(row, "history"):
        about = AuditEvent.objects.filter(
            subject=row._meta.model_name, subject_id=row.pk, action__in=audit.names("change")
        )
        event = about.order_by("-pk").first()
        return (event.actor_name, event.at) if event else None
    states = row.history.select_related("history_user").order_by("-history_id")[:STATES_READ]
    for newer, older in pairwise(states):
        if getattr(newer, name, None) != getattr(older, name, None):
            return str(newer.history_user or "The hub"), newer.history_date
    return None
