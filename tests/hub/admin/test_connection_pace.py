"""The page of a connection shows its pace and why it is held, and lets people do something about it."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.clock import now
from hub.models import AuditEvent, CheckState, Connection, ConnectionCheck, RateState, User
from tests import factories as make
from tests.conftest import ClientOf


@pytest.fixture
def held(db: None) -> RateState:
    """A connection whose breaker is open, with limits."""
    connection = make.ConnectionFactory(title="ERP", per_minute=100, max_in_flight=8)
    state: RateState = RateState.objects.create(
        connection=connection, origin="https://erp.example:443", breaker="open", code="failures",
        reason="5 calls in a row failed.", opened_at=now(), probe_at=now() + timedelta(minutes=5), width=4,
    )  # fmt: skip
    return state


def page(connection: Connection) -> str:
    return reverse("admin:hub_connection_change", args=[connection.pk])


def deed(connection: Connection, name: str) -> str:
    return reverse("admin:hub_connection_do", args=[connection.pk, name])


def test_shows_breaker_width_limits_and_the_next_probe(held: RateState, operator: User, client_of: ClientOf) -> None:
    shown = client_of(operator).get(page(held.connection)).content.decode()

    assert "“ERP” is held: 5 calls in a row failed." in shown
    assert "Breaker open" in shown
    assert "4 of 8" in shown
    assert "10 of 10 at once are left" in shown
    assert "0 of 10 a minute" in shown
    assert "Probe now" in shown


def test_that_is_not_held_offers_nothing_to_close(operator: User, client_of: ClientOf) -> None:
    connection: Connection = make.ConnectionFactory()

    shown = client_of(operator).get(page(connection)).content.decode()

    assert "Close the breaker now" not in shown
    assert "Nothing was asked of it over HTTP yet." in shown


def test_is_closed_with_a_reason_that_is_kept(held: RateState, operator: User, client_of: ClientOf) -> None:
    client_of(operator).post(deed(held.connection, "close_breaker"), {"reason": "They restarted it."})

    held.refresh_from_db()
    assert (held.breaker, held.width) == ("closed", 1)
    assert AuditEvent.objects.get(action="breaker.close").reason == "They restarted it."


def test_is_tried_at_once_when_somebody_asks(held: RateState, operator: User, client_of: ClientOf) -> None:
    client_of(operator).post(deed(held.connection, "probe"))

    held.refresh_from_db()
    assert held.probe_at is not None
    assert held.probe_at <= now()
    assert ConnectionCheck.objects.get().state == CheckState.ASKED
    assert AuditEvent.objects.filter(action="breaker.probe", actor=operator).exists()


@pytest.mark.parametrize("name", ["probe", "close_breaker"])
def test_is_left_alone_by_people_without_the_right(
    name: str, held: RateState, auditor: User, client_of: ClientOf
) -> None:
    answer = client_of(auditor).post(deed(held.connection, name), {"reason": "Because I can."})

    held.refresh_from_db()
    assert (answer.status_code, held.breaker) == (403, "open")
