"""The desk shows on every page that everything stands still, asks before pausing, and tells what a resume will do."""

import html
import re

import pytest
from django.urls import reverse

from hub.clock import now
from hub.engine.intent import State
from hub.models import AuditEvent, Integration, MainSwitch, Mapping, User
from hub.services import pause
from tests import factories as make
from tests.conftest import ClientOf

pytestmark = pytest.mark.django_db
WARNED = re.compile(r'class="hub-notice hub-notice-warn"[^>]*>\s*<span[^>]*>warning</span>\s*<p>This pauses everything')


def deed(name: str) -> str:
    return reverse("admin:hub_mainswitch_do", args=[pause.main_switch().pk, name])


def text(client_of: ClientOf, person: User, address: str) -> str:
    answer = client_of(person).get(address, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.fixture
def mapping(owner: User) -> Mapping:
    """A mapping whose integration Olga owns."""
    made: Mapping = make.MappingFactory(active=True, integration=make.IntegrationFactory(owner=owner))
    return made


class TestTheMainSwitch:
    def test_is_pulled_by_an_operator_with_a_reason(self, operator: User, client_of: ClientOf) -> None:
        client_of(operator).post(deed("pause"), {"reason": "network change", "what": "reads"})

        switch = MainSwitch.objects.get()
        assert (switch.is_paused, switch.pauses_reads, switch.paused_by) == (True, True, operator)
        assert AuditEvent.objects.get().reason == "network change"

    def test_needs_a_reason(self, operator: User, client_of: ClientOf) -> None:
        client_of(operator).post(deed("pause"), {"reason": ""})

        assert not MainSwitch.objects.get().is_paused

    def test_warns_by_a_notice_of_its_own_that_it_stops_everything(
        self, operator: User, mapping: Mapping, client_of: ClientOf
    ) -> None:
        alone = reverse("admin:hub_integration_do", args=[mapping.integration_id, "pause"])

        assert WARNED.search(text(client_of, operator, deed("pause")))
        assert not WARNED.search(text(client_of, operator, alone))

    def test_is_not_for_owners(self, owner: User, mapping: Mapping, client_of: ClientOf) -> None:
        answer = client_of(owner).post(deed("pause"), {"reason": "my own affairs"})

        assert answer.status_code in {403, 404}
        assert not MainSwitch.objects.get().is_paused

    def test_says_what_a_resume_will_do_before_it_is_done(
        self, mapping: Mapping, operator: User, client_of: ClientOf
    ) -> None:
        run = make.SyncRunFactory(mapping=mapping, state="partial", in_flight=1)
        make.ChangeFactory(run=run, link=make.LinkFactory(mapping=mapping), state=State.READY)
        pause.pause(row=pause.main_switch(), by=operator, reason="network change")

        assert "When you resume: 1 waiting change will be sent" in text(client_of, operator, deed("resume"))

        answer = client_of(operator).post(deed("resume"), follow=True)
        assert "Resumed. 1 waiting change will be sent" in html.unescape(answer.content.decode())
        assert not MainSwitch.objects.get().is_paused

    def test_has_a_page_that_lists_all_that_is_paused(
        self, mapping: Mapping, auditor: User, client_of: ClientOf
    ) -> None:
        pause.pause(row=mapping.integration, by=auditor, reason="owner away")
        pause.pause(row=mapping.source, by=auditor, reason="maintenance there")

        shown = text(client_of, auditor, reverse("admin:hub_mainswitch_changelist"))

        assert "owner away" in shown
        assert "maintenance there" in shown
        assert "The hub is at work" in shown

    def test_tells_on_its_page_what_to_do_when_nothing_is_paused(self, auditor: User, client_of: ClientOf) -> None:
        shown = text(client_of, auditor, reverse("admin:hub_mainswitch_changelist"))

        assert "To pause one, open its page" in shown


class TestTheBanner:
    @pytest.mark.parametrize(
        "page", ["admin:index", "admin:hub_syncrun_changelist", "admin:hub_integration_changelist"]
    )
    def test_is_on_every_page_while_everything_stands_still(
        self, page: str, mapping: Mapping, owner: User, operator: User, client_of: ClientOf
    ) -> None:
        pause.pause(row=pause.main_switch(), by=operator, reason="network change")

        shown = text(client_of, owner, reverse(page))

        assert f"by {operator}: network change" in shown

    def test_is_on_no_page_otherwise(self, owner: User, client_of: ClientOf) -> None:
        assert "What waits</a>" not in text(client_of, owner, reverse("admin:index"))


class TestWhatIsPaused:
    def test_explains_itself_on_the_integration_with_what_waits(
        self, mapping: Mapping, owner: User, client_of: ClientOf
    ) -> None:
        make.SlotFactory(integration=mapping.integration, at=now(), state="waiting")
        integration = Integration.objects.get()
        pause.pause(row=integration, by=owner, reason="month-end close")

        shown = text(client_of, owner, reverse("admin:hub_integration_change", args=[integration.pk]))

        assert "month-end close" in shown
        assert "1 time of the schedule was missed" in shown

    def test_explains_itself_on_a_run_that_waits(self, mapping: Mapping, owner: User, client_of: ClientOf) -> None:
        run = make.SyncRunFactory(mapping=mapping, state="queued")
        pause.pause(row=mapping.destination, by=owner, reason="maintenance there")

        shown = text(client_of, owner, reverse("admin:hub_syncrun_change", args=[run.pk]))

        assert "maintenance there. This run keeps its place" in shown

    def test_explains_itself_on_the_connection(self, mapping: Mapping, operator: User, client_of: ClientOf) -> None:
        pause.pause(row=mapping.destination, by=operator, reason="maintenance there", reads_too=True)

        shown = text(client_of, operator, reverse("admin:hub_connection_change", args=[mapping.destination_id]))

        assert "by Otto Person: maintenance there" in shown
        assert "Nothing is read either." in shown
