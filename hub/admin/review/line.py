"""The lines of reviews of access, decided one by one or many at once."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from hub.admin.base import Deed, FactAdmin, ReasonForm
from hub.admin.keyset import Chip, Chips, KeysetMixin, badge, moment
from hub.models import AccessLine, LineKind, Verdict
from hub.services import review as reviews

TONES: dict[str, str] = {
    Verdict.OPEN: "live",
    Verdict.KEEP: "ok",
    Verdict.REVOKE: "warn",
    Verdict.REVOKED: "idle",
}


@admin.register(AccessLine)
class AccessLineAdmin(KeysetMixin, FactAdmin[AccessLine]):
    """The lines of reviews, decided one by one or many at once."""

    list_display = ("who", "through", "allowed", "given", "used", "standing", "why")
    list_display_links = ("who",)
    list_select_related = ("review",)
    list_before_template = "admin/hub/accessline/before.html"
    pins = {"review": "review_id"}
    chips = Chips(
        "verdict",
        (Chip("all", "All"), *(Chip(value, str(label).capitalize(), (value,)) for value, label in Verdict.choices)),
        title="Decision",
    )
    page_fields = (
        "review", "kind", "person_name", "group_name", "subject_name", "allowed", "given_by", "given_at", "given_why",
        "last_used", "verdict", "decided_by", "decided_at", "reason", "carried_by", "carried_at",
    )  # fmt: skip
    deeds = (
        Deed(
            "keep", "Keep", "decide", icon="check", form_class=ReasonForm, bulk=True, proof=True,
            shown=lambda row: row.verdict != Verdict.REVOKED,
            text="It is still needed. The reason is kept with your name.",
        ),
        Deed(
            "revoke", "Revoke", "decide", icon="block", tone="danger", form_class=ReasonForm, bulk=True, proof=True,
            shown=lambda row: row.verdict in (Verdict.OPEN, Verdict.KEEP),
            text="It goes at once if you may give and take roles; else a Security admin carries it out. What a group "
            "was given goes for all its members.",
        ),
        Deed(
            "carry", "Carry out", "carry", icon="done_all", tone="danger", bulk=True, proof=True,
            shown=lambda row: row.verdict == Verdict.REVOKE,
            text="Somebody decided to revoke this. It is taken now, with their reason.",
        ),
    )  # fmt: skip

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the way back to its review."""
        pk = request.GET.get("review", "")
        url = reverse("admin:hub_accessreview_change", args=[int(pk)]) if pk.isdecimal() and len(pk) < 19 else ""
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "review_url": url})
        return shown

    def keep(self, request: HttpRequest, row: AccessLine, form: ReasonForm) -> HttpResponse:
        """Keep it."""
        reviews.keep(line=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return self._on(row)

    def revoke(self, request: HttpRequest, row: AccessLine, form: ReasonForm) -> HttpResponse:
        """Revoke it, or mark it."""
        reviews.revoke(line=row, by=self.person(request), reason=form.cleaned_data["reason"])
        return self._on(row)

    def carry(self, request: HttpRequest, row: AccessLine, form: Any) -> HttpResponse:
        """Take it."""
        reviews.carry(line=row, by=self.person(request))
        return self._on(row)

    def _on(self, row: AccessLine) -> HttpResponse:
        """On to what is left of the review."""
        return HttpResponseRedirect(f"{self.address('changelist')}?review={row.review_id}&state=open")

    @display(description="who")
    def who(self, row: AccessLine) -> SafeString:
        """The person, or the group and how many it has."""
        if row.kind == LineKind.GRANT:
            return format_html("<b>{}</b> <span>group of {}</span>", row.group_name, len(row.members))
        return format_html("<b>{}</b>", row.person_name)

    @display(description="through")
    def through(self, row: AccessLine) -> str:
        """The role, group, grant or ownership."""
        words = {
            LineKind.MEMBER: row.group_name,
            LineKind.GRANT: f"given on {row.subject_name}",
            LineKind.OWNER: f"{row.group_name} of {row.subject_name}",
            LineKind.SUPERUSER: "superuser",
        }
        return words[LineKind(row.kind)]

    @display(description="given")
    def given(self, row: AccessLine) -> SafeString:
        """By whom, when and why."""
        if not row.given_at:
            return SafeString("before evidence began") if row.kind != LineKind.OWNER else SafeString("—")
        return format_html(
            "<span>{} by {} <small>{}</small></span>", moment(row.given_at), row.given_by or "the hub", row.given_why
        )

    @display(description="last here")
    def used(self, row: AccessLine) -> SafeString:
        """When whoever has it last did anything here."""
        return moment(row.last_used)

    @display(description="decision")
    def standing(self, row: AccessLine) -> SafeString:
        """What was decided."""
        return badge(row.get_verdict_display(), TONES[row.verdict])

    @display(description="why")
    def why(self, row: AccessLine) -> str:
        """With what reason, by whom."""
        return f"{row.reason} ({row.decided_by})" if row.decided_by else "—"
