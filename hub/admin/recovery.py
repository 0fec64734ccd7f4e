"""Recovery: a guided page after a restored backup, from re-reading both sides to letting writes go on."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from hub.admin.base import Deed, FactAdmin
from hub.admin.keyset import KeysetMixin, badge, moment
from hub.models import Recovery, Review, ReviewState
from hub.services import access
from hub.services import recovery as recoveries

TONES: dict[str, str] = {
    ReviewState.ASKED: "live",
    ReviewState.READING: "live",
    ReviewState.DONE: "ok",
    ReviewState.FAILED: "bad",
}
# Column, word, and what a person should know about it.
KINDS: tuple[tuple[str, str, str], ...] = (
    ("agreeing", "agree", "Both sides are as the hub last knew, or as they should be."),
    ("relinked", "linked again", "Written after the backup and found by our reference: not created a second time."),
    ("differing", "changed there", "Neither as in the backup nor as the source wants it: compare them with the owner."),
    ("missing", "gone there", "Linked in the backup and not there any more."),
    ("new", "only at the source", "Will be created by the next run."),
    ("unknown", "cannot be looked up", "May be there already; the next run would create them again. Look first."),
)


class LeaveForm(forms.Form):
    """A real reason, and a word about what was not read."""

    reason = forms.CharField(
        min_length=recoveries.LEAST_REASON,
        max_length=300,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="What you compared and with whom. Kept in the audit trail with your name.",
    )
    unread = forms.ChoiceField(
        label="Mappings that were not read to the end",
        required=False,
        initial="no",
        choices=[
            ("no", "Refuse to leave while there are any"),
            ("yes", "Leave all the same: I answer for them"),
        ],
        widget=forms.RadioSelect,
    )


@admin.register(Recovery)
class RecoveryAdmin(KeysetMixin, FactAdmin[Recovery]):
    """Each time the hub was in recovery mode; the open one has the guide."""

    list_display = ("begun", "standing", "why", "left_by")
    list_select_related = ("started_by", "ended_by")
    page_template = "admin/hub/recovery/page.html"
    deeds = (
        Deed(
            "review", "Read both sides", "leave", icon="sync", tone="primary", asks=False,
            shown=lambda row: row.is_open,
        ),
        Deed(
            "leave", "Leave recovery mode", "leave", icon="lock_open", tone="danger", form_class=LeaveForm, proof=True,
            text="Writes go on at once. Records that were linked again are compared with what is there; deterministic "
            "keys keep requests that were sent before the restore from taking effect twice where the other system "
            "remembers them.",
            shown=lambda row: row.is_open,
        ),
    )  # fmt: skip

    @display(description="begun")
    def begun(self, row: Recovery) -> SafeString:
        """When it began."""
        return moment(row.started_at)

    @display(description="state")
    def standing(self, row: Recovery) -> SafeString:
        """Whether it is still on."""
        return badge("on: nothing is sent", "bad") if row.is_open else badge("left", "idle")

    @display(description="left by")
    def left_by(self, row: Recovery) -> str:
        """Who answers for it."""
        return str(row.ended_by or "—")

    def review(self, request: HttpRequest, row: Recovery, form: Any) -> str:
        """Have both sides of every mapping read that is left."""
        count = recoveries.ask_reviews(recovery=row, by=self.person(request))
        return f"Mappings being read now: {count}." if count else "Every mapping in use has been read."

    def leave(self, request: HttpRequest, row: Recovery, form: LeaveForm) -> str:
        """Let writes go on."""
        recoveries.leave(
            recovery=row,
            by=self.person(request),
            reason=form.cleaned_data["reason"],
            unread=form.cleaned_data["unread"] == "yes",
        )
        return "Recovery mode is left. Writes go on."

    def get_urls(self) -> list[URLPattern]:
        """The part that moves while sides are read."""
        live = self.admin_site.admin_view(require_safe(self.live_view))
        return [path("<int:pk>/live/", live, name="hub_recovery_live"), *super().get_urls()]

    def page(self, request: HttpRequest, row: Recovery) -> dict[str, Any]:
        """The guide: what happened, what was read, what is left."""
        seen = access.visible(request.user, "view", Review).filter(recovery=row)
        reviews = list(seen.select_related("mapping__integration"))
        return {
            "reviews": [(one, TONES[one.state], _counts(one)) for one in reviews],
            "left": recoveries.left_to_review(row) if row.is_open else [],
            "is_reading": any(one.state in (ReviewState.ASKED, ReviewState.READING) for one in reviews),
            "live_url": reverse("admin:hub_recovery_live", args=[row.pk]),
        }

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Only the reviews, for the page that waits for them."""
        row = self.get_object(request, str(pk))
        context = self.page(request, row)
        answer = TemplateResponse(request, "admin/hub/recovery/reviews.html", {"row": row, **context})
        if not context["is_reading"]:
            answer.headers["X-Refresh"] = "stop"
        return answer


def _counts(review: Review) -> list[tuple[int, str, str, str]]:
    """Number, word, meaning and sample keys of each kind there is."""
    samples = review.samples
    found = ((getattr(review, kind), word, told, ", ".join(samples.get(kind, ()))) for kind, word, told in KINDS)
    return [entry for entry in found if entry[0]]
