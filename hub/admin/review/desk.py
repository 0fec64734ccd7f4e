"""Reviews of access: begun, watched, completed, and taken along as CSV."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from hub import clock
from hub.admin.base import Deed, FactAdmin
from hub.admin.deed import BARE
from hub.admin.keyset import KeysetMixin, badge, moment
from hub.admin.review.line import TONES
from hub.admin.session import proof
from hub.models import AccessReview, Integration, Verdict
from hub.sdk import HubError
from hub.services import access, audit
from hub.services import review as reviews
from hub.services.audit.selection import SelectionError, moment_of

USUAL = timedelta(days=14)


class StartForm(forms.Form):
    """Of what, by when, and why."""

    about = forms.ChoiceField(widget=UnfoldAdminSelectWidget, help_text="The list is frozen as it is now.")
    due = forms.CharField(widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}), label="Due by")
    reason = forms.CharField(min_length=15, max_length=300, widget=UnfoldAdminTextareaWidget({"rows": 2}))

    def __init__(self, data: Any, choices: list[Any]) -> None:
        due = localtime(clock.now() + USUAL).strftime("%Y-%m-%dT%H:%M")
        super().__init__(data, initial={"due": due})
        self.fields["about"].choices = choices  # type: ignore[attr-defined]

    def clean_due(self) -> Any:
        """A moment."""
        try:
            return moment_of(self.cleaned_data["due"])
        except SelectionError as error:
            raise forms.ValidationError(str(error)) from None


class StatementForm(forms.Form):
    """What one signs with."""

    statement = forms.CharField(
        min_length=15, max_length=300, widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="What you looked at and what came out. Kept in the audit trail with your name and with a digest of "
        "all lines.",
    )  # fmt: skip


START = Deed("start", "Begin a review", "decide", icon="fact_check", tone="primary", proof=True)


def _is_open(row: AccessReview) -> bool:
    return row.completed_at is None


@admin.register(AccessReview)
class AccessReviewAdmin(KeysetMixin, FactAdmin[AccessReview]):
    """All reviews, the newest first."""

    list_display = ("name", "standing", "begun", "due", "who")
    list_display_links = ("name",)
    list_select_related = ("started_by", "completed_by")
    list_before_template = "admin/hub/accessreview/before.html"
    page_template = "admin/hub/accessreview/page.html"
    deeds = (
        Deed(
            "complete", "Complete and sign", "decide", icon="verified", tone="primary", proof=True, shown=_is_open,
            form_class=StatementForm,
            text="Every line must be decided, and what is to be revoked carried out. Nothing changes after that.",
        ),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """Beginning one, and all lines as CSV."""
        wrap = self.admin_site.admin_view
        return [
            path("start/", wrap(self.start_view), name="hub_accessreview_start"),
            path("<int:pk>/csv/", wrap(require_safe(self.csv_view)), name="hub_accessreview_csv"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the way to begin one."""
        may_start = access.can(request.user, "decide", AccessReview).allowed
        url = reverse("admin:hub_accessreview_start") if may_start else ""
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "start_url": url})
        return shown

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for what and by when, and freeze the list."""
        if not access.can(request.user, "decide", AccessReview):
            raise PermissionDenied
        proof.ask(request)
        form = StartForm(request.POST if request.method == "POST" else None, _choices(request))
        if form.is_bound and form.is_valid():
            made = self._started(request, form)
            if made is not None:
                return HttpResponseRedirect(self.address("change", made))
        context = {
            **self.admin_site.each_context(request), **BARE,
            "title": "Begin a review of access",
            "has_own_title": True,
            "told": "Every right is listed as it is now: who, which role or group, on what, given by whom, when and "
            "why, and when they were last here. Each line is kept or revoked by somebody whom it is not about.",
            "deed": START,
            "form": form,
            "page_url": self.address("changelist"),
        }  # fmt: skip
        return TemplateResponse(request, "admin/hub/deed.html", context)

    def _started(self, request: HttpRequest, form: StartForm) -> AccessReview | None:
        if missing := proof.missing(request):
            form.add_error(None, missing)
            return None
        given = form.cleaned_data
        kind, _, key = given["about"].partition(".")
        subject = _subject(kind, key)
        try:
            return reviews.start(subject=subject, due_at=given["due"], by=self.person(request), reason=given["reason"])
        except HubError as error:
            form.add_error(None, str(error))
            return None

    def page(self, request: HttpRequest, row: AccessReview) -> dict[str, Any]:
        """How far it is, and where its lines are."""
        counts = reviews.counts(row)
        total = sum(counts.values())
        done = counts[Verdict.KEEP] + counts[Verdict.REVOKED]
        lines = f"{reverse('admin:hub_accessline_changelist')}?review={row.pk}"
        return {
            "title": str(row)[:1].upper() + str(row)[1:],
            "counts": [
                (label, counts[value], TONES[value], f"{lines}&state={value}") for value, label in Verdict.choices
            ],
            "total": total,
            "done": done,
            "percent": 100 * done // total if total else 100,
            "is_overdue": _is_open(row) and row.due_at < clock.now(),
            "lines_url": f"{lines}&state=open",
            "csv_url": reverse("admin:hub_accessreview_csv", args=[row.pk]),
        }

    def complete(self, request: HttpRequest, row: AccessReview, form: StatementForm) -> str:
        """Sign it."""
        reviews.complete(review=row, by=self.person(request), statement=form.cleaned_data["statement"])
        return "Complete, and signed with your name."

    def csv_view(self, request: HttpRequest, pk: int) -> Any:
        """All lines; that they were taken along is an event."""
        row = self.get_object(request, str(pk))
        proof.ask(request)
        audit.seen(actor=self.person(request), action="review.export", subject=row)
        answer = StreamingHttpResponse(reviews.rows(row), content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="access-review-{row.pk}.csv"'
        return answer

    @display(description="review")
    def name(self, row: AccessReview) -> str:
        """What it is about."""
        return str(row)

    @display(description="state")
    def standing(self, row: AccessReview) -> SafeString:
        """Open, overdue or complete."""
        if row.completed_at:
            return badge("complete", "ok")
        return badge("overdue", "bad") if row.due_at < clock.now() else badge("open", "live")

    @display(description="begun")
    def begun(self, row: AccessReview) -> SafeString:
        """When."""
        return moment(row.started_at)

    @display(description="due")
    def due(self, row: AccessReview) -> SafeString:
        """By when."""
        return moment(row.due_at)

    @display(description="completed by")
    def who(self, row: AccessReview) -> str:
        """Who signed it."""
        return str(row.completed_by or "—")


def _subject(kind: str, key: str) -> Integration | Group | None:
    """What was chosen of `_choices`."""
    if not key:
        return None
    return Integration.objects.get(pk=key) if kind == "integration" else Group.objects.get(pk=key)


def _choices(request: HttpRequest) -> list[Any]:
    integrations = access.visible(request.user, "view", Integration).order_by("title")[:500]
    groups = access.visible(request.user, "view", Group).order_by("name")[:500]
    return [
        ("everything", "Everything"),
        ("One role or group", [(f"group.{one.pk}", one.name) for one in groups]),
        ("One integration", [(f"integration.{one.pk}", str(one)) for one in integrations]),
    ]
