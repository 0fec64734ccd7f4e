"""When secrets end, and how soon people are warned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.models import Credential

LEVELS = (30, 14, 7, 1)  # days before the end at which the warning grows; the last two are loud
LOUD = 7


@dataclass(frozen=True, slots=True)
class Warned:
    """How near the end of a credential is. `level`: days of the warning it is in; 0 when it is over."""

    credential: Credential
    ends: datetime
    level: int

    @property
    def tone(self) -> str:
        """How loud it is to be said."""
        return "bad" if self.level <= LOUD else "warn"


def warned(credential: Credential, moment: datetime) -> Warned | None:
    """The warning that a credential is in; None while there is time, or without an end."""
    ends = credential.expires_at
    if ends is None:
        return None
    left = ends - moment
    if left <= timedelta(0):
        return Warned(credential, ends, 0)
    level = min((days for days in LEVELS if left <= timedelta(days=days)), default=None)
    return None if level is None else Warned(credential, ends, level)


def ending(credentials: Iterable[Credential], moment: datetime) -> list[Warned]:
    """Those of which people are to be warned, the nearest end first."""
    found = [one for one in (warned(credential, moment) for credential in credentials) if one is not None]
    return sorted(found, key=lambda one: one.ends)


def horizon(moment: datetime) -> datetime:
    """Until then an end is worth a warning."""
    return moment + timedelta(days=LEVELS[0])
