"""Time that passes only when a test says so; the third parties and the hub read the same clock, or a skewed one."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


class SimulatedTime:
    """Seconds since a fixed morning. `skew` is how far a third party's own clock is ahead, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        """What `hub.clock.now` says meanwhile."""
        return START + timedelta(seconds=self.seconds)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
