"""The desk's pages about exceptions."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hub.clock import now
from hub.engine.intent import State
from hub.models import Change, ExceptionState, Hint, LinkState, ReconciliationException, SyncRun, User
from tests.conftest import ClientOf
from tests.factories import (
    AttemptFactory,
    ChangeFactory,
    IntegrationFactory,
    LaneFactory,
    LinkFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/reconciliationexception/"


def page(exception: ReconciliationException) -> str:
    """The address of its page."""
    return reverse("admin:hub_reconciliationexception_change", args=[exception.pk])


def deed(exception: ReconciliationException, name: str) -> str:
    """The address of one of its deeds."""
    return reverse("admin:hub_reconciliationexception_do", args=[exception.pk, name])


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def in_doubt() -> ReconciliationException:
    """A write of which nobody knows whether it happened."""
    run = SyncRunFactory(mapping=MappingFactory(active=True), in_flight=1)
    LaneFactory(mapping=run.mapping)
    link = LinkFactory(mapping=run.mapping, state=LinkState.PENDING, destination_key=None)
    change = ChangeFactory(
        run=run, link=link, source_key=link.source_key, operation="create", state=State.PARKED, before=None
    )
    return ReconciliationExceptionFactory(
        mapping=run.mapping, source_key=link.source_key, kind="in_doubt", change_id=change.pk, last_run=run
    )


def state_of_change(exception: ReconciliationException) -> str:
    """How the change behind it stands."""
    assert exception.change_id is not None
    return Change.objects.get(pk=exception.change_id).state


class TestExceptionList:
    """The list of exceptions."""

    def test_shows_open_ones_first(self, auditor: User, client_of: ClientOf) -> None:
        opened = ReconciliationExceptionFactory()
        resolved = ReconciliationExceptionFactory(state=ExceptionState.RESOLVED)
        client = client_of(auditor)

        assert list(client.get(LIST).context["cl"].result_list) == [opened]
        assert list(client.get(LIST, {"state": "resolved"}).context["cl"].result_list) == [resolved]
        assert list(client.get(LIST, {"state": "all"}).context["cl"].result_list) == [resolved, opened]

    def test_is_narrowed_by_kind_integration_and_run(self, auditor: User, client_of: ClientOf) -> None:
        run = SyncRunFactory()
        wanted = ReconciliationExceptionFactory(mapping=run.mapping, kind="conflict", last_run=run)
        ReconciliationExceptionFactory(mapping=run.mapping, last_run=run)
        ReconciliationExceptionFactory(kind="conflict")
        query = {"kind__exact": "conflict", "integration__id__exact": wanted.integration_id, "run": run.pk}

        answer = client_of(auditor).get(LIST, query)

        assert list(answer.context["cl"].result_list) == [wanted]

    def test_is_searched_by_the_beginning_of_a_key(self, auditor: User, client_of: ClientOf) -> None:
        wanted = ReconciliationExceptionFactory(source_key="rates.csv:17")
        ReconciliationExceptionFactory()

        answer = client_of(auditor).get(LIST, {"q": "rates.csv"})

        assert list(answer.context["cl"].result_list) == [wanted]

    def test_teaches_when_nothing_is_open(self, auditor: User, client_of: ClientOf) -> None:
        client = client_of(auditor)

        assert "Nothing needs a person" in html(client, LIST)
        assert "No exception is like that" in html(client, f"{LIST}?q=zzz")

    def test_is_cheap(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        mapping = MappingFactory(integration=IntegrationFactory(owner=owner))
        for _ in range(30):
            ReconciliationExceptionFactory(mapping=mapping)
        client = client_of(owner)

        with django_assert_max_num_queries(10):
            client.get(LIST)


class TestExceptionPage:
    """The page of an exception."""

    def test_says_in_words_what_happened_and_what_can_be_done(self, auditor: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory(reason="VAT number is not valid.")

        text = html(client_of(auditor), page(exception))

        assert "The destination understood the request and refused it." in text
        assert "VAT number is not valid." in text
        assert "What you can do:" in text

    def test_shows_the_value_concerned(self, auditor: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory(
            kind="unmapped", field="country", evidence={"source": {"country": "XK", "name": "Ada"}}
        )

        text = html(client_of(auditor), page(exception))

        assert '<b class="hub-strong">country</b>' in text
        assert "The record as the source sent it" in text
        assert "XK" in text

    def test_shows_the_attempt_behind_it(self, auditor: User, client_of: ClientOf) -> None:
        change = ChangeFactory(state=State.REJECTED)
        AttemptFactory(change=change, answer="refused", status=422, response="VAT number is not valid")
        exception = ReconciliationExceptionFactory(mapping=change.mapping, change_id=change.pk)

        text = html(client_of(auditor), page(exception))

        assert "status 422" in text
        assert "VAT number is not valid" in text

    def test_tells_how_it_was_settled(self, auditor: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory(
            state=ExceptionState.RESOLVED, resolved_at=now(), resolution="Both sides agree again."
        )

        text = html(client_of(auditor), page(exception))

        assert "Both sides agree again." in text
        assert "What you can do" not in text

    def test_is_not_there_for_a_stranger(self, owner: User, client_of: ClientOf) -> None:
        assert client_of(owner).get(page(ReconciliationExceptionFactory())).status_code == 404

    def test_is_cheap(
        self, owner: User, client_of: ClientOf, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        mapping = MappingFactory(integration=IntegrationFactory(owner=owner))
        change = ChangeFactory(run=SyncRunFactory(mapping=mapping))
        for number in range(10):
            AttemptFactory(change=change, number=number)
        exception = ReconciliationExceptionFactory(mapping=mapping, change_id=change.pk)
        client = client_of(owner)

        with django_assert_max_num_queries(16):
            client.get(page(exception))


class TestRetry:
    """Asking for another try."""

    def test_has_the_record_read_again_by_a_run(self, resolver: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory(mapping=MappingFactory(active=True))

        answer = client_of(resolver).post(deed(exception, "retry"))

        run = SyncRun.objects.get()
        assert answer.headers["Location"] == reverse("admin:hub_syncrun_change", args=[run.pk])
        assert Hint.objects.get().source_key == exception.source_key

    def test_leaves_a_live_run_alone(self, resolver: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory(mapping=MappingFactory(active=True))
        SyncRunFactory(mapping=exception.mapping, state="running")

        answer = client_of(resolver).post(deed(exception, "retry"), follow=True)

        assert "read again by the next one" in answer.content.decode()
        assert SyncRun.objects.count() == 1

    def test_says_why_it_cannot(self, resolver: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory()

        answer = client_of(resolver).post(deed(exception, "retry"))

        assert answer.status_code == 200
        assert "no active version" in answer.content.decode()

    def test_never_happens_by_looking(self, resolver: User, client_of: ClientOf) -> None:
        exception = ReconciliationExceptionFactory(mapping=MappingFactory(active=True))

        client_of(resolver).get(deed(exception, "retry"))

        assert not SyncRun.objects.exists()

    def test_is_refused_to_those_who_may_only_look(self, auditor: User, client_of: ClientOf) -> None:
        assert client_of(auditor).post(deed(ReconciliationExceptionFactory(), "retry")).status_code == 403


class TestEdit:
    """Saying which value of a field counts that somebody edited at the destination."""

    def edited(self, semantics: str = "state") -> ReconciliationException:
        sides = {"sent": {"city": "Kiel"}, "agreed": {"city": "Kiel"}, "destination": {"city": "Ulm"}}
        return ReconciliationExceptionFactory(
            mapping=MappingFactory(active=True, semantics=semantics), kind="edited", field="city", evidence=sides
        )

    def test_shows_both_values_and_offers_both(self, resolver: User, client_of: ClientOf) -> None:
        shown = html(client_of(resolver), page(self.edited()))

        assert "Kiel" in shown
        assert "Ulm" in shown
        assert "Leave it as it is there" in shown
        assert "Write the source&#x27;s value" in shown
        assert "Try again" not in shown

    def test_makes_up_no_step_where_every_step_counts(self, resolver: User, client_of: ClientOf) -> None:
        assert "Write the source&#x27;s value" not in html(client_of(resolver), page(self.edited("transition")))

    @pytest.mark.parametrize("name", ["leave", "overwrite"])
    def test_is_settled_with_a_reason_and_looked_at_again(self, resolver: User, client_of: ClientOf, name: str) -> None:
        exception = self.edited()

        client_of(resolver).post(deed(exception, name), {"reason": "they moved"})

        exception.refresh_from_db()
        assert exception.state == ExceptionState.RESOLVED
        assert "they moved" in exception.resolution
        assert Hint.objects.get().source_key == exception.source_key


class TestDoubt:
    """Answering whether a write happened."""

    def test_offers_three_answers_and_no_retry(self, operator: User, client_of: ClientOf) -> None:
        choices = client_of(operator).get(page(in_doubt())).context["choices"]

        assert [offer.deed.name for offer in choices] == ["happened", "not_happened", "stop"]

    def test_it_happened_needs_the_key_it_became(self, operator: User, client_of: ClientOf) -> None:
        exception = in_doubt()
        client = client_of(operator)

        without = client.post(deed(exception, "happened"), {"destination_key": ""})
        with_key = client.post(deed(exception, "happened"), {"destination_key": "9100"})
        change = Change.objects.get()

        assert "its key at the destination is needed" in without.content.decode()
        assert with_key.status_code == 302
        assert (change.state, (change.claim or {})["key"]) == (State.PROBING, "9100")

    def test_it_did_not_has_a_worker_look_once_more(self, operator: User, client_of: ClientOf) -> None:
        exception = in_doubt()

        client_of(operator).post(deed(exception, "not_happened"))

        assert state_of_change(exception) == State.PROBING

    def test_stop_gives_it_up(self, operator: User, client_of: ClientOf) -> None:
        exception = in_doubt()

        client_of(operator).post(deed(exception, "stop"))

        assert state_of_change(exception) == State.CANCELLED

    def test_is_for_those_who_may_approve(self, resolver: User, client_of: ClientOf) -> None:
        exception = in_doubt()
        client = client_of(resolver)

        assert client.get(page(exception)).context["choices"] == []
        assert client.post(deed(exception, "stop")).status_code == 403


class TestAnotherKindsWay:
    @pytest.mark.parametrize("way", ["leave", "overwrite", "keep", "acknowledge"])
    def test_settles_nothing(self, way: str, administrator: User, client_of: ClientOf) -> None:
        doubtful = ReconciliationExceptionFactory(kind="in_doubt")
        address = reverse("admin:hub_reconciliationexception_do", args=[doubtful.pk, way])

        answer = client_of(administrator).post(address, {"reason": "Because I can."}, follow=True)

        assert "does not fit how this stands now" in answer.content.decode()
        doubtful.refresh_from_db()
        assert doubtful.state == "open"
