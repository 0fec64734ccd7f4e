"""The guide after a restored backup: on every page the banner, on its own page each mapping and how to leave."""

import html

import pytest
from django.urls import reverse

from hub.models import Recovery, User
from hub.services import incarnation, recovery
from tests.conftest import ClientOf
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture


@pytest.fixture
def found(pair: Pair) -> Recovery:
    """Recovery mode, with one mapping."""
    pair.source.put("c0", name="Ada", city="Ulm")
    pair.run()
    return incarnation.begin(by=None, why="The database is older than what the hub has done since: 7 counts behind.")


def address(found: Recovery, deed: str = "") -> str:
    if deed:
        return reverse("admin:hub_recovery_do", args=[found.pk, deed])
    return reverse("admin:hub_recovery_change", args=[found.pk])


def text(client_of: ClientOf, person: User, at: str) -> str:
    answer = client_of(person).get(at)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


class TestTheGuide:
    def test_stands_on_every_page_as_a_banner(self, found: Recovery, operator: User, client_of: ClientOf) -> None:
        assert "Recovery mode since" in text(client_of, operator, reverse("admin:index"))

    def test_leads_from_reading_to_leaving(self, found: Recovery, operator: User, client_of: ClientOf) -> None:
        assert "No mapping has been read yet." in text(client_of, operator, address(found))

        client_of(operator).post(address(found, "review"))
        recovery.review(review_id=found.reviews.get().pk)
        assert "Both sides are as the hub last knew" in text(client_of, operator, address(found))

        client_of(operator).post(address(found, "leave"), {"reason": "Compared with the owner by telephone."})
        found.refresh_from_db()
        assert (found.is_open, found.ended_by) == (False, operator)
        assert "Compared with the owner" in text(client_of, operator, address(found))

    def test_refuses_to_leave_what_was_not_read(self, found: Recovery, operator: User, client_of: ClientOf) -> None:
        answer = client_of(operator).post(address(found, "leave"), {"reason": "Compared with the owner by telephone."})

        assert "have not been read to the end" in html.unescape(answer.content.decode())
        found.refresh_from_db()
        assert found.is_open

    def test_is_read_but_not_left_by_an_auditor(self, found: Recovery, auditor: User, client_of: ClientOf) -> None:
        assert "Nothing is sent" in text(client_of, auditor, address(found))

        assert client_of(auditor).post(address(found, "leave"), {"reason": "x" * 20}).status_code == 403
