"""The guide after a restored backup: on every page the banner, on its own page each mapping and how to leave."""

import html

import pytest
from django.urls import reverse, reverse_lazy
from pytest_django import DjangoAssertNumQueries

from hub.models import Finding, Link, Recovery, Review, User
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


class TestFindings:
    """The whole list behind the numbers of the guide."""

    LIST = reverse_lazy("admin:hub_finding_changelist")

    @pytest.fixture
    def review(self, found: Recovery, operator: User, client_of: ClientOf, pair: Pair) -> Review:
        """One record that was changed there, and 60 that are only at the source."""
        pair.destination.put(next(iter(pair.destination.rows)), city="Kiel")
        for number in range(60):
            pair.source.put(f"new{number:02}", name="New", city="Ulm")
        client_of(operator).post(address(found, "review"))
        review: Review = found.reviews.get()
        recovery.review(review_id=review.pk)
        return review

    def test_are_reached_from_the_guide_and_paged(
        self, review: Review, found: Recovery, operator: User, client_of: ClientOf
    ) -> None:
        here = f"{self.LIST}?review={review.pk}"
        assert here in text(client_of, operator, address(found))

        first = text(client_of, operator, here)

        assert ("new59" in first, "new05" in first) == (True, False)
        assert "p=after-" in first

    def test_are_narrowed_by_kind_and_lead_to_the_pair(
        self, review: Review, operator: User, client_of: ClientOf
    ) -> None:
        shown = text(client_of, operator, f"{self.LIST}?review={review.pk}&state=differing")

        assert ("c0" in shown, "new59" in shown) == (True, False)
        assert reverse("admin:hub_link_change", args=[Link.objects.get(source_key="c0").pk]) in shown

    def test_show_both_values_to_who_may_see_them(
        self, review: Review, operator: User, administrator: User, client_of: ClientOf
    ) -> None:
        finding = Finding.objects.get(source_key="c0")

        shown = text(client_of, administrator, reverse("admin:hub_finding_change", args=[finding.pk]))
        hidden = text(client_of, operator, reverse("admin:hub_finding_change", args=[finding.pk]))

        assert "Kiel" not in hidden
        assert "Kiel" in shown
        assert "Ulm" in shown
        assert "compare them with the owner" in shown

    def test_are_out_of_sight_for_who_owns_nothing_of_it(
        self, review: Review, owner: User, client_of: ClientOf
    ) -> None:
        assert ">c0<" not in text(client_of, owner, f"{self.LIST}?review={review.pk}")
        finding = Finding.objects.get(source_key="c0")
        at = reverse("admin:hub_finding_change", args=[finding.pk])
        assert client_of(owner).get(at).status_code in (302, 403, 404)

    def test_cost_the_same_however_many_there_are(
        self,
        review: Review,
        operator: User,
        client_of: ClientOf,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client = client_of(operator)
        with django_assert_max_num_queries(12):
            client.get(f"{self.LIST}?review={review.pk}")
