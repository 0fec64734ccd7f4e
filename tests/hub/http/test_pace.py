"""The gate around every request: asked before, told after, whatever happens between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import thread_time
from timeit import timeit

import pytest

from hub.http import WireAnswer, WireRequest
from hub.sdk import HubError, Loss, PacedError, Signal, SignalClass, SilenceError, TransientError
from tests.hub.http.calls import client_of
from tests.hub.http.wires import Script, Wire, always, serving

pytestmark = pytest.mark.usefixtures("carrier")


@dataclass
class Gate:
    """A pace that remembers what it was asked and told; `refusal` keeps everybody out."""

    refusal: PacedError | None = None
    asked: list[tuple[bool, str]] = field(default_factory=list)
    told: list[Signal] = field(default_factory=list)
    width: int = 4

    def enter(self, *, write: bool, origin: str = "") -> None:
        self.asked.append((write, origin))
        if self.refusal:
            raise self.refusal

    def leave(self, signal: Signal) -> None:
        self.told.append(signal)


def ended(script: Script, method: str = "GET", **options: object) -> Signal:
    """What the gate is told of one call that follows this script."""
    gate = Gate()
    with serving(script) as server:
        client = client_of(server, pace=gate, **options)
        try:
            client.call(method, "/things")
        except HubError:
            pass
        finally:
            client.close()
    assert len(gate.asked) == len(gate.told) == 1
    return gate.told[0]


class TestEnter:
    """What is asked before a request."""

    def test_is_told_whether_a_request_writes_and_where_it_goes(self) -> None:
        gate = Gate()
        with serving(always()) as server:
            client = client_of(server, pace=gate)
            client.call("GET", "/things")
            client.call("POST", "/things", json={})
            client.call("POST", "/search", json={}, safe=True)
            client.close()

        assert gate.asked == [(False, server.url), (True, server.url), (False, server.url)]

    def test_keeps_a_request_from_leaving(self) -> None:
        gate = Gate(PacedError("Held.", 30.0))
        with serving(always()) as server:
            client = client_of(server, pace=gate)
            with pytest.raises(TransientError) as raised:
                client.call("POST", "/things", json={})
            client.close()

        assert (server.asked, gate.told, raised.value.code) == ([], [], "paced")


class TestLeave:
    """What is told after a request."""

    def test_says_what_an_answer_means_for_a_write_and_for_a_read(self) -> None:
        failed = always(status="500 Broken")

        assert ended(failed, "POST").kind is SignalClass.AMBIGUOUS
        assert ended(failed).kind is SignalClass.TRANSIENT
        assert ended(always()).status == 200

    def test_says_how_an_answer_was_lost(self) -> None:
        def cut(wire: Wire) -> None:
            wire.read()
            wire.reset()

        def silent(wire: Wire) -> None:
            wire.read()
            wire.read()

        assert ended(cut, "POST").loss is Loss.LOST
        assert ended(silent, "POST", timeout=0.1).loss is Loss.TIMEOUT

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            (("Retry-After: 120",), 120.0),
            (("Retry-After: Wed, 25 Nov 2026 12:02:00 GMT", "Date: Wed, 25 Nov 2026 12:00:00 GMT"), 120.0),
        ],
    )
    def test_says_how_long_to_wait_in_either_form(self, headers: tuple[str, ...], seconds: float) -> None:
        def slow_down(wire: Wire) -> None:
            wire.read()
            wire.answer(b"", *headers, status="429 Slow down")

        signal = ended(slow_down, "POST")

        assert (signal.kind, signal.retry_after) == (SignalClass.THROTTLED, seconds)

    def test_says_what_is_left_of_a_quota(self) -> None:
        def counted(wire: Wire) -> None:
            wire.read()
            wire.answer(b"{}", "X-Left: 7", "X-Whole-In: 30")

        def quota(headers: Mapping[str, str]) -> tuple[int | None, float | None]:
            return int(headers["x-left"]), float(headers["x-whole-in"])

        signal = ended(counted, quota=quota)

        assert (signal.remaining, signal.reset) == (7, 30.0)

    def test_says_what_the_system_means_where_that_differs(self) -> None:
        def override(answer: WireAnswer) -> SignalClass | None:
            return SignalClass.THROTTLED if answer.status == 403 else None

        assert ended(always(status="403 Too many"), "POST", override=override).kind is SignalClass.THROTTLED

    def test_is_told_even_when_a_carrier_breaks(self) -> None:
        class Broken:
            def send(self, request: WireRequest) -> WireAnswer:
                raise RuntimeError("a bug")

            def close(self) -> None:
                pass

        gate = Gate()
        with pytest.raises(RuntimeError):
            client_of("http://127.0.0.1:1", pace=gate, transport=Broken()).call("POST", "/things", json={})

        assert [signal.kind for signal in gate.told] == [SignalClass.AMBIGUOUS]


def test_one_retry_layer_no_carrier_sends_a_write_twice() -> None:
    """I20 and rule 8 of the design: what is lost below the hub stays lost until the hub decides."""

    def cut(wire: Wire) -> None:
        wire.read()
        wire.reset()

    with serving(cut) as server:
        client = client_of(server)
        with pytest.raises(SilenceError):
            client.call("POST", "/things", json={})
        with pytest.raises(TransientError):
            client.call("GET", "/things")
        client.close()

    assert len(server.asked) == 2


def test_a_gate_costs_a_request_next_to_nothing() -> None:
    class Instant:
        def send(self, request: WireRequest) -> WireAnswer:
            return WireAnswer(200, {}, b"")

        def close(self) -> None:
            pass

    class Open:
        width = 1

        def enter(self, *, write: bool, origin: str = "") -> None: ...

        def leave(self, signal: Signal) -> None: ...

    def cost(**options: object) -> float:
        client = client_of("http://127.0.0.1:1", transport=Instant(), **options)
        return (
            min(timeit(lambda: client.call("GET", "/things"), timer=thread_time, number=100) for _ in range(20)) / 100
        )

    assert cost(pace=Open()) - cost() < 20e-6
