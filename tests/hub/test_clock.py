"""A worker goes by the database's clock where its host's is wrong: what one writes down, others judge."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hub import clock
from hub.models import SyncRun
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture
COMPARE = clock.compare
WRONG = [timedelta(minutes=10), timedelta(minutes=-10)]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _compares(monkeypatch: pytest.MonkeyPatch, only_the_host_tells_the_time: None) -> Iterator[None]:
    monkeypatch.setattr("hub.clock.compare", COMPARE)
    yield
    COMPARE(NOON, NOON, NOON)


def test_differences_of_less_than_a_second_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.clock.host", lambda: NOON)

    clock.compare(NOON + timedelta(seconds=0.9), NOON, NOON)

    assert clock.now() == NOON


def test_waiting_for_the_answer_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.clock.host", lambda: NOON)

    clock.compare(NOON, NOON - timedelta(seconds=20), NOON + timedelta(seconds=20))

    assert clock.now() == NOON


def test_a_host_that_was_put_right_is_believed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.clock.host", lambda: NOON)
    clock.compare(NOON + timedelta(minutes=10), NOON, NOON)
    assert clock.now() == NOON + timedelta(minutes=10)

    clock.compare(NOON, NOON, NOON)

    assert clock.now() == NOON


@pytest.mark.parametrize("wrong", WRONG)
def test_a_run_is_dated_by_the_database(pair: Pair, monkeypatch: pytest.MonkeyPatch, wrong: timedelta) -> None:
    """I1: or another worker would look too early for what may still land."""
    monkeypatch.setattr("hub.clock.host", lambda: datetime.now(UTC) + wrong)
    pair.source.put("a", name="Ada")

    pair.run()

    ended = SyncRun.objects.get().ended_at
    assert ended
    assert abs(ended - datetime.now(UTC)) < timedelta(minutes=1)
