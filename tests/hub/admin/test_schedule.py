"""The page of an integration shows what became of its slots; the form shows what a schedule will mean."""

import html
from datetime import timedelta

import pytest
from django.urls import reverse

from hub.clock import now
from hub.models import Integration, User
from tests import factories as make
from tests.conftest import ClientOf

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration(owner: User) -> Integration:
    """A nightly integration that Olga owns."""
    made: Integration = make.IntegrationFactory(owner=owner, schedule="30 2 * * *", time_zone="Europe/Berlin")
    return made


def text(client_of: ClientOf, person: User, address: str, **asked: str) -> str:
    answer = client_of(person).get(address, asked)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def page(integration: Integration) -> str:
    return reverse("admin:hub_integration_change", args=[integration.pk])


class TestThePicture:
    def test_tells_of_each_day_what_became_of_its_slots(
        self, integration: Integration, owner: User, client_of: ClientOf
    ) -> None:
        at = now() - timedelta(days=2)
        run = make.SyncRunFactory(integration=integration)
        make.SlotFactory(integration=integration, at=at, run=run)
        make.SlotFactory(integration=integration, at=at - timedelta(minutes=1), state="coalesced", run=run)
        make.SlotFactory(integration=integration, at=at - timedelta(days=3), state="missed", reason="no active version")

        shown = text(client_of, owner, page(integration))

        assert "1 run, 1 made up for by another" in shown
        assert shown.count("hub-day-bad") == 1
        assert "no active version" in shown
        assert reverse("admin:hub_syncrun_change", args=[run.pk]) in shown

    def test_says_when_nothing_has_come_yet(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        assert "No time of the schedule has come yet. The first is" in text(client_of, owner, page(integration))

    def test_is_left_out_without_a_schedule(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        Integration.objects.update(schedule="")

        assert 'id="slots"' not in text(client_of, owner, page(integration))


class TestThePreview:
    ADDRESS = "admin:hub_integration_slots"

    def test_shows_the_next_five_times_in_their_zone(self, owner: User, client_of: ClientOf) -> None:
        shown = text(client_of, owner, reverse(self.ADDRESS), schedule="0 6 * * 1-5", time_zone="Europe/Berlin")

        assert "Monday to Friday at 06:00 (Europe/Berlin)" in shown
        assert shown.count("06:00 CE") == 5

    def test_warns_of_clock_changes_within_a_year(self, owner: User, client_of: ClientOf) -> None:
        shown = text(client_of, owner, reverse(self.ADDRESS), schedule="30 2 * * *", time_zone="Europe/Berlin")

        assert "so it runs at 03:00" in shown
        assert "it runs the first time only" in shown

    @pytest.mark.parametrize(
        ("rule", "zone", "told"),
        [
            ("now and then", "UTC", "cannot be read"),
            ("0 6 * * *", "Mars/North", "no time zone"),
            ("", "UTC", "only by hand"),
        ],
    )
    def test_says_what_is_wrong(self, rule: str, zone: str, told: str, owner: User, client_of: ClientOf) -> None:
        assert told in text(client_of, owner, reverse(self.ADDRESS), schedule=rule, time_zone=zone)


class TestTheList:
    def test_shows_whose_slots_one_may_see(self, integration: Integration, owner: User, client_of: ClientOf) -> None:
        make.SlotFactory(integration=integration, reason="Late: the scheduler was away.")
        make.SlotFactory(reason="somebody else's")

        shown = text(client_of, owner, reverse("admin:hub_slot_changelist"))

        assert "the scheduler was away" in shown
        assert "somebody else's" not in shown
