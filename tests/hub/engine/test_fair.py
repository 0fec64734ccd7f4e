"""An integration's share of the workers does not grow with its backlog or the number of its lanes."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import fair

HOUR = 3600.0


def shared(lanes: dict[str, int], seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """(seconds of one worker that each integration got, the longest any of its lanes waited): all have endless work."""
    queue = deque((name, 0.0) for name, count in lanes.items() for _ in range(count))
    got, waited, now = dict.fromkeys(lanes, 0.0), dict.fromkeys(lanes, 0.0), 0.0
    while now < seconds:
        name, since = queue.popleft()
        waited[name] = max(waited[name], now - since)
        turn = fair.turn_seconds(lanes[name])
        got[name] += turn
        now += turn
        queue.append((name, now))
    return got, waited


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10), min_size=2))
def test_integrations_share_evenly_however_many_lanes_they_have(lanes: dict[str, int]) -> None:
    got, _ = shared(lanes, 10 * HOUR)

    assert max(got.values()) <= 1.1 * min(got.values())


@given(st.integers(1, 64))
def test_one_record_waits_at_most_a_round_beside_a_million(lanes: int) -> None:
    _, waited = shared({"large": lanes, "small": 1}, HOUR)

    assert waited["small"] <= max(fair.QUANTUM, lanes * fair.LEAST) + fair.LEAST


def test_a_turn_is_never_so_short_that_opening_connections_is_most_of_it() -> None:
    assert fair.turn_seconds(64) == fair.LEAST
    assert fair.turn_seconds(1) == fair.turn_seconds(0) == fair.QUANTUM
