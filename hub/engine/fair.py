"""Fair share of workers between integrations: deficit round robin with turns of limited length.

Lanes take turns in the order in which they were rung. The lanes of one integration share one quantum of a round, so
an integration with many lanes or a long backlog gets no more of a round than one with a single record.
Deficit round robin: Shreedhar and Varghese, https://dl.acm.org/doi/10.1145/217382.217453
"""

QUANTUM = 20.0  # seconds of one worker that an integration has in a round
LEAST = 2.0  # seconds of a turn; a shorter one would go into opening connections


def turn_seconds(busy_lanes: int) -> float:
    """How long a turn of a lane lasts when so many lanes of its integration have work."""
    return max(LEAST, QUANTUM / max(1, busy_lanes))
