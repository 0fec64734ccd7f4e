"""The page that tells what happened to an object, or by and to a person."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse

from hub.admin import trail
from hub.admin.deed import BARE
from hub.admin.history import HistoryPage
from hub.models import User
from hub.services import access, audit
from hub.services.story import timeline

STEP, WIDTH, HEIGHT = 11, 8, 36
# Of governed tables without a history page: what may be read. Of what secrets are made of, nothing.
PLAIN: dict[str, frozenset[str]] = {
    "hub_user": frozenset({"username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser"}),
    "hub_user_groups": frozenset({"user_id", "group_id"}),
    "hub_user_user_permissions": frozenset({"user_id", "permission_id"}),
    "auth_group": frozenset({"name"}),
    "auth_group_permissions": frozenset({"group_id", "permission_id"}),
    **dict.fromkeys(
        ("hub_integrationgrant", "hub_credentialgrant"),
        frozenset({"content_object_id", "group_id", "permission_id", "scopes", "given_by", "reason"}),
    ),
    "hub_credentialversion": frozenset({"number", "state", "fields", "made_by_id", "retires_at", "expires_at"}),
    "hub_mainswitch": frozenset({"is_paused", "paused_reason"}),
    "hub_accessreview": frozenset({"scope", "scope_name", "reason", "due_at", "completed_at", "statement", "digest"}),
    "hub_accessline": frozenset({"verdict", "decided_by", "reason", "carried_by"}),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the picture."""

    x: int
    y: float
    height: float
    title: str


def allowed() -> dict[str, frozenset[str]]:
    """The columns of each governed table that may be read: those of its history page, or those said above."""
    found = dict(PLAIN)
    for model, one in admin.site._registry.items():  # noqa: SLF001  Django offers no other way
        if isinstance(one, HistoryPage) and one.history_fields:
            fields = (model._meta.get_field(name) for name in one.history_fields)
            found[model._meta.db_table] = frozenset(str(getattr(field, "column", "")) for field in fields)
    return found


def view(request: HttpRequest) -> HttpResponse:
    """What happened, newest first."""
    row = _asked(request)
    if row is None or not timeline.may_see(request.user, row):
        raise Http404("There is no such timeline, or you may not see it.")
    if isinstance(request.user, User):
        audit.viewed(actor=request.user, page="timeline")
    page = timeline.timeline(row, allowed(), request.GET.get("before", ""))
    days = timeline.days(row)
    is_person = isinstance(row, User)
    context = {
        **admin.site.each_context(request), **BARE,
        "title": f"Timeline of {row}",
        "has_own_title": True,
        "kind": audit.SUBJECTS[str(row._meta.model_name)],
        "told": page.told,
        "sides": timeline.SIDES,
        "older_url": f"?of={request.GET['of']}&before={page.older}" if page.older else "",
        "newest_url": f"?of={request.GET['of']}" if request.GET.get("before") else "",
        "bars": _bars(days),
        "label": f"{sum(count for _, count in days):,} events in four weeks",
        "page_of_row": _page_of(row),
        "rights_url": _rights(request, row),
        "may_open": access.can(request.user, "view", apps.get_model("hub", "AuditEvent")).allowed,
        "is_person": is_person,
    }  # fmt: skip
    return TemplateResponse(request, "admin/hub/auditevent/timeline.html", context)


def _asked(request: HttpRequest) -> Model | None:
    """The row that is asked about; events of one that is gone are found in the list."""
    subject, _, key = request.GET.get("of", "").partition(".")
    model = trail.model_of(subject) if subject in audit.SUBJECTS else None
    if model is None or not key.isdecimal() or len(key) > 18:
        return None
    return model._default_manager.filter(pk=int(key)).first()


def _page_of(row: Model) -> str:
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


def _rights(request: HttpRequest, row: Model) -> str:
    """Where rights of a person, or on an object, are told for a moment."""
    may_see = access.can(request.user, "view", apps.get_model("hub", "AuditEvent")).allowed
    kind = str(row._meta.model_name)
    if not may_see or kind not in ("user", "integration", "credential"):
        return ""
    return f"{reverse('admin:hub_auditevent_rights')}?of={kind}.{row.pk}"


def _bars(days: list[tuple[Any, int]]) -> list[Bar]:
    """The height is the square root of the count, so that a quiet day is seen beside a busy one."""
    top = max(count for _, count in days) ** 0.5 or 1
    heights = [round(3 + count**0.5 / top * (HEIGHT - 3), 1) if count else 1 for _, count in days]
    return [
        Bar(place * STEP, HEIGHT - height, height, f"{day:%d %b}: {count:,}")
        for place, ((day, count), height) in enumerate(zip(days, heights, strict=True))
    ]
