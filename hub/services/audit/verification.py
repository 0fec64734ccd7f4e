"""Verifies all evidence every day on a worker, keeps what came out, and raises an alarm when it is bad or overdue."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from hub import clock, queue
from hub.evidence import GOOD, TAMPERED
from hub.models import Seal, Verification
from hub.services.audit import verify
from hub.services.audit.record import record

DAILY = timedelta(hours=22)  # with an hour between looks and a lost ring still within the limit
LOST = timedelta(hours=2)
SETTLED = timedelta(hours=1)
OVERDUE = timedelta(hours=26)
KEPT = timedelta(days=400)
logger = logging.getLogger(__name__)


@transaction.atomic
def ask_due(now: datetime) -> bool:
    """Ask a worker to verify, when that was not done or asked for lately; returns whether it was asked now."""
    if not _is_due(now):
        return False
    made = Verification.objects.create(begun_at=now)
    Verification.objects.filter(begun_at__lt=now - KEPT).delete()
    queue.ask_verification(made.pk)
    return True


def _is_due(now: datetime) -> bool:
    """The first time an hour after the first seal, then daily; sooner again where a ring was lost."""
    last = Verification.objects.first()
    if last is not None:
        return now - last.begun_at >= (DAILY if last.done_at else LOST)
    seal = Seal.objects.order_by("number").first()
    return seal is not None and now - seal.at >= SETTLED


def run(verification_id: int) -> None:
    """Verify and keep what came out. What is not good is logged, and evidence by itself."""
    asked = Verification.objects.filter(pk=verification_id, done_at=None).first()
    if asked is None:
        return
    found = verify.verify()
    with transaction.atomic():
        asked.done_at, asked.code, asked.told, asked.position = clock.now(), found.code, found.told, found.position
        asked.save()
        head = Seal.objects.first()
        if found.code != GOOD and head is not None:
            detail = {"told": found.told, "position": found.position}
            record(actor=None, action="verification.fail", subject=head, detail=detail)
    if found.code != GOOD:
        logger.error("The evidence could not be verified: %s", found.told)


def newest() -> Verification | None:
    """The last one that was done."""
    return Verification.objects.filter(done_at__isnull=False).first()


def alarms() -> list[str]:
    """What somebody must look at now, one sentence each; empty when evidence was verified lately and is good."""
    last = newest()
    if last is not None and last.code != GOOD:
        where = f" from position {last.position} on" if last.position else ""
        word = "is not as it was sealed" if last.code == TAMPERED else "cannot be judged"
        return [f"The evidence {word}{where}: {last.told}"]
    seal = Seal.objects.order_by("number").first()
    since = last.done_at if last is not None else seal.at if seal else None
    if since is None or clock.now() - since < OVERDUE:
        return []
    hours = int((clock.now() - since).total_seconds() // 3600)
    return [f"The evidence has not been verified for {hours} hours: scheduler and worker must both be running."]
