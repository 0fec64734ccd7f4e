"""The people and rows of the permission matrix: one integration given to everybody's team, another one to nobody."""

from dataclasses import dataclass
from uuid import uuid4

from django.contrib.auth.models import Group, Permission
from django.db.models import Model

from hub import models
from hub.clock import now
from hub.engine.intent import State
from tests import factories as make
from tests.hub.reviews import AccessLineFactory, AccessReviewFactory
from tests.hub.webhooks import DeliveryFactory, WebhookFactory, WebhookRouteFactory

TEAM = "Team"
# In the order of the columns of the table. Everybody but the last is in the team that was given all rights.
PEOPLE = {
    "V": "Viewer",
    "A": "Auditor",
    "R": "Resolver",
    "I": "Integration owner",
    "O": "Operator",
    "D": "Developer",
    "C": "Credential admin",
    "S": "Security admin",
    "N": "",
}
EVERYWHERE = frozenset("AS")  # whose roles reach what was not given to them
INSIDE, OUTSIDE = "daylight", "kryptonite"  # in every text of the rows: words that are in no page by themselves
Rows = dict[type[Model], Model]


@dataclass(frozen=True, slots=True)
class World:
    """Who asks, and rows inside and outside of what was given; those that belong to nobody are the same in both."""

    people: dict[str, models.User]
    inside: Rows
    outside: Rows


def build() -> World:
    """Make it, once for all questions."""
    team = Group.objects.create(name=TEAM)
    people: dict[str, models.User] = {
        letter: make.UserFactory(username=f"person-{letter}", groups=[role, TEAM] if role else [])
        for letter, role in PEOPLE.items()
    }
    common = _common()
    inside, outside = ({**_rows(name, common), **common} for name in (INSIDE, OUTSIDE))
    _give(team, inside)
    _give(Group.objects.create(name="Other team"), outside)
    return World(people, inside, outside)


def _rows(name: str, common: Rows) -> Rows:
    """One row of each table that hangs on an integration or a credential."""
    credential = make.CredentialFactory(name=f"{name}-key", title=f"{name} key")
    source = make.ConnectionFactory(name=f"{name}-source", title=f"{name} source", credential=credential)
    there = make.ConnectionFactory(name=f"{name}-there", title=f"{name} there")
    integration = make.IntegrationFactory(name=name, title=f"{name} integration", purpose=name)
    mapping = make.MappingFactory(
        integration=integration, name=name, title=f"{name} mapping", source=source, destination=there, active=True
    )
    run = make.SyncRunFactory(mapping=mapping, state="waiting", held=1, ended_at=None, reason=name)
    key = f"{name}-1"
    change = make.ChangeFactory(run=run, state=State.HELD, source_key=key, fields={"name": name}, image={"name": name})
    hook = WebhookFactory(name=f"{name}-hook", title=f"{name} hook", connection=source)
    review = models.Review.objects.create(recovery_id=common[models.Recovery].pk, mapping=mapping)
    found: list[Model] = [
        credential, source, integration, mapping, make.MappingVersionFactory(mapping=mapping, note=name), run, change,
        make.AttemptFactory(change=change, request=name, response=name),
        make.ReconciliationExceptionFactory(mapping=mapping, source_key=key, reason=f"Refused: {name}."),
        make.LinkFactory(mapping=mapping, source_key=key, destination_key=key), make.LaneFactory(mapping=mapping),
        make.CheckpointFactory(mapping=mapping, cursor={"since": name}),
        make.HintFactory(mapping=mapping, source_key=key), make.SlotFactory(integration=integration),
        hook, WebhookRouteFactory(webhook=hook, mapping=mapping, events=[name]),
        DeliveryFactory(webhook=hook, key=key, event=name), models.Finding.objects.create(
            review=review, kind="new", source_key=key
        ),
        models.Consent.objects.create(
            credential=credential, asked_at=now(), expires_at=now(), mark=name, message=name
        ),
        models.Replay.objects.create(integration=integration, mapping=mapping, reason=name, created_at=now()),
    ]  # fmt: skip
    return {type(row): row for row in found}


def _give(team: Group, rows: Rows) -> None:
    """All rights on the integration and the credential of these rows."""
    right = Permission.objects.get(codename="own_integration")
    rows[models.IntegrationGrant] = models.IntegrationGrant.objects.create(
        group=team, content_object=rows[models.Integration], permission=right
    )
    right = Permission.objects.get(codename="manage_credential")
    rows[models.CredentialGrant] = models.CredentialGrant.objects.create(
        group=team, content_object=rows[models.Credential], permission=right
    )


def _common() -> Rows:
    """Rows that hang on nothing."""
    return {
        models.User: make.UserFactory(username="somebody"),
        Group: Group.objects.create(name="A group"),
        models.AuditEvent: make.AuditEventFactory(),
        models.CapturedRow: models.CapturedRow.objects.create(
            uid=uuid4(), at=now(), table_name="auth_group", key="1", operation="delete", actor_name="db-direct"
        ),
        models.Export: models.Export.objects.create(
            asked_at=now(), reason="For the auditors.", kind="event", format="csv", state="done", expires_at=now()
        ),
        models.AccessReview: (review := AccessReviewFactory()),
        models.AccessLine: AccessLineFactory(review=review),
        models.EgressZone: make.EgressZoneFactory(),
        models.MainSwitch: models.MainSwitch.objects.get_or_create(pk=1)[0],
        models.Recovery: models.Recovery.objects.create(
            started_at=now(), started_by=make.UserFactory(username="starter"), why="A restored backup."
        ),
    }
