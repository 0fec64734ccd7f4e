"""What others do while a form is open or being saved: nothing of it is overwritten unseen."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connections, models
from django.test import Client

from hub.admin.base import FactAdmin, HubAdmin
from hub.admin.meanwhile import Watchful
from hub.models import Connection, Integration, User
from hub.services import audit
from hub.services import pause as pauses
from hub.services.history import save_as
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.admin.forms import untouched
from tests.hub.webhooks import WebhookFactory, WebhookRouteFactory

FOLDER = {"url": "file:///data", "streams": {"a": {"pattern": "a.csv", "key": "id"}}}
# Every form that changes a row: how a row is made, a field of its form, and what somebody else puts there.
FORMS: dict[str, tuple[Callable[[], models.Model], str, Any]] = {
    "integration": (make.IntegrationFactory, "title", "Theirs"),
    "mapping": (make.MappingFactory, "max_deletions", 7),
    "mappingversion": (make.MappingVersionFactory, "body", {"fields": {"theirs": {"steps": [{"path": "name"}]}}}),
    "connection": (lambda: make.ConnectionFactory(config=FOLDER), "per_second", 3),
    "egresszone": (make.EgressZoneFactory, "title", "Theirs"),
    "credential": (make.CredentialFactory, "title", "Theirs"),
    "webhook": (WebhookFactory, "keep_days", 9),
    "webhookroute": (WebhookRouteFactory, "keys_from", "body:theirs"),
    "user": (make.UserFactory, "first_name", "Theirs"),
    "group": (lambda: Group.objects.create(name="ours"), "name", "theirs"),
}
WITHOUT_FORM = {"replay"}  # prepared with a form, and not changed by one afterwards


def address(row: models.Model) -> str:
    """Where the form of a row stands."""
    desk: Any = admin.site._registry[type(row)]
    return str(desk.address("edit" if desk.page_template else "change", row))


def opened(client: Client, row: models.Model) -> dict[str, Any]:
    """What the form of the row sends when nobody touches it."""
    return untouched(client.get(address(row)).content.decode()) | {"save": "1"}


def changed(row: models.Model, by: User, **given: Any) -> None:
    """Somebody else saves this."""
    theirs = type(row)._base_manager.get(pk=row.pk)
    for name, value in given.items():
        setattr(theirs, name, value)
    save_as(theirs, by=by, reason="meanwhile", fields=list(given))
    audit.record(actor=by, action=f"{theirs._meta.model_name}.change", subject=theirs)


@pytest.fixture
def ada(db: None) -> User:
    """Somebody who may change everything."""
    made: User = make.UserFactory(username="ada", is_superuser=True)
    return made


@pytest.fixture
def otto(db: None) -> User:
    """Somebody else."""
    made: User = make.UserFactory(username="otto", first_name="otto", last_name="")
    return made


@pytest.fixture
def integration(db: None) -> Integration:
    """One that runs every morning."""
    made: Integration = make.IntegrationFactory(title="Customers", schedule="0 6 * * *")
    return made


def test_every_form_that_changes_a_row_is_tried_here() -> None:
    desks = {model._meta.model_name: desk for model, desk in admin.site._registry.items() if isinstance(desk, HubAdmin)}
    forms = {name for name, desk in desks.items() if not isinstance(desk, FactAdmin)}

    assert forms - WITHOUT_FORM == set(FORMS)


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMS)
class TestEveryForm:
    def test_saves_what_nobody_else_changed(self, name: str, ada: User, client_of: ClientOf) -> None:
        row, client = FORMS[name][0](), client_of(ada)

        assert client.post(address(row), opened(client, row)).status_code == 302

    def test_overwrites_nothing_unseen_and_says_who_changed_it(
        self, name: str, ada: User, otto: User, client_of: ClientOf
    ) -> None:
        row, field, theirs = FORMS[name][0](), *FORMS[name][1:]
        client = client_of(ada)
        before = opened(client, row)
        changed(row, otto, **{field: theirs})

        refused = client.post(address(row), before)

        assert refused.status_code == 200
        assert "otto changed this just now" in refused.content.decode()
        row.refresh_from_db()
        assert getattr(row, field) == theirs

    def test_shows_what_is_there_now_and_is_saved_the_second_time(
        self, name: str, ada: User, otto: User, client_of: ClientOf
    ) -> None:
        row, field, theirs = FORMS[name][0](), *FORMS[name][1:]
        client = client_of(ada)
        before = opened(client, row)
        changed(row, otto, **{field: theirs})
        refused = client.post(address(row), before).content.decode()

        again = client.post(address(row), untouched(refused) | {"save": "1"})

        assert again.status_code == 302
        row.refresh_from_db()
        assert getattr(row, field) == theirs


class TestIntegrationForm:
    def test_keeps_what_the_person_entered(
        self, integration: Integration, ada: User, otto: User, client_of: ClientOf
    ) -> None:
        client = client_of(ada)
        mine = opened(client, integration) | {"title": "Mine", "criticality": "high"}
        changed(integration, otto, title="Theirs", schedule="0 7 * * *")

        refused = client.post(address(integration), mine).content.decode()

        shown = untouched(refused)
        assert (shown["title"], shown["criticality"], shown["schedule"]) == ("Mine", "high", "0 7 * * *")
        assert "It is now “Theirs”" in refused
        assert client.post(address(integration), shown).status_code == 302
        integration.refresh_from_db()
        assert (integration.title, integration.schedule) == ("Mine", "0 7 * * *")

    def test_is_not_refused_for_what_is_not_in_it(
        self, integration: Integration, ada: User, otto: User, client_of: ClientOf
    ) -> None:
        client = client_of(ada)
        mine = opened(client, integration) | {"title": "Mine"}
        pauses.pause(row=integration, by=otto, reason="month-end")

        assert client.post(address(integration), mine).status_code == 302

        integration.refresh_from_db()
        assert (integration.title, integration.is_paused) == ("Mine", True)

    def test_is_refused_again_when_it_is_changed_again(
        self, integration: Integration, ada: User, otto: User, client_of: ClientOf
    ) -> None:
        client = client_of(ada)
        mine = opened(client, integration) | {"title": "Mine"}
        changed(integration, otto, title="Theirs")
        second = untouched(client.post(address(integration), mine).content.decode())
        changed(integration, otto, title="Theirs again")

        assert client.post(address(integration), second).status_code == 200

    def test_wants_its_mistakes_put_right_first_and_still_knows_what_it_showed(
        self, integration: Integration, ada: User, otto: User, client_of: ClientOf
    ) -> None:
        client = client_of(ada)
        mine = opened(client, integration) | {"title": "Mine", "schedule": "never"}
        changed(integration, otto, title="Theirs")

        wrong = client.post(address(integration), mine).content.decode()
        refused = client.post(address(integration), untouched(wrong) | {"schedule": ""}).content.decode()

        assert "otto changed" not in wrong
        assert "otto changed this just now" in refused


def test_a_role_that_was_taken_meanwhile_is_not_given_back_unseen(ada: User, otto: User, client_of: ClientOf) -> None:
    client, person = client_of(ada), make.UserFactory(groups=["Integration owner", "Operator"])
    mine = opened(client, person) | {"first_name": "Mine"}
    person.groups.remove(Group.objects.get(name="Operator"))
    audit.record(actor=otto, action="user.change", subject=person)

    refused = client.post(address(person), mine).content.decode()

    assert "It is now “Integration owner”" in refused
    assert list(person.groups.values_list("name", flat=True)) == ["Integration owner"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["integration", "connection"])
def test_a_pause_that_is_set_while_a_form_is_saved_is_still_there(
    name: str, ada: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    row: Any = FORMS[name][0]()
    client = client_of(ada)
    mine = opened(client, row) | {"title": "Mine"}
    pausing = threading.Thread(target=_pause, args=[type(row), row.pk])
    check = Watchful.full_clean

    def slowly(form: Watchful) -> None:
        if form.is_bound:  # the row is read, and not saved yet
            pausing.start()
            pausing.join(0.7)
        check(form)

    monkeypatch.setattr(Watchful, "full_clean", slowly)

    assert client.post(address(row), mine).status_code == 302

    pausing.join(20)
    row.refresh_from_db()
    assert (row.title, row.is_paused) == ("Mine", True)


def _pause(model: type[Integration | Connection], pk: int) -> None:
    try:
        pauses.pause(row=model.objects.get(pk=pk), by=None, reason="month-end")
    finally:
        connections.close_all()
