"""Tells people that a connection is held or works again: once for each integration, however many records wait."""

from django.db.models import Q

from hub.engine.breaker import BreakerState
from hub.models import Connection, Integration, RateState
from hub.services import audit

HELD, WORKS = "connection.held", "connection.works"


def told(connection: Connection, row: RateState, before: str) -> None:
    """Note in the audit trail, in the transaction of the change, that the breaker opened or closed.

    A probe that failed is no news: between two events of an integration there is always one of the other kind.
    """
    was_closed, is_closed = before == BreakerState.CLOSED, row.breaker == BreakerState.CLOSED
    if was_closed == is_closed:
        return
    action = WORKS if is_closed else HELD
    reason = row.reason if action == HELD else f"“{connection}” works again."
    for integration in Integration.objects.filter(
        Q(mappings__source=connection) | Q(mappings__destination=connection)
    ).distinct():
        audit.record(
            actor=None, action=action, subject=integration, reason=reason,
            detail={"connection": connection.name, "origin": row.origin, "code": row.code},
        )  # fmt: skip
