"""The home page: my integrations at a glance."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.clock import now
from hub.models import Mapping, RateState, RunState, User
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.webhooks import WebhookFactory, WebhookRouteFactory

pytestmark = pytest.mark.django_db
HOME = "/admin/"
QUERIES = 15


def page(client_of: ClientOf, person: User, address: str = HOME) -> str:
    """The page as this person sees it, with white space as a browser shows it."""
    answer = client_of(person).get(address)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def owned(person: User, **given: object) -> Mapping:
    """An active mapping of an integration that this person owns."""
    return make.MappingFactory(integration=make.IntegrationFactory(owner=person, **given), active=True)


class TestHome:
    def test_shows_health_as_a_word(self, owner: User, client_of: ClientOf) -> None:
        make.SyncRunFactory(mapping=owned(owner, title="Customers to ERP"), unchanged=1)

        shown = page(client_of, owner)

        assert "Customers to ERP" in shown
        assert '<span class="hub-badge hub-tone-ok">Healthy</span>' in shown

    def test_says_which_webhook_has_fallen_silent_and_leads_to_it(self, owner: User, client_of: ClientOf) -> None:
        mapping = owned(owner)
        make.SyncRunFactory(mapping=mapping, unchanged=1)
        webhook = WebhookFactory(title="Shop", silent_since=now() - timedelta(days=2), connection=mapping.source)
        WebhookRouteFactory(webhook=webhook, mapping=mapping)
        client = client_of(owner)

        shown = page(client_of, owner)

        there = reverse("admin:hub_webhook_change", args=[webhook.pk])
        assert "Nothing has come to “Shop” since" in shown
        assert there in shown
        assert client.get(there).status_code == 200

    def test_shows_the_balance_in_numbers(self, owner: User, client_of: ClientOf) -> None:
        make.SyncRunFactory(mapping=owned(owner), unchanged=1190, created=9, held=4, excepted=1)

        shown = page(client_of, owner)

        assert "<b>1,204</b> received" in shown
        for part in ("<b>1,190</b> unchanged", "<b>9</b> written", "<b>4</b> held", "<b>1</b> in exception"):
            assert part in shown

    def test_says_that_it_is_paused_by_whom_and_why(self, owner: User, deputy: User, client_of: ClientOf) -> None:
        given = {"is_paused": True, "paused_by": deputy, "paused_reason": "month-end close", "paused_at": now()}
        owned(owner, **given)

        shown = page(client_of, owner)

        assert f"<b>Paused</b> by {deputy}, just now: month-end close" in shown
        assert "Run now" not in shown

    def test_says_what_is_held_why_and_where_to_decide(self, owner: User, client_of: ClientOf) -> None:
        run = make.SyncRunFactory(
            mapping=owned(owner), state=RunState.WAITING, held=28, reason="28 deletions are more than 20."
        )

        shown = page(client_of, owner)

        assert "<b>28 held.</b>" in shown
        assert "28 deletions are more than 20." in shown
        assert reverse("admin:hub_syncrun_change", args=[run.pk]) in shown

    @pytest.mark.parametrize(
        ("days", "said", "tone"),
        [
            (31, "", ""),
            (20, "The credential “Toy key” ends in 20 days", "warn"),
            (5, "The credential “Toy key” ends in 5 days", "bad"),
            (-1, "nothing that uses it works", "bad"),
        ],
    )
    def test_warns_of_a_credential_that_ends(
        self, days: int, said: str, tone: str, administrator: User, client_of: ClientOf
    ) -> None:
        make.CredentialFactory(title="Toy key", fields=["p"], expires_at=now() + timedelta(days=days, minutes=5))

        shown = page(client_of, administrator)
        if said:
            assert said in shown
            assert f"hub-notice-{tone}" in shown
        else:
            assert "Toy key" not in shown

    def test_leads_to_the_open_exceptions_of_that_integration(self, owner: User, client_of: ClientOf) -> None:
        mapping = owned(owner)
        make.ReconciliationExceptionFactory.create_batch(3, mapping=mapping)
        make.ReconciliationExceptionFactory()

        client = client_of(owner)
        shown = client.get(HOME).content.decode()
        address = f"/admin/hub/reconciliationexception/?integration__id__exact={mapping.integration_id}"

        assert f'href="{address}">3 exceptions</a>' in shown
        assert client.get(address).context["cl"].result_count == 3

    def test_shows_how_far_a_run_is(self, owner: User, client_of: ClientOf) -> None:
        make.SyncRunFactory(mapping=owned(owner), state=RunState.RUNNING, unchanged=430, expected=1000)

        shown = page(client_of, owner)

        assert "43 %" in shown
        assert "430 of about 1,000 records so far" in shown

    def test_shows_when_it_runs_next(self, owner: User, client_of: ClientOf) -> None:
        owned(owner, schedule="30 5 * * 1-5", next_run_at=now() + timedelta(minutes=42))

        shown = page(client_of, owner)

        assert "in 42 min" in shown
        assert "Monday to Friday at 05:30" in shown

    def test_draws_the_recent_runs_with_a_title_for_who_cannot_see_them(self, owner: User, client_of: ClientOf) -> None:
        mapping = owned(owner)
        make.SyncRunFactory.create_batch(2, mapping=mapping, unchanged=3)
        make.SyncRunFactory(mapping=mapping, state=RunState.FAILED)

        shown = page(client_of, owner)

        assert 'aria-label="The last 3 runs: 1 failed, 2 succeeded"' in shown
        assert shown.count('class="hub-bar-succeeded"') == 2

    def test_teaches_when_there_is_nothing_yet(self, owner: User, client_of: ClientOf) -> None:
        shown = page(client_of, owner)

        assert "manage.py apply" in shown
        assert "Ask an administrator" in shown

    def test_offers_the_first_connection_to_who_may_make_it(self, administrator: User, client_of: ClientOf) -> None:
        assert "/admin/hub/connection/add/" in page(client_of, administrator)

    def test_shows_nothing_of_others_to_an_owner(self, owner: User, client_of: ClientOf) -> None:
        make.IntegrationFactory(title="Somebody else's")

        assert "Somebody else" not in page(client_of, owner)

    def test_shows_others_below_ones_own(self, administrator: User, client_of: ClientOf) -> None:
        make.IntegrationFactory(title="A stranger's")
        owned(administrator, title="My own")

        shown = page(client_of, administrator)

        assert shown.index("My own") < shown.index("Others") < shown.index("A stranger&#x27;s")

    def test_escapes_what_people_and_systems_wrote(self, owner: User, client_of: ClientOf) -> None:
        mapping = owned(owner, title="<script>alert(1)</script>")
        make.SyncRunFactory(mapping=mapping, state=RunState.FAILED, reason="<img src=x onerror=alert(2)>")

        shown = page(client_of, owner)

        assert "<script>alert" not in shown
        assert "<img src=x" not in shown

    @pytest.mark.parametrize("name", ["owner", "auditor", "administrator"])
    def test_needs_few_queries_however_many_integrations_there_are(
        self, name: str, client_of: ClientOf, request: pytest.FixtureRequest
    ) -> None:
        person: User = request.getfixturevalue(name)
        for _ in range(10):
            mapping = owned(person)
            make.SyncRunFactory.create_batch(2, mapping=mapping, unchanged=1)
            make.ReconciliationExceptionFactory(mapping=mapping)
            make.SyncRunFactory(mapping=mapping, state=RunState.WAITING, held=1)
        client = client_of(person)

        with CaptureQueriesContext(connection) as caught:
            client.get(HOME)

        assert len(caught) <= QUERIES, [query["sql"][:90] for query in caught]


class TestFreshCards:
    def test_are_the_cards_alone(self, owner: User, client_of: ClientOf) -> None:
        mapping = owned(owner, title="Customers to ERP")

        shown = page(client_of, owner, reverse("admin:hub_integration_cards"))

        assert f'id="card-{mapping.integration_id}"' in shown
        assert "<html" not in shown

    def test_are_named_by_the_page_that_keeps_itself_fresh(self, owner: User, client_of: ClientOf) -> None:
        owned(owner)

        assert f'data-refresh="{reverse("admin:hub_integration_cards")}"' in page(client_of, owner)

    def test_are_not_given_to_who_is_signed_out(self, db: None, client: object) -> None:
        assert client.get(reverse("admin:hub_integration_cards")).status_code == 302  # type: ignore[attr-defined]


class TestFrame:
    def test_has_landmarks_and_a_way_past_the_navigation(self, owner: User, client_of: ClientOf) -> None:
        shown = page(client_of, owner)

        assert '<a class="hub-skip" href="#content-start">' in shown
        assert '<main id="content-start"' in shown
        assert shown.count("<main") == shown.count("<header") == shown.count("<h1") == 1

    def test_says_which_environment_it_is(self, owner: User, client_of: ClientOf, settings: object) -> None:
        settings.HUB_ENVIRONMENT = "production"  # type: ignore[attr-defined]

        shown = page(client_of, owner)

        assert "production" in shown
        assert "bg-red-100" in shown

    def test_asks_nothing_of_other_hosts_and_runs_no_script_of_its_own(self, owner: User, client_of: ClientOf) -> None:
        owned(owner)

        answer = client_of(owner).get(HOME)
        shown = answer.content.decode()

        assert not [address for address in ('src="http', 'href="http', "url(http") if address in shown]
        assert "<script>" not in shown
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]

    @pytest.mark.parametrize(
        ("name", "seen", "unseen"),
        [
            ("stranger", (), ("Exceptions", "Integrations", "People")),
            ("resolver", ("Exceptions", "Runs"), ("People", "Audit trail")),
            ("auditor", ("Exceptions", "Audit trail", "People"), ()),
        ],
    )
    def test_offers_only_what_the_person_may_open(
        self,
        name: str,
        seen: tuple[str, ...],
        unseen: tuple[str, ...],
        client_of: ClientOf,
        request: pytest.FixtureRequest,
    ) -> None:
        shown = page(client_of, request.getfixturevalue(name))

        assert all(f"<span>{title}</span>" in shown for title in seen)
        assert not any(f"<span>{title}</span>" in shown for title in unseen)

    def test_counts_open_exceptions_beside_their_name(self, resolver: User, client_of: ClientOf) -> None:
        make.ReconciliationExceptionFactory.create_batch(2)

        shown = page(client_of, resolver)

        badge = shown.split("<span>Exceptions</span>")[1].split("</span>")[0]
        assert badge.strip().endswith("> 2")


class TestHeldConnection:
    def test_is_told_at_the_top_with_what_to_do(self, owner: User, client_of: ClientOf) -> None:
        mapping = owned(owner)
        RateState.objects.create(
            connection=mapping.destination, origin="https://erp.example:443", breaker="open", code="failures",
            reason="5 calls in a row failed.", opened_at=now(), probe_at=now() + timedelta(minutes=5),
        )  # fmt: skip

        shown = page(client_of, owner)

        assert f"“{mapping.destination}” is held: 5 calls in a row failed. It is tried again at" in shown
        assert reverse("admin:hub_connection_change", args=[mapping.destination_id]) in shown
