"""Several changes go out at once: each outcome comes when it is there, and one record's changes keep their order."""

import time
from threading import Barrier, Event, Lock, get_ident

import pytest

from connectors.rest.fan import fan_out
from hub.sdk import Answer, Change, Operation, Outcome


def change(number: int, key: str | None = None) -> Change:
    return Change(str(number), Operation.UPDATE, f"r{number}", key=key or f"k{number}")


def done(of: Change) -> Outcome:
    return Outcome(of.id, Answer.APPLIED)


class TestFanOut:
    def test_keeps_as_many_under_way_as_it_may(self) -> None:
        together = Barrier(4, timeout=10)  # breaks unless four are under way at once

        def task(of: Change) -> Outcome:
            together.wait()
            return done(of)

        found = list(fan_out(task, [change(number) for number in range(8)], 4))

        assert sorted(outcome.change_id for outcome in found) == [str(number) for number in range(8)]

    def test_gives_an_outcome_before_a_slow_one_that_was_begun_earlier(self) -> None:
        slow_may_end = Event()

        def task(of: Change) -> Outcome:
            if of.id == "0":
                slow_may_end.wait(10)
            return done(of)

        outcomes = fan_out(task, [change(0), change(1), change(2)], 2)
        first = [next(outcomes).change_id, next(outcomes).change_id]
        slow_may_end.set()

        assert [*first, next(outcomes).change_id] == ["1", "2", "0"]

    def test_never_has_two_requests_of_one_record_under_way(self) -> None:
        """I4: at most one request a key in flight, in the order given."""
        lock, busy, order = Lock(), set(), []

        def task(of: Change) -> Outcome:
            with lock:
                assert of.key not in busy
                busy.add(of.key)
                order.append(of)
            with lock:
                busy.discard(of.key)
            return done(of)

        list(fan_out(task, [change(number, f"k{number % 3}") for number in range(60)], 8))

        for key in ("k0", "k1", "k2"):
            ids = [int(of.id) for of in order if of.key == key]
            assert ids == sorted(ids)

    def test_begins_nothing_more_once_nobody_reads_on(self) -> None:
        begun: list[str] = []

        def task(of: Change) -> Outcome:
            begun.append(of.id)
            time.sleep(0.001)
            return done(of)

        outcomes = fan_out(task, [change(number) for number in range(5000)], 4)
        next(iter(outcomes))
        outcomes.close()  # type: ignore[attr-defined]  # it is a generator
        count = len(begun)

        assert count < 5000
        assert len(begun) == count

    def test_raises_where_the_outcomes_are_read_what_a_task_raised(self) -> None:
        def task(of: Change) -> Outcome:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(fan_out(task, [change(0), change(1)], 2))

    def test_stays_in_its_thread_when_one_is_all_there_may_be(self) -> None:
        threads: set[int] = set()

        def task(of: Change) -> Outcome:
            threads.add(get_ident())
            return done(of)

        list(fan_out(task, [change(number) for number in range(3)], 1))

        assert threads == {get_ident()}
