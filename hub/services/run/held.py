"""Lets runs and changes wait while a connection is held, without counting it as a try of theirs.

A connection is held while its breaker is open, while it asked to be left alone, or while its quota is used up.
"""

import logging
from datetime import datetime

from hub import clock
from hub.engine.intent import State
from hub.models import Change, Mapping
from hub.sdk import HubError, Opened, PacedError
from hub.services import pace
from hub.services.pace import Hold
from hub.services.run.flow import Flow

WAITING = (State.READY, State.RETRY_WAIT, State.AUTH_HELD, State.AMBIGUOUS, State.PROBING)
logger = logging.getLogger(__name__)


def refuse(mapping: Mapping) -> None:
    """Raise PacedError when one of the mapping's connections is held and nobody may try it yet."""
    now = clock.now()
    for end in (mapping.source, mapping.destination):
        hold = pace.hold_of(end, now)
        if hold is not None and not hold.is_due:
            raise _paced(hold, now)


def go_on_or_wait(flow: Flow) -> None:
    """Try a held connection with its harmless call when that is due. Raises PacedError while it stays held."""
    mapping = flow.mapping
    holds = pace.holds_of([mapping.source, mapping.destination], clock.now())  # asked for every page
    for end, system in ((mapping.source, flow.source), (mapping.destination, flow.destination)):
        hold = holds.get(end.pk)
        if hold is not None and hold.is_due and isinstance(system, Opened):
            _try(system, end.name)
            hold = pace.hold_of(end, clock.now())
        if hold is not None:
            raise _paced(hold, clock.now())


def put_off(mapping: Mapping) -> bool:
    """Whether the mapping's waiting changes cannot be settled now; then they are due when the hold ends."""
    now = clock.now()
    for end in (mapping.source, mapping.destination):
        hold = pace.hold_of(end, now)
        if hold is not None and not hold.is_due:
            waiting = Change.objects.filter(mapping=mapping, state__in=[state.value for state in WAITING])
            waiting.exclude(due_at__gt=hold.until).update(due_at=hold.until)
            return True
    return False


def _try(system: Opened, name: str) -> None:
    """One harmless call. What it proves, the connection's gate has told everybody when it ends."""
    try:
        system.check()
    except HubError as error:
        logger.info("%s was tried and does not work yet: %s", name, error)


def _paced(hold: Hold, now: datetime) -> PacedError:
    return PacedError(hold.reason, max(1.0, (hold.until - now).total_seconds()))
