"""Decides the lines of a review, carries out what is to be revoked, and completes the review."""

import hashlib
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from hub import clock
from hub.evidence import canonical
from hub.models import (
    AccessLine,
    AccessReview,
    CredentialGrant,
    Grant,
    Integration,
    IntegrationGrant,
    LineKind,
    User,
    Verdict,
)
from hub.sdk import FatalError
from hub.services import access, audit
from hub.services import grant as grants
from hub.services import person as people
from hub.services.audit.content import moment

LEAST_STATEMENT = 15
DECIDED = (Verdict.KEEP, Verdict.REVOKED)
# What a completed review came to is reckoned from these.
SIGNED = (
    "id", "kind", "person_id", "person_name", "group_id", "group_name", "source_id", "subject", "subject_name",
    "allowed", "given_by", "verdict", "decided_by", "reason", "carried_by",
)  # fmt: skip


@transaction.atomic
def keep(*, line: AccessLine, by: User, reason: str) -> AccessLine:
    """Say that the right is still needed. Raises FatalError where `by` may not decide this line."""
    found = _open_line(line, by, (Verdict.OPEN, Verdict.REVOKE, Verdict.KEEP))
    return _decided(found, by, Verdict.KEEP, reason)


@transaction.atomic
def revoke(*, line: AccessLine, by: User, reason: str) -> AccessLine:
    """Say that the right must go; it goes at once where `by` may take it, else a Security admin carries it out."""
    found = _open_line(line, by, (Verdict.OPEN, Verdict.KEEP))
    _decided(found, by, Verdict.REVOKE, reason)
    return _carried(found, by) if _may_carry(found, by) and not _stays(found) else found


@transaction.atomic
def carry(*, line: AccessLine, by: User) -> AccessLine:
    """Take the right that somebody decided to revoke. Raises FatalError where `by` may not."""
    found = _locked(line)
    if found.verdict != Verdict.REVOKE:
        raise FatalError("Nobody decided to revoke this.")
    if by.pk in found.members or not _may_carry(found, by):
        raise FatalError("Carrying it out is for a Security admin who does not have the right themselves.")
    if _stays(found):
        raise FatalError(_stays(found))
    return _carried(found, by)


@transaction.atomic
def complete(*, review: AccessReview, by: User, statement: str) -> AccessReview:
    """Sign a review of which every line is decided and carried out. Raises FatalError."""
    found = AccessReview.objects.select_for_update().get(pk=review.pk)
    if not access.can(by, "decide", found):
        raise FatalError("You may not decide reviews of access.")
    if found.completed_at:
        raise FatalError("It is complete.")
    left = found.lines.exclude(verdict__in=DECIDED).count()
    if left:
        raise FatalError(f"{left} lines are still to be decided or carried out.")
    if len(statement.strip()) < LEAST_STATEMENT:
        raise FatalError(f"Say in at least {LEAST_STATEMENT} characters what was looked at and what came out.")
    found.completed_at, found.completed_by, found.statement = clock.now(), by, statement[:300]
    found.digest = digest(found)
    found.save()
    detail = {
        "sha256": found.digest,
        **{verdict.value: found.lines.filter(verdict=verdict).count() for verdict in DECIDED},
    }
    audit.record(actor=by, action="review.complete", subject=found, detail=detail, reason=statement)
    return found


def digest(review: AccessReview) -> str:
    """What all lines and decisions come to."""
    reckoned = hashlib.sha256()
    for values in review.lines.order_by("pk").values_list(*SIGNED, "decided_at", "carried_at").iterator():
        reckoned.update(canonical([moment(one) if hasattr(one, "astimezone") else one for one in values]))
    return reckoned.hexdigest()


def _locked(line: AccessLine) -> AccessLine:
    """The line as it is now. The review is held as well, so that it is not completed meanwhile."""
    review = AccessReview.objects.select_for_update().get(pk=line.review_id)
    found = AccessLine.objects.select_for_update().get(pk=line.pk)
    if review.completed_at:
        raise FatalError("This review is complete. What it decided stays; begin another one.")
    return found


def _open_line(line: AccessLine, by: User, states: tuple[Verdict, ...]) -> AccessLine:
    found = _locked(line)
    decision = access.can(by, "decide", found)
    if not decision:
        raise FatalError(decision.reason)
    if by.pk in found.members:
        raise FatalError("This is about you: somebody else decides it.")
    if found.given_by == by.get_username():
        raise FatalError("You gave this right: somebody else decides it.")
    if found.verdict not in states:
        raise FatalError(f"It is {found.get_verdict_display()} already.")
    return found


def _decided(line: AccessLine, by: User, verdict: Verdict, reason: str) -> AccessLine:
    line.verdict, line.decided_by, line.decided_at = verdict, by.get_username(), clock.now()
    line.reason = reason[:300]
    line.save()
    action = "review.keep" if verdict == Verdict.KEEP else "review.revoke"
    _record(line, by, action)
    return line


def _carried(line: AccessLine, by: User) -> AccessLine:
    CARRY[line.kind](line, by)
    line.verdict, line.carried_by, line.carried_at = Verdict.REVOKED, by.get_username(), clock.now()
    line.save()
    _record(line, by, "review.revoked")
    return line


def _may_carry(line: AccessLine, by: User) -> bool:
    if line.kind == LineKind.SUPERUSER:
        return by.is_superuser
    person = User.objects.filter(pk=line.person_id or 0).first() if line.kind == LineKind.MEMBER else None
    if person is not None and not access.can(by, "change", person):
        return False
    return access.can(by, "carry", line).allowed and people.may_give_any_role(by)


def _stays(line: AccessLine) -> str:
    """What must be done elsewhere first; empty when it can be taken here."""
    if line.kind == LineKind.OWNER and line.person_id in _holders(line):
        return f"{line.subject_name} needs another {line.group_name}: name one on its page, then carry this out."
    return ""


def _holders(line: AccessLine) -> set[int]:
    column = "owner_id" if line.group_name == "owner" else "deputy_id"
    return set(Integration.objects.filter(pk=line.source_id).values_list(column, flat=True))


def _take_member(line: AccessLine, by: User) -> None:
    membership = User.groups.through.objects.filter(pk=line.source_id).first()
    if membership is not None:  # it may have gone in another way
        group = Group.objects.get(pk=membership.group_id)
        people.take(person=User.objects.get(pk=membership.user_id), group=group, by=by, reason=line.reason)


def _take_grant(line: AccessLine, by: User) -> None:
    table: type[Grant] = IntegrationGrant if line.subject == "integration" else CredentialGrant
    found = table._default_manager.filter(pk=line.source_id).first()
    if found is not None:
        grants.take(grant=found, by=by, reason=line.reason)


def _take_superuser(line: AccessLine, by: User) -> None:
    person = User.objects.select_for_update().get(pk=line.source_id)
    person.is_superuser = False
    person.save(update_fields=["is_superuser"])
    values: dict[str, Any] = {"before": {"is_superuser": True}, "after": {"is_superuser": False}}
    audit.record(actor=by, action="user.change", subject=person, reason=line.reason, **values)


def _leave(line: AccessLine, by: User) -> None:
    """An owner was replaced on the page of the integration."""


def _record(line: AccessLine, by: User, action: str) -> None:
    detail = {"review": line.review_id, "kind": line.kind, "allowed": line.allowed}
    audit.record(actor=by, action=action, subject=line, detail=detail, reason=line.reason)


CARRY = {
    LineKind.MEMBER.value: _take_member,
    LineKind.GRANT.value: _take_grant,
    LineKind.SUPERUSER.value: _take_superuser,
    LineKind.OWNER.value: _leave,
}
