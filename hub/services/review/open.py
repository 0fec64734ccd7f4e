"""How reviews stand: progress, what is overdue, and all lines as a table."""

from collections.abc import Iterator

from django.db.models import Count

from hub import clock
from hub.models import AccessReview, Verdict
from hub.services.export import table

MOST = 5
COLUMNS = (
    "kind", "person_name", "group_name", "subject", "subject_name", "allowed", "given_by", "given_at", "given_why",
    "last_used", "verdict", "decided_by", "decided_at", "reason", "carried_by", "carried_at",
)  # fmt: skip


def counts(review: AccessReview) -> dict[str, int]:
    """How many lines stand how, in the order of verdicts."""
    found = dict(review.lines.order_by().values_list("verdict").annotate(Count("pk")))
    return {verdict.value: found.get(verdict.value, 0) for verdict in Verdict}


def overdue() -> list[AccessReview]:
    """The reviews that should be complete and are not, the oldest first."""
    return list(AccessReview.objects.filter(completed_at=None, due_at__lt=clock.now()).order_by("due_at")[:MOST])


def rows(review: AccessReview) -> Iterator[str]:
    """All lines as CSV."""
    yield table.line(COLUMNS)
    for values in review.lines.order_by("pk").values_list(*COLUMNS).iterator(chunk_size=1_000):
        yield table.line("" if value is None else str(value) for value in values)
