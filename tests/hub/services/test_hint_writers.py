"""Two who write hints of one mapping at the same time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction

from hub import clock
from hub.models import Hint
from hub.services import hint
from tests.factories import MappingFactory


def in_threads(*parts: Callable[[], None]) -> None:
    """Do these at the same time, each with a database connection of its own; what one raises is raised here."""

    def alone(part: Callable[[], None]) -> None:
        try:
            part()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(alone, part) for part in parts]:
            done.result()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.timeout(60)
def test_do_not_wait_for_each_other(transactional_db: None) -> None:
    """A page forgets one hint and gives another, while a webhook gives both."""
    mapping, now = MappingFactory(), clock.now()
    hint.put(mapping.pk, ["b"], "why", now)
    has_forgotten, is_giving = Event(), Event()

    def page() -> None:
        with transaction.atomic():
            hint.take(list(Hint.objects.all()))
            has_forgotten.set()
            assert is_giving.wait(10)
            time.sleep(0.3)
            hint.note(mapping.pk, {"a": "later"}, now)

    def webhook() -> None:
        assert has_forgotten.wait(10)
        is_giving.set()
        hint.put(mapping.pk, ["a", "b"], "told so", now)

    in_threads(page, webhook)

    assert dict(Hint.objects.values_list("source_key", "count")) == {"a": 2, "b": 1}
