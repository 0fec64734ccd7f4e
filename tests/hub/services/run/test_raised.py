"""I17: one open exception a fingerprint, however often the same difference is met."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from hub.models import ExceptionState, ReconciliationException
from hub.sdk import Page
from tests.factories import ReconciliationExceptionFactory
from tests.hub.services.run.conftest import Pair

pytestmark = pytest.mark.django_db
OPEN, RESOLVED = ExceptionState.OPEN, ExceptionState.RESOLVED


def asked() -> list[tuple[str, int]]:
    """(state, how often it was met) of each exception, the oldest first."""
    return list(ReconciliationException.objects.order_by("pk").values_list("state", "occurrences"))


def test_what_is_met_in_every_run_is_one_question_that_counts_them(pair: Pair) -> None:
    pair.source.put("c1", city="Kiel")  # its name, which is required, is missing

    for _ in range(3):
        pair.run(full=True)

    assert asked() == [(OPEN, 3)]


def test_the_same_record_twice_in_a_page_is_one_question(pair: Pair) -> None:
    pair.source.put("c1", city="Kiel")
    read = pair.source.read
    pair.source.read = lambda *given: _doubled(read(*given))  # type: ignore[method-assign]

    pair.run(full=True)

    assert [state for state, _ in asked()] == [OPEN]


def test_what_was_put_right_and_is_wrong_again_is_a_new_question_beside_the_closed_one(pair: Pair) -> None:
    pair.source.put("c1", city="Kiel")
    pair.run(full=True)
    pair.source.put("c1", city="Kiel", name="Ada")
    pair.run(full=True)
    pair.source.put("c1", city="Kiel", name="")
    pair.run(full=True)

    assert asked() == [(RESOLVED, 1), (OPEN, 1)]
    assert len(set(ReconciliationException.objects.values_list("fingerprint", flat=True))) == 1


def test_the_table_itself_refuses_a_second_open_one() -> None:
    first = ReconciliationExceptionFactory(fingerprint="f")
    ReconciliationExceptionFactory(fingerprint="f", mapping=first.mapping, state=RESOLVED)

    with pytest.raises(IntegrityError), transaction.atomic():
        ReconciliationExceptionFactory(fingerprint="f", mapping=first.mapping)


def _doubled(page: Page) -> Page:
    return replace(page, records=[*page.records, *page.records])
