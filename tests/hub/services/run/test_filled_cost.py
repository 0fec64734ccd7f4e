"""What the turn of kept steps costs does not grow with their number."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.models import Change
from hub.services.run import filled
from hub.services.run.flow import Flow
from tests.hub.services.run.coded import counts_add_up, learn, steps
from tests.hub.services.run.conftest import Pair
from tests.hub.services.run.test_transition import Feed, feed, walk, written

__all__ = ["feed", "steps"]  # fixtures


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(steps that can be sent, statements made) of each turn in which there are any."""
    found: list[tuple[int, int]] = []
    fill = filled.fill

    def counted(flow: Flow, changes: Sequence[Change]) -> list[Change]:
        with CaptureQueriesContext(connection) as made:
            able = fill(flow, changes)
        if able:
            found.append((len(able), len(made)))
        return able

    monkeypatch.setattr("hub.services.run.filled.fill", counted)
    return found


def test_many_kept_steps_are_written_with_the_statements_of_one(
    steps: Pair, feed: Feed, costs: list[tuple[int, int]]
) -> None:
    walk(feed, "a", "XX")
    steps.run()
    learn(steps, "XX")
    steps.run()
    for number in range(8):
        walk(feed, f"b{number}", "YY")
    steps.run()
    learn(steps, "XX", "YY")
    steps.run()

    (of_one, one), (of_many, many) = costs
    assert (of_one, of_many) == (1, 8)
    assert many == one
    assert written(steps, "b7") == ["YY"]
    assert counts_add_up()
