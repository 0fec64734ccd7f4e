"""Integrations: pausing, resuming, and the cards of the home page."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.clock import now
from hub.models import ExceptionState, Mapping, RunState, SyncRun, User
from hub.services import integration as integrations
from hub.services.integration import Level
from tests import factories as make
from tests.hub.webhooks import WebhookFactory, WebhookRouteFactory

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=30)


def run_of(mapping: Mapping, **given: Any) -> SyncRun:
    """A run of a mapping; by default it succeeded just now."""
    run: SyncRun = make.SyncRunFactory(mapping=mapping, **given)
    return run


class TestSilence:
    def test_of_a_webhook_is_told_on_the_cards_of_what_it_feeds(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        make.IntegrationFactory(owner=owner, title="Z fed by nobody")
        run_of(mapping, unchanged=1)
        webhook = WebhookFactory(title="Shop", silent_since=now() - LONG_AGO, connection=mapping.source)
        WebhookRouteFactory.create_batch(2, webhook=webhook, mapping=mapping)

        fed, other = integrations.cards(owner)

        assert (fed.health.level, fed.health.word) == (Level.WARN, "Silent")
        assert "“Shop”" in fed.health.reasons[0]
        assert list(fed.silent) == [webhook]
        assert not other.silent

    def test_of_a_webhook_that_the_person_may_not_see_is_not_told(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        run_of(mapping, unchanged=1)
        of_strangers = WebhookFactory(title="Strangers", silent_since=now() - LONG_AGO)
        WebhookRouteFactory(webhook=of_strangers, mapping=mapping)

        assert not integrations.card(mapping.integration, owner).silent

    def test_of_a_webhook_that_is_switched_off_is_wanted(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        run_of(mapping, unchanged=1)
        WebhookRouteFactory(webhook=WebhookFactory(silent_since=now() - LONG_AGO, is_active=False), mapping=mapping)

        assert integrations.card(mapping.integration, owner).health.level is Level.GOOD


class TestCards:
    def test_show_own_integrations_first_then_deputised_ones_then_others(self, owner: User, auditor: User) -> None:
        make.IntegrationFactory(title="A other")
        make.IntegrationFactory(title="B deputised", deputy=auditor)
        make.IntegrationFactory(title="C own", owner=auditor)

        shown = [(card.integration.title, card.role) for card in integrations.cards(auditor)]

        assert shown == [("C own", "owner"), ("B deputised", "deputy"), ("A other", "")]

    def test_leave_out_what_the_person_may_not_view(self, owner: User) -> None:
        make.IntegrationFactory()
        mine = make.IntegrationFactory(owner=owner)

        assert [card.integration for card in integrations.cards(owner)] == [mine]

    def test_add_up_the_newest_run_of_each_mapping(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        first = make.MappingFactory(integration=integration, active=True)
        second = make.MappingFactory(integration=integration, active=True)
        run_of(first, unchanged=1000, created=999)
        run_of(first, unchanged=10, created=2)
        run_of(second, unchanged=5, excepted=1, state=RunState.PARTIAL)

        balance = integrations.card(integration, owner).balance

        assert balance["received"] == 18
        assert (balance["unchanged"], balance["applied"], balance["excepted"]) == (15, 2, 1)

    def test_always_balance(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        run_of(mapping, unchanged=1, created=2, updated=3, deleted=4, held=5, excluded=6, excepted=7, in_flight=8)

        balance = integrations.card(mapping.integration, owner).balance

        assert balance.pop("received") == sum(balance.values())

    def test_do_not_count_previews(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        run_of(mapping, unchanged=7)
        run_of(mapping, planned=99, is_preview=True)

        card = integrations.card(mapping.integration, owner)

        assert card.balance["received"] == 7
        assert len(card.recent) == 1

    def test_keep_the_last_fourteen_runs_oldest_first(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        runs = [run_of(mapping, unchanged=number) for number in range(20)]

        recent = integrations.card(mapping.integration, owner).recent

        assert [bar.id for bar in recent] == [run.pk for run in runs[-14:]]

    def test_tell_what_is_held_and_why(self, owner: User) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner), active=True)
        run_of(mapping, held=28, state=RunState.WAITING, reason="28 deletions are more than 20.")
        run_of(mapping, unchanged=3)

        card = integrations.card(mapping.integration, owner)

        assert card.held == 28
        assert card.waiting[0].reason == "28 deletions are more than 20."

    def test_count_open_exceptions_up_to_a_thousand(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        mapping = make.MappingFactory(integration=make.IntegrationFactory(owner=owner))
        make.ReconciliationExceptionFactory.create_batch(4, mapping=mapping)
        make.ReconciliationExceptionFactory(mapping=mapping, state=ExceptionState.RESOLVED)

        assert integrations.card(mapping.integration, owner).exceptions == 4
        monkeypatch.setattr("hub.services.integration.overview.EXCEPTIONS_COUNTED", 3)
        assert integrations.card(mapping.integration, owner).exceptions == 3

    def test_cost_the_same_however_many_there_are(self, owner: User) -> None:
        def queries(count: int) -> int:
            for _ in range(count):
                integration = make.IntegrationFactory(owner=owner)
                for _ in range(2):
                    mapping = make.MappingFactory(integration=integration, active=True)
                    run_of(mapping, unchanged=3)
                    run_of(mapping, held=1, state=RunState.WAITING)
                    make.ReconciliationExceptionFactory(mapping=mapping)
            with CaptureQueriesContext(connection) as caught:
                for card in integrations.cards(User.objects.get(pk=owner.pk)):
                    assert card.health.word
                    assert card.balance["received"]
                    assert str(card.integration.owner)
                    assert [str(stand.mapping.source) for stand in card.stands]
            return len(caught) - 1  # the person

        assert queries(1) == queries(12) <= 8


class TestFreshness:
    def test_is_that_of_the_mapping_that_is_furthest_behind(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        behind = run_of(make.MappingFactory(integration=integration, active=True), queued_at=now() - LONG_AGO)
        run_of(make.MappingFactory(integration=integration, active=True))

        assert integrations.card(integration, owner).fresh_at == behind.ended_at

    def test_is_unknown_until_every_active_mapping_has_succeeded(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        run_of(make.MappingFactory(integration=integration, active=True))
        run_of(make.MappingFactory(integration=integration, active=True), state=RunState.FAILED)

        assert integrations.card(integration, owner).fresh_at is None

    def test_does_not_wait_for_a_mapping_without_an_active_version(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        run = run_of(make.MappingFactory(integration=integration, active=True))
        make.MappingFactory(integration=integration)

        assert integrations.card(integration, owner).fresh_at == run.ended_at


class TestHealth:
    def of(self, owner: User, *, runs: tuple[dict[str, Any], ...] = (), **given: Any) -> tuple[Level, str]:
        """Level and word of an integration with one active mapping and these runs."""
        integration = make.IntegrationFactory(owner=owner, **given)
        mapping = make.MappingFactory(integration=integration, active=True)
        for run in runs:
            run_of(mapping, **run)
        health = integrations.card(integration, owner).health
        return health.level, health.word

    def test_is_good_when_the_last_run_succeeded_and_is_fresh(self, owner: User) -> None:
        assert self.of(owner, runs=({"unchanged": 1},)) == (Level.GOOD, "Healthy")

    def test_is_bad_when_the_last_run_failed(self, owner: User) -> None:
        runs = ({"unchanged": 1}, {"state": RunState.FAILED, "reason": "The ERP did not answer."})

        assert self.of(owner, runs=runs) == (Level.BAD, "Failing")

    def test_stays_bad_while_the_next_run_is_on_its_way(self, owner: User) -> None:
        runs = ({"state": RunState.FAILED}, {"state": RunState.RUNNING})

        assert self.of(owner, runs=runs) == (Level.BAD, "Failing")

    def test_is_bad_when_data_that_comes_by_schedule_is_stale(self, owner: User) -> None:
        old = {"unchanged": 1, "queued_at": now() - LONG_AGO}

        assert self.of(owner, runs=(old,), schedule="every 15 minutes") == (Level.BAD, "Stale")

    def test_is_a_warning_when_data_fetched_by_hand_is_old(self, owner: User) -> None:
        old = {"unchanged": 1, "queued_at": now() - LONG_AGO}

        assert self.of(owner, runs=(old,)) == (Level.WARN, "Not fresh")

    def test_is_a_warning_while_changes_wait(self, owner: User) -> None:
        runs = ({"unchanged": 1}, {"held": 3, "state": RunState.WAITING})

        assert self.of(owner, runs=runs) == (Level.WARN, "Waiting")

    def test_is_a_warning_while_exceptions_are_open(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        mapping = make.MappingFactory(integration=integration, active=True)
        run_of(mapping, excepted=1, state=RunState.PARTIAL)
        make.ReconciliationExceptionFactory(mapping=mapping)

        health = integrations.card(integration, owner).health

        assert (health.level, health.word) == (Level.WARN, "Needs a person")

    def test_is_grey_while_paused_whatever_else_is_wrong(self, owner: User) -> None:
        runs = ({"state": RunState.FAILED},)

        assert self.of(owner, runs=runs, is_paused=True) == (Level.IDLE, "Paused")

    def test_is_grey_when_it_never_ran(self, owner: User) -> None:
        assert self.of(owner) == (Level.IDLE, "Never run")

    def test_is_grey_without_an_active_mapping(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        make.MappingFactory(integration=integration)

        assert integrations.card(integration, owner).health.word == "Not set up"

    def test_gives_every_reason_worst_first(self, owner: User) -> None:
        integration = make.IntegrationFactory(owner=owner)
        mapping = make.MappingFactory(integration=integration, title="Prices", active=True)
        run_of(mapping)
        run_of(mapping, state=RunState.FAILED, reason="The ERP did not answer.")
        make.ReconciliationExceptionFactory(mapping=mapping)

        health = integrations.card(integration, owner).health

        assert health.reasons == ("Prices: The ERP did not answer.", "Records are in exception.")
