"""The desk's pages about changes, attempts and links."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hub.clock import now
from hub.engine.intent import State
from hub.models import LinkState, User
from tests.conftest import ClientOf
from tests.factories import (
    AttemptFactory,
    ChangeFactory,
    HintFactory,
    IntegrationFactory,
    LinkFactory,
    LinkImageFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
)

pytestmark = pytest.mark.django_db


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def page(kind: str, pk: int) -> str:
    """The address of a row's page."""
    return reverse(f"admin:hub_{kind}_change", args=[pk])


class TestChangePage:
    """The page of a change."""

    def test_tells_its_life_from_plan_to_outcome(self, auditor: User, client_of: ClientOf) -> None:
        change = ChangeFactory(state=State.REJECTED, sent_at=now(), message="No such country.", code="validation")
        AttemptFactory(change=change, answer="retry", status=503)
        AttemptFactory(change=change, number=2, answer="refused", status=422, response="no such country")

        text = html(client_of(auditor), page("change", change.pk))

        told = ["Planned", "Intent committed", "Attempt 1: not done, try later", "Attempt 2: refused", "Refused"]
        places = [text.index(f"<strong>{word}</strong>") for word in told]
        assert places == sorted(places)

    def test_shows_key_precondition_and_generation(self, auditor: User, client_of: ClientOf) -> None:
        change = ChangeFactory(idempotency_key="5f2b7f1e", precondition='"7"', key_gen=2)

        text = html(client_of(auditor), page("change", change.pk))

        assert "<code>5f2b7f1e</code>" in text
        assert "<code>&quot;7&quot;</code>" in text
        assert "generation 2" in text

    def test_leads_to_link_run_exception_and_other_changes(self, auditor: User, client_of: ClientOf) -> None:
        link = LinkFactory()
        change = ChangeFactory(link=link, source_key=link.source_key)
        other = ChangeFactory(run=change.run, source_key=link.source_key)
        raised = ReconciliationExceptionFactory(mapping=change.mapping, source_key=link.source_key, change_id=change.pk)

        text = html(client_of(auditor), page("change", change.pk))

        for kind, pk in (
            ("link", link.pk),
            ("syncrun", change.run_id),
            ("reconciliationexception", raised.pk),
            ("change", other.pk),
        ):
            assert f'href="{page(kind, pk)}"' in text

    def test_escapes_what_other_systems_say(self, auditor: User, client_of: ClientOf) -> None:
        change = ChangeFactory(message="<script>alert(1)</script>", fields={"<b>": "<img src=x onerror=alert(1)>"})
        AttemptFactory(change=change, response="<script>alert(2)</script>")

        text = html(client_of(auditor), page("change", change.pk))

        assert "<script>alert" not in text
        assert "<img src=x" not in text

    def test_is_not_there_for_a_stranger(self, owner: User, client_of: ClientOf) -> None:
        assert client_of(owner).get(page("change", ChangeFactory().pk)).status_code == 404

    def test_costs_the_same_for_many_attempts(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        mapping = MappingFactory(integration=IntegrationFactory(owner=owner), active=True)
        change = ChangeFactory(run=SyncRunFactory(mapping=mapping), link=LinkFactory(mapping=mapping))
        for number in range(12):
            AttemptFactory(change=change, number=number)
        client = client_of(owner)

        with django_assert_max_num_queries(15):
            client.get(page("change", change.pk))


class TestChangeList:
    """The list of changes."""

    def test_is_searched_by_the_beginning_of_a_key(self, auditor: User, client_of: ClientOf) -> None:
        wanted = ChangeFactory(source_key="C-100")
        ChangeFactory(source_key="D-100")
        ChangeFactory(source_key="XC-100")

        answer = client_of(auditor).get("/admin/hub/change/", {"q": "C-1"})

        assert list(answer.context["cl"].result_list) == [wanted]

    def test_takes_signs_of_a_pattern_literally(self, auditor: User, client_of: ClientOf) -> None:
        ChangeFactory(source_key="C-100")

        answer = client_of(auditor).get("/admin/hub/change/", {"q": "C%"})

        assert list(answer.context["cl"].result_list) == []

    def test_never_finds_what_is_out_of_sight(self, owner: User, client_of: ClientOf) -> None:
        ChangeFactory(source_key="C-100")

        answer = client_of(owner).get("/admin/hub/change/", {"q": "C-100"})

        assert answer.status_code == 403 or list(answer.context["cl"].result_list) == []

    def test_is_narrowed_to_a_run_and_to_doubt(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory()
        wanted = ChangeFactory(run=run, state=State.PARKED)
        ChangeFactory(run=run)
        ChangeFactory(state=State.PARKED)

        answer = client_of(auditor).get("/admin/hub/change/", {"run": run.pk, "state": "doubt"})

        assert list(answer.context["cl"].result_list) == [wanted]
        assert answer.context["cl"].pin_links()[0]["label"] == f"run {run.pk}"

    def test_is_cheap(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        run = SyncRunFactory(mapping=MappingFactory(integration=IntegrationFactory(owner=owner), active=True))
        for _ in range(30):
            ChangeFactory(run=run)
        client = client_of(owner)

        with django_assert_max_num_queries(10):
            client.get("/admin/hub/change/")


class TestLinks:
    """Links: the list and the page."""

    def test_are_found_by_either_key(self, auditor: User, client_of: ClientOf) -> None:
        link = LinkFactory(source_key="C-77", destination_key="9977")
        LinkFactory(source_key="D-1", destination_key="1")
        client = client_of(auditor)

        by_source = client.get("/admin/hub/link/", {"q": "C-7"}).context["cl"].result_list
        by_destination = client.get("/admin/hub/link/", {"q": "997"}).context["cl"].result_list

        assert list(by_source) == list(by_destination) == [link]

    def test_show_both_images_where_they_differ(self, auditor: User, client_of: ClientOf) -> None:
        link = LinkFactory()
        LinkImageFactory(link=link, sent={"name": "Ærø", "city": "Aarhus"}, destination={"name": "AERO"})

        text = html(client_of(auditor), page("link", link.pk))

        assert "as the destination keeps it" in text
        assert "<mark>AERO</mark>" in text
        assert "1 field without a difference" in text

    def test_show_changes_and_open_exceptions_of_the_record(self, auditor: User, client_of: ClientOf) -> None:
        link = LinkFactory(state=LinkState.PENDING, destination_key=None)
        run = SyncRunFactory(mapping=link.mapping)
        change = ChangeFactory(run=run, source_key=link.source_key)
        raised = ReconciliationExceptionFactory(mapping=link.mapping, source_key=link.source_key)

        text = html(client_of(auditor), page("link", link.pk))

        assert page("change", change.pk) in text
        assert page("reconciliationexception", raised.pk) in text

    def test_pages_are_cheap(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        mapping = MappingFactory(integration=IntegrationFactory(owner=owner))
        links = [LinkFactory(mapping=mapping) for _ in range(30)]
        client = client_of(owner)

        with django_assert_max_num_queries(10):
            client.get("/admin/hub/link/")
        with django_assert_max_num_queries(14):
            client.get(page("link", links[0].pk))


class TestAttemptAndHint:
    """Attempts and hints have pages of their own."""

    def test_an_attempt_is_shown_in_full(self, auditor: User, client_of: ClientOf) -> None:
        attempt = AttemptFactory(response="y" * 6000)

        assert "y" * 6000 in html(client_of(auditor), page("attempt", attempt.pk))

    def test_a_hint_says_why(self, auditor: User, client_of: ClientOf) -> None:
        hint = HintFactory(reason="its reference was not linked yet")

        assert "its reference was not linked yet" in html(client_of(auditor), page("hint", hint.pk))
