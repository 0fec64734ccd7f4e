"""The circuit breaker leaves a broken system alone, and finds out with the least that it works again (I20)."""

from hypothesis import given
from hypothesis import strategies as st

from hub.engine import breaker
from hub.engine.breaker import Breaker, BreakerState
from hub.engine.tally import Slot

NOW = 1_800_000_000.0
OPEN = breaker.opened(Breaker(), now=NOW, code="calls", reason="It does not answer.")


class TestTrips:
    def test_at_half_of_twenty_calls(self) -> None:
        assert breaker.trips(Slot(NOW, calls=20, transients=10), 0)
        assert not breaker.trips(Slot(NOW, calls=19, transients=19), 4)
        assert not breaker.trips(Slot(NOW, calls=100, transients=49), 0)

    def test_at_five_in_a_row_however_few_calls_there_are(self) -> None:
        assert breaker.trips(Slot(NOW, calls=1, transients=1), 5)


class TestPermit:
    def test_nothing_leaves_before_the_probe_is_due(self) -> None:
        assert breaker.permit(OPEN, write=False, now=NOW + 29).allowed is False
        assert breaker.permit(OPEN, write=False, now=NOW + 29).wait == 1.0

    def test_a_read_goes_first(self) -> None:
        assert not breaker.permit(OPEN, write=True, now=NOW + 31).allowed
        assert breaker.permit(OPEN, write=False, now=NOW + 31).is_probe

    def test_only_one_probe_is_under_way(self) -> None:
        probing = breaker.claimed(OPEN, now=NOW + 31)

        assert not breaker.permit(probing, write=False, now=NOW + 32).allowed
        assert breaker.permit(probing, write=False, now=NOW + 31 + breaker.PROBE_TIME).is_probe

    def test_after_the_read_one_write_goes_and_then_everything(self) -> None:
        proven = breaker.proven(breaker.claimed(OPEN, now=NOW + 31), write=False, is_written=True)
        trying = breaker.claimed(proven, now=NOW + 32)

        assert breaker.permit(proven, write=False, now=NOW + 32).allowed
        assert breaker.permit(proven, write=True, now=NOW + 32).is_probe
        assert not breaker.permit(trying, write=True, now=NOW + 33).allowed
        assert breaker.proven(trying, write=True, is_written=True) == Breaker()

    def test_a_read_is_enough_where_nobody_writes(self) -> None:
        assert breaker.proven(breaker.claimed(OPEN, now=NOW + 31), write=False, is_written=False) == Breaker()


class TestOpened:
    def test_waits_twice_as_long_after_each_failed_probe_up_to_a_quarter_of_an_hour(self) -> None:
        waits, stands = [], OPEN
        for _ in range(8):
            waits.append((stands.probe_at or 0) - NOW)
            stands = breaker.opened(breaker.claimed(stands, now=NOW), now=NOW, code="", reason="Still not.")

        assert waits == [30, 60, 120, 240, 480, 900, 900, 900]

    def test_keeps_the_beginning_of_the_outage_and_its_cause(self) -> None:
        again = breaker.opened(breaker.claimed(OPEN, now=NOW + 31), now=NOW + 40, code="", reason="Still not.")

        assert (again.opened_at, again.code) == (NOW, "calls")

    def test_gives_refused_credentials_more_time(self) -> None:
        assert breaker.opened(Breaker(), now=NOW, code="auth", reason="No.").probe_at == NOW + 300


STEP = st.tuples(st.sampled_from(["read", "write", "wait", "fail", "succeed"]), st.floats(0, 400))


def asked(stands: Breaker, *, write: bool, now: float) -> tuple[Breaker, bool]:
    """(the breaker after a request was asked for, whether a probe leaves), checked against what may leave."""
    permit = breaker.permit(stands, write=write, now=now)
    if permit.is_probe:
        assert stands.state is BreakerState.HALF_OPEN or now >= (stands.probe_at or 0)
        assert not write or stands.is_read_proven
        assert now >= (stands.probing_until or 0)
        return breaker.claimed(stands, now=now), True
    assert not permit.allowed or stands.state is BreakerState.CLOSED or (stands.is_read_proven and not write)
    return stands, False


@given(st.lists(STEP, max_size=60))
def test_no_call_leaves_an_open_breaker_except_one_probe(steps: list[tuple[str, float]]) -> None:
    """I20, over any history of requests, answers and waits."""
    stands, now, under_way = OPEN, NOW, ""
    for what, seconds in steps:
        if what == "wait":
            now += seconds
        elif what in ("read", "write"):
            stands, leaves = asked(stands, write=what == "write", now=now)
            under_way = what if leaves else under_way
        elif under_way and what == "fail":
            stands, under_way = breaker.opened(stands, now=now, code="", reason="No."), ""
            assert not breaker.permit(stands, write=False, now=now).allowed
        elif under_way:
            stands, under_way = breaker.proven(stands, write=under_way == "write", is_written=True), ""
