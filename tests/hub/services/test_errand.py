"""Errands: what the web process, which may not open secrets, has a worker read for the person who waits."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub import jobs, queue
from hub.models import Connection, Credential, User
from hub.sdk import ConfigError, TransientError
from hub.services import credential as credentials
from hub.services import errand
from hub.vault import pair
from tests.factories import ConnectionFactory, CredentialFactory, MappingFactory, UserFactory
from tests.hub.garden import Garden

PLACE = "https://toy.example:443"
PUBLIC, PRIVATE = pair("pair")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def toy(garden: Garden, redis_url: str, settings: Any) -> Iterator[Connection]:
    """A connection whose secret this process may not open."""
    garden.plant("toy")
    settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_KEYS = [PUBLIC], []
    settings.HUB_INBOUND_KEYS = ["inbound:" + "11" * 32]
    made: Credential = CredentialFactory(origins=[])
    credentials.set_values(credential=made, values={"password": "p4ssword"}, by=None, origins=[PLACE])
    connection: Connection = ConnectionFactory(connector="toy", config={"url": PLACE}, credential=made)
    queue.connection.cache_clear()
    yield connection
    queue.connection.cache_clear()


@pytest.fixture
def worker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """One that answers at once; what it was asked."""
    asked: list[dict[str, Any]] = []

    def do(job: str, **ids: Any) -> None:
        asked.append(ids)
        settings.HUB_SEAL_PRIVATE = [PRIVATE]
        try:
            jobs.answer(**ids)
        finally:
            settings.HUB_SEAL_PRIVATE = []

    monkeypatch.setattr(queue, "_enqueue", do)
    return asked


def test_streams_are_listed_by_a_worker(toy: Connection, worker: list[dict[str, Any]]) -> None:
    (stream,) = errand.streams(toy)

    assert (stream.name, stream.label, stream.capabilities.cursor) == ("things", "Things", "none")
    assert [asked["question"] for asked in worker] == ["streams"]


def test_samples_are_read_by_a_worker(toy: Connection, worker: list[dict[str, Any]]) -> None:
    mapping = MappingFactory(source=toy, source_stream="things")

    found = errand.sample(mapping=mapping, limit=2)

    assert (found[0].key, found[0].data) == ("0", {"name": "thing 0"})


def test_what_travels_is_sealed(toy: Connection, worker: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[str] = []
    put = queue.put_answer
    monkeypatch.setattr(queue, "put_answer", lambda ticket, told: (laid.append(told), put(ticket, told)))
    errand.sample(mapping=MappingFactory(source=toy, source_stream="things"), limit=2)

    assert "thing 0" not in str(laid) + str(worker)
    assert laid


def test_a_refusal_is_an_answer(toy: Connection, worker: list[dict[str, Any]]) -> None:
    Connection.objects.update(config={"url": "https://elsewhere.example"})

    with pytest.raises(ConfigError, match=r"reaches https://elsewhere\.example"):
        errand.streams(toy)


def test_a_worker_that_does_not_come_is_not_waited_for_forever(
    toy: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errand, "PATIENCE", 0.3)

    with pytest.raises(TransientError, match="No worker answered in time"):
        errand.streams(toy)


def test_a_process_that_opens_secrets_asks_nobody(toy: Connection, settings: Any, worker: list[dict[str, Any]]) -> None:
    settings.HUB_SEAL_PRIVATE = [PRIVATE]

    assert errand.streams(toy)
    assert worker == []


def test_a_version_that_goes_both_ways_is_tried_by_a_worker(
    toy: Connection, worker: list[dict[str, Any]], garden: Garden
) -> None:
    person: User = UserFactory()
    mapping = MappingFactory(source=toy, source_stream="things", active=True, direction="two_way")
    version = mapping.versions.get()

    with pytest.raises(ConfigError, match="its rules need “back”"):
        errand.activate(version=version, by=person)
    assert [asked["question"] for asked in worker] == ["both_ways"]
