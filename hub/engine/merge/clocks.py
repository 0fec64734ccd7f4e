"""Times of change that a mapping declares trustworthy, for the policy that lets the later change win."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hub.sdk import Fields


@dataclass(frozen=True, slots=True)
class Clocks:
    """The fields that hold when a record was last changed, on clocks that are at most `skew` seconds apart."""

    source: str
    destination: str
    skew: float

    def at(self, side: str, data: Fields) -> datetime | None:
        """When this record of `side` was last changed; a time without a zone counts as UTC. None: not known."""
        value = data.get(self.source if side == "source" else self.destination)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                return None
        if not isinstance(value, datetime):
            return None
        return value if value.tzinfo else value.replace(tzinfo=UTC)
