"""What the home page must say first: evidence that is bad or not verified, reviews of access that are overdue."""

from django.http import HttpRequest
from django.urls import reverse

from hub.models import AccessReview, AuditEvent, MainSwitch
from hub.services import access
from hub.services import review as reviews
from hub.services.audit import verification

Alarm = tuple[str, str, str]  # words, address, what the link says


def alarms(request: HttpRequest) -> list[Alarm]:
    """Each for those whom it concerns: evidence for auditors and operators, reviews for those who decide them."""
    found: list[Alarm] = []
    may_read = access.can(request.user, "view", AuditEvent).allowed
    if may_read or access.can(request.user, "pause", MainSwitch):
        where = reverse("admin:hub_auditevent_changelist") if may_read else reverse("admin:hub_mainswitch_changelist")
        label = "Open the audit trail" if may_read else "Pause the hub"
        found += [(told, where, label) for told in verification.alarms()]
    if access.can(request.user, "decide", AccessReview):
        found += [
            (f"The {row} is overdue since {row.due_at:%d %B}.", reverse("admin:hub_accessreview_change", args=[row.pk]),
             "Go on with it")
            for row in reviews.overdue()
        ]  # fmt: skip
    return found
