"""Many deliveries are one commit, and none is answered before it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from hub.models import Arrival, Delivery
from hub.services.delivery import writer as writing
from hub.services.delivery.writer import BusyError, RejectedError, Writer
from tests.hub.webhooks import WebhookFactory

NOW = datetime(2026, 11, 25, tzinfo=UTC)
Made = Callable[..., Arrival]


@pytest.fixture
def writer(transactional_db: None) -> Iterator[Writer]:
    made = Writer()
    yield made
    made.close()


@pytest.fixture
def arrival(transactional_db: None) -> Made:
    webhook_id = WebhookFactory().pk

    def made(id_: str, **more: object) -> Arrival:
        arrival = Arrival(webhook_id, NOW, id_, "0" * 32, "", "received", "", "{}", b"{}", 2)
        return arrival._replace(**more)  # type: ignore[arg-type]

    return made


def store_all(writer: Writer, arrivals: list[Arrival]) -> list[Exception]:
    """Store them from as many threads; what was raised."""
    errors: list[Exception] = []

    def store(one: Arrival) -> None:
        try:
            writer.store(one)
        except (BusyError, RejectedError) as error:
            errors.append(error)

    threads = [threading.Thread(target=store, args=[one]) for one in arrivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_what_waits_is_committed_together(arrival: Made, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    held = threading.Event()
    arrive = type(Delivery.objects.all()).arrive

    def slowly(self: object, arrivals: list[Arrival]) -> object:
        held.wait(0.3)
        sizes.append(len(arrivals))
        return arrive(self, arrivals)  # type: ignore[arg-type]

    monkeypatch.setattr("hub.models.delivery.DeliverySet.arrive", slowly)

    assert store_all(writer, [arrival(f"m{number}") for number in range(30)]) == []
    assert Delivery.objects.count() == 30
    assert len(sizes) < 10


def test_one_that_the_database_refuses_does_not_take_the_others_with_it(arrival: Made, writer: Writer) -> None:
    """R-10."""
    good = [arrival(f"m{number}") for number in range(5)]

    errors = store_all(writer, [*good, arrival("bad", webhook_id=10**9)])

    # SQLite looks at foreign keys only at the end of a transaction, as PostgreSQL does for deferred ones.
    assert [type(error) for error in errors] == [RejectedError]
    assert Delivery.objects.count() == 5


def test_no_more_waits_than_there_is_room_for(arrival: Made, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_WAITING", 0)

    with pytest.raises(BusyError):
        writer.store(arrival("m1"))


def test_a_database_that_takes_too_long_is_not_waited_for(
    arrival: Made, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PATIENCE_SECONDS", 0.05)
    held = threading.Event()
    monkeypatch.setattr("hub.models.delivery.DeliverySet.arrive", lambda *args: Counter({1: held.wait(2)}))

    with pytest.raises(BusyError):
        writer.store(arrival("m1"))
    held.set()
