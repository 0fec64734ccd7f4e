"""Two records here that claim one there: a question for a person, never a link twice and never a broken run."""

from dataclasses import replace

import pytest

from hub.models import ExceptionKind, Link, ReconciliationException, RunState
from tests.hub.services.run.conftest import Pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def confused(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A destination that gives every record the key of the first."""
    apply = pair.destination.apply

    def applied(stream: str, changes: object) -> object:
        for answer in apply(stream, changes):  # type: ignore[arg-type]
            yield replace(answer, key="first")

    monkeypatch.setattr(pair.destination, "apply", applied)
    return pair


def test_of_one_page_leave_the_first_linked_and_ask_about_the_others(confused: Pair) -> None:
    confused.fill(3)

    run = confused.run(full=True)

    assert run.state == RunState.PARTIAL
    assert list(Link.objects.exclude(destination_key=None).values_list("destination_key", flat=True)) == ["first"]
    assert [one.kind for one in ReconciliationException.objects.all()] == [ExceptionKind.DUPLICATE] * 2
    assert "is first there" in ReconciliationException.objects.all()[0].reason


def test_of_two_runs_leave_the_link_as_it_is(confused: Pair) -> None:
    confused.source.put("c1", name="Ada", city="Kiel")
    confused.run(full=True)
    confused.source.put("c2", name="Bo", city="Ulm")

    run = confused.run(full=True)

    assert run.state == RunState.PARTIAL
    assert list(Link.objects.exclude(destination_key=None).values_list("source_key", flat=True)) == ["c1"]
    assert confused.open_exceptions() == [("c2", "duplicate")]


def test_are_not_written_again_by_the_next_run(confused: Pair) -> None:
    confused.fill(2)
    confused.run(full=True)

    confused.run(full=True)

    assert len(confused.destination.effects) == 2
