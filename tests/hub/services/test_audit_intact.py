"""R-08: no change of configuration and no decision without its audit event: where none can be written, nothing is."""

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection
from django.test import Client

from hub.clock import now
from hub.engine.intent import State
from hub.models import AuditEvent, Replay, Trigger
from hub.services import change, credential, exception, incarnation, mapping, pause, recovery, replay, setup, webhook
from hub.services import connection as connections
from hub.services import run as runs
from hub.services.delivery import catch_up
from tests import factories as make
from tests.hub.admin.forms import untouched
from tests.hub.admin.pages import RULES, page
from tests.hub.admin.stuck import stuck
from tests.hub.webhooks import WebhookFactory

pytestmark = pytest.mark.django_db
WHY = "Both sides were compared on the telephone."
SECRET = "whsec_" + base64.b64encode(b"the secret of the tests").decode()
FOLDER = {"url": "file:///data", "streams": {"a": {"pattern": "a.csv", "key": "id"}}}
OTHER_RULES = {"fields": {"other": {"steps": [{"path": "name"}]}}}
BROKEN = {
    "sqlite": ["create trigger no_audit before insert on hub_auditevent begin select raise(abort, 'no audit'); end"],
    "postgresql": [
        "create function no_audit() returns trigger language plpgsql as $$begin raise 'no audit'; end$$",
        "create trigger no_audit before insert on hub_auditevent for each row execute function no_audit()",
    ],
}


@pytest.fixture
def world(request: pytest.FixtureRequest) -> SimpleNamespace:
    """Something of everything that is configured or decided about."""
    ada = make.UserFactory(is_superuser=True)
    ours = make.MappingFactory(active=True, destination__config=FOLDER)
    waiting = make.SyncRunFactory(state="waiting", held=1)
    make.ChangeFactory(run=waiting, state=State.HELD, code="guard", link=make.LinkFactory(mapping=waiting.mapping))
    partial = make.SyncRunFactory(state="partial", in_flight=1)
    doubtful = make.ChangeFactory(run=partial, state=State.PARKED, link=make.LinkFactory(mapping=partial.mapping))
    browser = Client()
    browser.force_login(ada)
    return SimpleNamespace(
        ada=ada,
        browser=browser,
        mapping=ours,
        draft=mapping.add_version(mapping=ours, body=RULES, by=ada),
        queued=make.SyncRunFactory(state="queued"),
        waiting=waiting,
        doubtful=doubtful,
        stuck=stuck(digest="d", head={"digest": "d"}, behind={}, asked={}),
        shelf=ours.destination,
        credential=make.CredentialFactory(),
        person=make.UserFactory(),
        webhook=WebhookFactory(silent_since=now()),
        question=make.ReconciliationExceptionFactory(kind="overwrite", mapping=make.MappingFactory(active=True)),
        main=pause.main_switch(),
        recovery=incarnation.begin(by=ada, why=WHY) if "recovery" in request.node.name else None,
        replay=Replay.objects.create(mapping=ours, integration=ours.integration, created_at=now(), reason=WHY),
    )


def form(world: SimpleNamespace, row: Any, **given: Any) -> None:
    """Save the form of a row."""
    address = page(row, given.pop("at", "edit"))
    sent = untouched(world.browser.get(address).content.decode()) | given
    answer = world.browser.post(address, sent)
    assert answer.status_code == 302, answer.content.decode()


def renamed(row: Any) -> Any:
    row.title = "Renamed"
    return row


DECISIONS: dict[str, Callable[[SimpleNamespace], Any]] = {
    "pause everything": lambda on: pause.pause(row=on.main, by=on.ada, reason=WHY),
    "pause an integration": lambda on: pause.pause(row=on.mapping.integration, by=on.ada, reason=WHY),
    "ask for a run": lambda on: runs.request(mapping=on.mapping, trigger=Trigger.PERSON, by=on.ada),
    "cancel a run": lambda on: runs.cancel(run=on.queued, by=on.ada, reason=WHY),
    "approve changes": lambda on: runs.approve_held(run=on.waiting, by=on.ada, reason=WHY),
    "discard changes": lambda on: runs.discard_held(run=on.waiting, by=on.ada, reason=WHY),
    "say what became of a write": lambda on: runs.resolve_in_doubt(change=on.doubtful, by=on.ada, verdict="stop"),
    "release a step": lambda on: change.release(change=on.stuck, by=on.ada, reason=WHY),
    "skip a step": lambda on: change.skip(change=on.stuck, by=on.ada, reason=WHY),
    "supersede steps": lambda on: change.supersede(change=on.stuck, by=on.ada, reason=WHY),
    "retry an exception": lambda on: exception.retry(exception=on.question, by=on.ada),
    "acknowledge an exception": lambda on: exception.acknowledge(exception=on.question, by=on.ada, reason=WHY),
    "cancel a replay": lambda on: replay.cancel(replay=on.replay, by=on.ada, reason=WHY),
    "leave recovery": lambda on: recovery.leave(recovery=on.recovery, by=on.ada, reason=WHY, unread=True),
    "test a connection": lambda on: connections.request_check(connection=on.mapping.source, by=on.ada),
    "save a draft": lambda on: mapping.save_draft(mapping=on.mapping, body=OTHER_RULES, by=on.ada),
    "activate a version": lambda on: mapping.activate(version=on.draft, by=on.ada),
    "set values": lambda on: credential.set_values(credential=on.credential, values={"password": "p"}, by=on.ada),
    "set a signing secret": lambda on: webhook.set_secret(webhook=on.webhook, secret=SECRET, by=on.ada),
    "hear a webhook again": lambda on: catch_up.watch(now()),
    "set up a connection": lambda on: setup.save_connection(
        connection=renamed(on.mapping.destination), secrets={}, by=on.ada
    ),
    "save a form": lambda on: form(on, on.mapping.integration, title="Renamed"),
    "save a form with its own page": lambda on: form(on, on.shelf, title="Renamed"),
    "change a person": lambda on: form(on, on.person, at="change", first_name="Renamed"),
    "give a role": lambda on: form(on, on.person, at="change", groups=[Group.objects.get(name="Viewer").pk]),
    "delete a row": lambda on: form(on, on.credential, at="delete", post="yes"),
}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of the hub, of its history and of its people."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in {"hub", "auth"}]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}


@pytest.mark.parametrize("name", DECISIONS)
class TestEveryDecision:
    def test_leaves_an_event(self, name: str, world: SimpleNamespace) -> None:
        before = AuditEvent.objects.count()

        DECISIONS[name](world)

        assert AuditEvent.objects.count() > before

    def test_does_not_happen_where_its_event_cannot_be_written(self, name: str, world: SimpleNamespace) -> None:
        with connection.cursor() as cursor:
            for statement in BROKEN[connection.vendor]:
                cursor.execute(statement)
        before = everything()

        with pytest.raises(DatabaseError, match="no audit"):
            DECISIONS[name](world)

        assert everything() == before
