"""Release, map anew, skip and supersede: what may be done to a stuck record, on the pages of changes and exceptions."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from hub.admin.deed import Deed, ReasonForm
from hub.engine.intent import State
from hub.models import Change, ReconciliationException, User
from hub.sdk import HubError
from hub.services import change as changes
from hub.services.run import kept
from hub.services.run.books import BEHIND
from hub.services.story import stuck as stuck_story


def behind(row: Any) -> Change | None:
    """The change that a row of either page is about."""
    if isinstance(row, ReconciliationException):
        found = Change.objects.select_related("mapping").filter(pk=row.change_id or 0).first()
        return found if found and row.state == "open" else None
    return row if isinstance(row, Change) else None


def is_stuck(row: Any) -> bool:
    """Whether the record is stuck, and at this change."""
    return _head(row) is not None


def is_refused(row: Any) -> bool:
    """Whether it is stuck at something that was sent."""
    head = _head(row)
    return head is not None and head.kept is None


def is_unmapped(row: Any) -> bool:
    """Whether it is stuck at a step that cannot be mapped, and may be some day."""
    head = _head(row)
    return head is not None and head.kept is not None and not kept.is_unread(head)


def _head(row: Any) -> Change | None:
    """What the record of this page is stuck at; looked up once for each page."""
    if not hasattr(row, "_hub_head"):
        row._hub_head = _stuck_at(row)  # noqa: SLF001
    head: Change | None = row._hub_head  # noqa: SLF001
    return head


def _stuck_at(row: Any) -> Change | None:
    change = behind(row)
    if change is None or change.state not in (*changes.STUCK, State.HELD):
        return None
    found = changes.stuck(change)
    return found.head if found and (found.head.pk == change.pk or change.code == BEHIND) else None


DEEDS = (
    Deed(
        "map_anew", "Try again", "release", icon="replay", tone="primary", shown=is_unmapped, bulk=True,
        text=lambda row: stuck_story.map_anew(behind(row)),
        bulk_text="Each of these steps that could not be mapped is mapped anew and sent; what waits behind it follows.",
    ),
    Deed(
        "release", "Release", "release", icon="play_arrow", form_class=ReasonForm, shown=is_refused, bulk=True,
        text=lambda row: stuck_story.release(behind(row)),
        bulk_text="Each refused change is sent once more, as it was planned; what waits behind it follows in order.",
    ),
    Deed(
        "skip", "Skip", "skip", icon="skip_next", form_class=ReasonForm, shown=is_stuck, bulk=True,
        text=lambda row: stuck_story.skip(behind(row)),
        bulk_text="Each of these changes is given up and never sent; what waits behind it goes on.",
    ),
    Deed(
        "supersede", "Start afresh", "supersede", icon="restart_alt", tone="danger", form_class=ReasonForm,
        shown=is_stuck, text=lambda row: stuck_story.supersede(behind(row)),
    ),
)  # fmt: skip


class StuckPages:
    """The four deeds, for an admin class that lists `DEEDS` among its own."""

    if TYPE_CHECKING:

        @staticmethod
        def person(request: HttpRequest) -> User: ...

    def release(self, request: HttpRequest, row: Any, form: Any) -> str:
        """Try again what was refused."""
        changes.release(change=_change(row), by=self.person(request), reason=form.cleaned_data["reason"])
        return "Released. It is sent as soon as a worker is free."

    def map_anew(self, request: HttpRequest, row: Any, form: Any) -> str:
        """Try again what could not be mapped."""
        changes.map_anew(change=_change(row), by=self.person(request))
        return "Asked for another try. It is mapped as soon as a worker is free; if it cannot be, this stays open."

    def skip(self, request: HttpRequest, row: Any, form: Any) -> str:
        """Go on without it."""
        changes.skip(change=_change(row), by=self.person(request), reason=form.cleaned_data["reason"])
        return "Skipped. What waited behind it goes on."

    def supersede(self, request: HttpRequest, row: Any, form: Any) -> str:
        """Drop it all and read the record afresh."""
        changes.supersede(change=_change(row), by=self.person(request), reason=form.cleaned_data["reason"])
        return "Given up. The record is read afresh as soon as a worker is free."


def _change(row: Any) -> Change:
    change = behind(row)
    if change is None:
        raise HubError("Nothing of this is stuck any more. Look at the page again.")
    return change
