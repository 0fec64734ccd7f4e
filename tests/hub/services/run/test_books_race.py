"""Two who judge or free the same changes at the same moment: what the first one decided stands, and is counted once."""

import pytest
from django.db import connection, transaction

from hub.clock import now
from hub.engine.intent import State
from hub.models import Change, RunState, SyncRun
from hub.services.run import books, transition
from tests import factories as make
from tests.rival import Rival, wait_until_blocked

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
    pytest.mark.django_db(transaction=True),
]


def test_a_run_judged_by_old_counts_does_not_undo_the_judgement_by_new_ones() -> None:
    run = make.SyncRunFactory(state=RunState.PARTIAL, excepted=1)

    with transaction.atomic():
        books.add(run.pk, excepted=-1, created=1)
        books.reopen({run.pk}, now())
        rival = Rival(lambda: books.reopen({run.pk}, now()))
        wait_until_blocked([rival])
    rival.done()

    run.refresh_from_db()
    assert (run.state, run.reason) == (RunState.SUCCEEDED, "Records written: 1.")


def test_what_is_withdrawn_at_the_same_moment_is_not_freed_and_counted_once() -> None:
    run = make.SyncRunFactory(state=RunState.PARTIAL, excepted=1, held=1)
    head = make.ChangeFactory(run=run, source_key="k1", state=State.REJECTED)
    behind = make.ChangeFactory(run=run, source_key="k1", state=State.HELD, code=books.BEHIND)

    with transaction.atomic():
        Change.objects.filter(pk=behind.pk).update(state=State.CANCELLED.value)
        books.add(run.pk, held=-1, excluded=1)
        rival = Rival(transaction.atomic(lambda: transition.free(head)))
        wait_until_blocked([rival])

    assert rival.done() == []
    behind.refresh_from_db()
    assert behind.state == State.CANCELLED
    counted = SyncRun.objects.values("held", "in_flight", "excluded").get(pk=run.pk)
    assert counted == {"held": 0, "in_flight": 0, "excluded": 1}
