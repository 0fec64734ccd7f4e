"""A pause stops a page on its way (R-06): what has not left goes back, the run waits, and nothing is sent twice."""

from collections.abc import Iterator, Sequence

import pytest

from hub.engine.intent import State
from hub.models import Change, RunState, SyncRun
from hub.sdk import NOT_BEGUN, Answer, Orders, Outcome
from hub.sdk import Change as Order
from hub.services import pause
from hub.services import run as runs
from hub.services.run import portion
from tests.hub.services.run.conftest import Pair


def pause_after(pair: Pair, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody pauses everything while the request of this number is at the destination."""
    apply, sent = pair.destination.apply, []

    def slow(stream: str, changes: Sequence[Order]) -> Iterator[Outcome]:
        for outcome in apply(stream, changes):
            sent.append(outcome.change_id)
            if len(sent) == count:
                pause.pause(row=pause.main_switch(), by=None, reason="network change")
            yield outcome

    monkeypatch.setattr(pair.destination, "apply", slow)
    monkeypatch.setattr(portion, "fitting", lambda size, seconds: 1)
    monkeypatch.setattr(portion, "_first", lambda flow: 1)


@pytest.fixture
def page(pair: Pair) -> Pair:
    """Ten new records, all in one page."""
    pair.mapping.page_size = 10
    pair.mapping.save()
    for number in range(10):
        pair.source.put(f"c{number}", name=f"Name {number}", city="Ulm")
    return pair


class TestAPauseInALongPage:
    def test_lets_nothing_more_leave(self, page: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        pause_after(page, 4, monkeypatch)

        run = page.run()

        assert len(page.destination.effects) == 4
        assert [state for _, state in page.states()] == [State.APPLIED] * 4 + [State.READY] * 6
        assert (run.state, run.reason_code, run.in_flight) == (RunState.QUEUED, "paused", 6)
        assert "network change" in run.reason

    def test_puts_back_only_what_surely_never_left(self, page: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        pause_after(page, 4, monkeypatch)

        page.run()

        put_back = Change.objects.filter(state=State.READY)
        assert set(put_back.values_list("sent_at", flat=True)) == {None}
        assert not any(change.attempts.exists() for change in put_back)

    def test_goes_on_after_a_resume_and_sends_everything_once(
        self, page: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pause_after(page, 4, monkeypatch)
        run = page.run()
        page.work()
        assert len(page.destination.effects) == 4

        pause.resume(row=pause.main_switch(), by=None)
        page.work()

        run.refresh_from_db()
        assert (run.state, run.received, run.created, run.in_flight) == (RunState.SUCCEEDED, 10, 10, 0)
        assert sorted(page.destination.effects) == [("create", f"c{number}") for number in range(10)]
        assert page.run().unchanged == 0

    def test_costs_a_run_no_try(self, page: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        pause_after(page, 4, monkeypatch)
        run = page.run()
        for _ in range(10):
            page.work()
        pause.resume(row=pause.main_switch(), by=None)

        page.work()

        run.refresh_from_db()
        assert run.state == RunState.SUCCEEDED


class TestAPauseWhileTheOtherSideGetsSlow:
    def test_stops_also_a_portion_that_grew_while_it_was_quick(
        self, page: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        apply = page.destination.apply

        def careful(stream: str, changes: Orders) -> Iterator[Outcome]:
            for number, order in enumerate(changes):
                if changes.is_stopped:
                    yield Outcome(order.id, Answer.RETRY, code=NOT_BEGUN)
                    continue
                yield from apply(stream, [order])
                if number == 3:
                    pause.pause(row=pause.main_switch(), by=None, reason="network change")

        monkeypatch.setattr(page.destination, "apply", careful)
        monkeypatch.setattr(portion, "_first", lambda flow: 100)
        monkeypatch.setattr(portion, "SECONDS", 0.0)

        run = page.run()

        assert len(page.destination.effects) == 5  # one more was asked for before the answer was looked at
        assert [state for _, state in page.states()].count(State.READY) == 5
        assert Change.objects.filter(state=State.READY, attempts__isnull=False).count() == 0
        assert (run.state, run.reason_code) == (RunState.QUEUED, "paused")
        pause.resume(row=pause.main_switch(), by=None)
        page.work()
        assert sorted(page.destination.effects) == [("create", f"c{number}") for number in range(10)]


class TestAPausedRun:
    def test_that_had_not_begun_waits_and_says_why(self, page: Pair) -> None:
        run = page.ask()
        pause.pause(row=page.mapping.integration, by=None, reason="owner away")

        page.work()

        run.refresh_from_db()
        assert (run.state, run.reason_code, page.source.reads) == (RunState.QUEUED, "paused", 0)
        assert "owner away" in run.reason
        pause.resume(row=page.mapping.integration, by=None)
        page.work()
        run.refresh_from_db()
        assert (run.state, run.created, run.reason_code) == (RunState.SUCCEEDED, 10, "")

    def test_can_still_be_cancelled(self, page: Pair) -> None:
        run = page.ask()
        pause.pause(row=page.mapping.integration, by=None, reason="owner away")
        page.work()

        runs.cancel(run=SyncRun.objects.get(pk=run.pk), by=None, reason="not wanted")

        run.refresh_from_db()
        assert run.state == RunState.CANCELLED


class TestAPreview:
    def test_goes_on_while_only_writing_is_paused(self, page: Pair) -> None:
        pause.pause(row=page.mapping.destination, by=None, reason="month-end close")

        assert page.run(preview=True).planned == 10

    def test_is_refused_while_reading_is_paused_too(self, page: Pair) -> None:
        pause.pause(row=page.mapping.destination, by=None, reason="maintenance there", reads_too=True)

        with pytest.raises(runs.PausedError, match="maintenance there"):
            page.ask(preview=True)


class TestFitting:
    def test_grows_at_most_fourfold_while_it_is_quick(self) -> None:
        assert [portion.fitting(10, seconds) for seconds in (0.0, 0.01, 0.5, 1.0)] == [40, 40, 20, 10]

    def test_shrinks_to_about_a_second_and_never_to_nothing(self) -> None:
        assert [portion.fitting(10, seconds) for seconds in (2.0, 10.0, 60.0)] == [5, 1, 1]
