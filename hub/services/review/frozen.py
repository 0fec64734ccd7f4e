"""Begins a review: writes down who has what now, given by whom, when and why, and when it was last used."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet

from hub import clock
from hub.models import (
    AccessLine,
    AccessReview,
    AuditEvent,
    CapturedRow,
    CredentialGrant,
    Grant,
    Integration,
    IntegrationGrant,
    LineKind,
    ReviewScope,
    User,
)
from hub.sdk import FatalError
from hub.services import access, audit
from hub.services import grant as grants

LEAST_REASON = 15
Subject = Integration | Group | None


@transaction.atomic
def start(*, subject: Subject, due_at: datetime, by: User, reason: str) -> AccessReview:
    """Begin a review of everything (None), of one integration, or of one role or group. Raises FatalError."""
    decision = access.can(by, "decide", AccessReview)
    if not decision:
        raise FatalError(decision.reason)
    if len(reason.strip()) < LEAST_REASON:
        raise FatalError(f"Give a reason of at least {LEAST_REASON} characters.")
    now = clock.now()
    if due_at <= now:
        raise FatalError("It must be due later than now.")
    review = AccessReview.objects.create(
        scope=_scope(subject), scope_id=subject.pk if subject else None,
        scope_name=str(subject) if subject else "everything",
        reason=reason[:300], started_at=now, started_by=by, due_at=due_at,
    )  # fmt: skip
    used = LastUse()
    made = list(_lines(review, subject, used))
    AccessLine.objects.bulk_create(made, batch_size=500)
    audit.record(actor=by, action="review.start", subject=review, detail={"lines": len(made)}, reason=reason)
    return review


class LastUse:
    """When each person last did anything here, looked up once."""

    def __init__(self) -> None:
        self._known: dict[int, datetime | None] = {}

    def of(self, person: User) -> datetime | None:
        """The last sign-in or the last event of theirs, whichever is later."""
        if person.pk not in self._known:
            newest = AuditEvent.objects.filter(actor=person.pk).order_by("-pk").values_list("at", flat=True).first()
            self._known[person.pk] = max(filter(None, (person.last_login, newest)), default=None)
        return self._known[person.pk]


def _scope(subject: Subject) -> str:
    if subject is None:
        return ReviewScope.EVERYTHING
    return ReviewScope.INTEGRATION if isinstance(subject, Integration) else ReviewScope.ROLE


def _lines(review: AccessReview, subject: Subject, used: LastUse) -> Iterator[AccessLine]:
    if subject is None:
        yield from _superusers(review, used)
    if not isinstance(subject, Group):
        yield from _owners(
            review, Integration.objects.filter(pk=subject.pk) if subject else Integration.objects.all(), used
        )
    yield from _grants(review, subject, used)
    yield from _members(review, subject, used)


def _superusers(review: AccessReview, used: LastUse) -> Iterator[AccessLine]:
    for person in User.objects.filter(is_superuser=True, is_active=True).order_by("username"):
        yield _of_person(review, person, used, kind=LineKind.SUPERUSER, source_id=person.pk, allowed="do everything")


def _owners(review: AccessReview, rows: QuerySet[Integration], used: LastUse) -> Iterator[AccessLine]:
    for integration in rows.select_related("owner", "deputy").order_by("title"):
        for word, person in (("owner", integration.owner), ("deputy", integration.deputy)):
            yield _of_person(
                review, person, used, kind=LineKind.OWNER, source_id=integration.pk, subject="integration",
                subject_name=str(integration)[:255], allowed=f"do all that concerns it, as {word}", group_name=word,
            )  # fmt: skip


def _grants(review: AccessReview, subject: Subject, used: LastUse) -> Iterator[AccessLine]:
    for table in (IntegrationGrant, CredentialGrant):
        rows: Any = table._default_manager.select_related("group", "permission", "content_object")
        if isinstance(subject, Integration):
            rows = rows.filter(content_object=subject) if table is IntegrationGrant else rows.none()
        elif isinstance(subject, Group):
            rows = rows.filter(group=subject)
        for grant in rows.order_by("group__name", "pk"):
            yield _of_grant(review, grant, used)


def _members(review: AccessReview, subject: Subject, used: LastUse) -> Iterator[AccessLine]:
    rows = User.groups.through.objects.filter(user__is_active=True).select_related("user", "group")
    if isinstance(subject, Group):
        rows = rows.filter(group=subject)
    elif isinstance(subject, Integration):
        rows = rows.filter(group__in=IntegrationGrant.objects.filter(content_object=subject).values("group"))
    found = list(rows.order_by("user__username", "group__name"))
    given = _given([row.pk for row in found])
    for row in found:
        by, at, why = given.get(row.pk, ("", None, ""))
        role = access.ROLES.get(row.group.name)
        yield _of_person(
            review, row.user, used, kind=LineKind.MEMBER, source_id=row.pk, group_id=row.group_id,
            group_name=row.group.name, allowed=(role.task if role else _reach(row.group))[:300],
            given_by=by, given_at=at, given_why=why,
        )  # fmt: skip


def _reach(group: Group) -> str:
    if group.name == access.WHOLE_HUB:
        return "what their roles say, everywhere"
    return "what the group was given, as far as their roles go"


def _of_person(review: AccessReview, person: User, used: LastUse, **more: Any) -> AccessLine:
    return AccessLine(
        review=review, person_id=person.pk, person_name=person.get_username(), members=[person.pk],
        last_used=used.of(person), **more,
    )  # fmt: skip


def _of_grant(review: AccessReview, grant: Grant, used: LastUse) -> AccessLine:
    members = list(User.objects.filter(groups=grant.group_id, is_active=True))
    subject = grant.content_object
    last = max(filter(None, (used.of(person) for person in members)), default=None)
    return AccessLine(
        review=review, kind=LineKind.GRANT, source_id=grant.pk, group_id=grant.group_id, group_name=grant.group.name,
        subject=subject._meta.model_name or "", subject_name=str(subject)[:255], allowed=grants.said(grant)[:300],
        members=[person.pk for person in members], given_by=grant.given_by, given_at=grant.given_at,
        given_why=grant.reason, last_used=last,
    )  # fmt: skip


def _given(keys: list[int]) -> dict[int, tuple[str, datetime, str]]:
    """Who put whom into a group when, and with what reason, by the number of the membership."""
    rows = CapturedRow.objects.filter(
        table_name="hub_user_groups", operation="insert", key__in=[str(key) for key in keys]
    )
    found = list(rows.order_by("pk").values_list("key", "actor_name", "at", "request"))
    requests = {request for *_, request in found if request}
    said = AuditEvent.objects.filter(request__in=requests, subject="user").exclude(reason="").exclude(request="")
    reasons = dict(said.values_list("request", "reason"))
    return {int(key): (actor, at, reasons.get(request, "")) for key, actor, at, request in found}
