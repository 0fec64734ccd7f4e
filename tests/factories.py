"""The smallest valid row of each table, and its named variants."""

import hashlib
from datetime import timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from hub import models
from hub.clock import now
from hub.engine.intent import State

PARTS = ("unchanged", "created", "updated", "deleted", "planned", "held", "excluded", "excepted", "in_flight")
BODY = {"fields": {"name": {"steps": [{"path": "name"}]}}}


class UserFactory(DjangoModelFactory[models.User]):
    """A person who may sign in, without a role. `UserFactory(groups=["Integration owner"])` gives roles."""

    class Meta:
        model = models.User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"person{number}")
    first_name = factory.Sequence(lambda number: f"First{number}")
    last_name = "Person"
    is_staff = True

    @factory.post_generation
    def groups(self: models.User, create: bool, names: Any, **_: Any) -> None:
        from django.contrib.auth.models import Group

        for name in names or ():
            self.groups.add(Group.objects.get(name=name))


class CredentialFactory(DjangoModelFactory[models.Credential]):
    """What is known about a secret; no value is set."""

    class Meta:
        model = models.Credential

    name = factory.Sequence(lambda number: f"credential-{number}")
    title = factory.Sequence(lambda number: f"Credential {number}")
    origins = factory.LazyFunction(lambda: ["https://crm.example:443"])


class EgressZoneFactory(DjangoModelFactory[models.EgressZone]):
    """A proposed zone."""

    class Meta:
        model = models.EgressZone

    name = factory.Sequence(lambda number: f"zone-{number}")
    title = factory.Sequence(lambda number: f"Zone {number}")
    networks = factory.LazyFunction(lambda: ["10.20.0.0/16"])
    reason = "The ERP stands there."


def open_this_machine() -> models.EgressZone:
    """An open zone for processes of their own, which find their systems on this machine."""
    return EgressZoneFactory(
        name="tests", networks=["127.0.0.0/8", "::1/128"], allow_http=True, is_open=True, opened_at=now()
    )


class ConnectionFactory(DjangoModelFactory[models.Connection]):
    """A connection of the kind `files`."""

    class Meta:
        model = models.Connection

    name = factory.Sequence(lambda number: f"connection-{number}")
    title = factory.Sequence(lambda number: f"Connection {number}")
    connector = "files"
    config = factory.LazyFunction(dict)


class ConnectionCheckFactory(DjangoModelFactory[models.ConnectionCheck]):
    """A test of a connection that went well."""

    class Meta:
        model = models.ConnectionCheck

    connection = factory.SubFactory(ConnectionFactory)
    asked_by = factory.SubFactory(UserFactory)
    asked_at = factory.LazyFunction(now)
    done_at = factory.LazyFunction(now)
    state = models.CheckState.REACHABLE
    message = "It answered."
    milliseconds = 12


class IntegrationFactory(DjangoModelFactory[models.Integration]):
    """An integration with owner and deputy, run by hand."""

    class Meta:
        model = models.Integration

    name = factory.Sequence(lambda number: f"integration-{number}")
    title = factory.Sequence(lambda number: f"Integration {number}")
    purpose = "Keeps both sides alike."
    owner = factory.SubFactory(UserFactory)
    deputy = factory.SubFactory(UserFactory)


class MappingFactory(DjangoModelFactory[models.Mapping]):
    """A mapping. `MappingFactory(active=True)` gives it an active version."""

    class Meta:
        model = models.Mapping
        skip_postgeneration_save = True

    integration = factory.SubFactory(IntegrationFactory)
    name = factory.Sequence(lambda number: f"mapping-{number}")
    title = factory.Sequence(lambda number: f"Mapping {number}")
    source = factory.SubFactory(ConnectionFactory)
    source_stream = "customers"
    destination = factory.SubFactory(ConnectionFactory)
    destination_stream = "partners"

    @factory.post_generation
    def active(self: models.Mapping, create: bool, wanted: Any, **_: Any) -> None:
        if wanted:
            self.active_version = MappingVersionFactory(
                mapping=self, state=models.VersionState.ACTIVE, activated_at=now()
            )
            self.save()


class MappingVersionFactory(DjangoModelFactory[models.MappingVersion]):
    """A draft of field rules."""

    class Meta:
        model = models.MappingVersion

    mapping = factory.SubFactory(MappingFactory)
    number = factory.Sequence(lambda number: number + 1)
    body = factory.LazyFunction(lambda: dict(BODY))
    digest = factory.LazyAttribute(lambda version: hashlib.sha256(repr(version.body).encode()).hexdigest())
    state = models.VersionState.DRAFT


class SyncRunFactory(DjangoModelFactory[models.SyncRun]):
    """A run that succeeded; what was received and is not counted otherwise is unchanged."""

    class Meta:
        model = models.SyncRun

    mapping = factory.SubFactory(MappingFactory)
    integration = factory.SelfAttribute("mapping.integration")
    version = factory.SelfAttribute("mapping.active_version")
    trigger = models.Trigger.SCHEDULE
    state = models.RunState.SUCCEEDED
    queued_at = factory.LazyFunction(lambda: now() - timedelta(minutes=10))
    started_at = factory.LazyAttribute(lambda run: run.queued_at)
    ended_at = factory.LazyAttribute(lambda run: None if run.state in models.LIVE else run.started_at)
    unchanged = created = updated = deleted = planned = held = excluded = excepted = in_flight = 0
    received = factory.LazyAttribute(lambda run: sum(getattr(run, part) for part in PARTS))


class LinkFactory(DjangoModelFactory[models.Link]):
    """A linked record."""

    class Meta:
        model = models.Link

    mapping = factory.SubFactory(MappingFactory)
    source_key = factory.Sequence(lambda number: f"C-{number:05d}")
    destination_key = factory.Sequence(lambda number: str(9000 + number))
    state = "linked"
    updated_at = factory.LazyFunction(now)


class LinkImageFactory(DjangoModelFactory[models.LinkImage]):
    """The acknowledged image of a link."""

    class Meta:
        model = models.LinkImage

    link = factory.SubFactory(LinkFactory)
    sent = factory.LazyFunction(lambda: {"name": "Ada"})


class ChangeFactory(DjangoModelFactory[models.Change]):
    """An update that was applied."""

    class Meta:
        model = models.Change

    run = factory.SubFactory(SyncRunFactory)
    mapping = factory.SelfAttribute("run.mapping")
    version = factory.SelfAttribute("run.version")
    source_key = factory.Sequence(lambda number: f"C-{number:05d}")
    operation = "update"
    state = State.APPLIED
    fields = factory.LazyFunction(lambda: {"name": "Ada"})
    image = factory.LazyFunction(lambda: {"name": "Ada", "city": "Berlin"})


class AttemptFactory(DjangoModelFactory[models.Attempt]):
    """A request that was answered well."""

    class Meta:
        model = models.Attempt

    change = factory.SubFactory(ChangeFactory)
    number = 1
    at = factory.LazyFunction(now)
    answer = "applied"
    status = 200
    milliseconds = 41


class ReconciliationExceptionFactory(DjangoModelFactory[models.ReconciliationException]):
    """An open exception: refused by the destination."""

    class Meta:
        model = models.ReconciliationException

    mapping = factory.SubFactory(MappingFactory)
    integration = factory.SelfAttribute("mapping.integration")
    kind = models.ExceptionKind.REFUSED
    source_key = factory.Sequence(lambda number: f"C-{number:05d}")
    fingerprint = factory.LazyAttribute(
        lambda one: hashlib.blake2b(f"{one.mapping.pk}{one.source_key}".encode(), digest_size=16).hexdigest()
    )
    reason = "The destination refused it: the e-mail address is not valid."
    opened_at = factory.LazyFunction(now)
    seen_at = factory.LazyFunction(now)


class LaneFactory(DjangoModelFactory[models.Lane]):
    """The lane of a mapping, free."""

    class Meta:
        model = models.Lane

    mapping = factory.SubFactory(MappingFactory)


class CheckpointFactory(DjangoModelFactory[models.Checkpoint]):
    """How far a source was read."""

    class Meta:
        model = models.Checkpoint

    mapping = factory.SubFactory(MappingFactory)
    cursor = factory.LazyFunction(lambda: {"since": 1})
    updated_at = factory.LazyFunction(now)


class SlotFactory(DjangoModelFactory[models.Slot]):
    """A time of a schedule that was run."""

    class Meta:
        model = models.Slot

    integration = factory.SubFactory(IntegrationFactory)
    at = factory.LazyFunction(now)
    state = "filled"
    decided_at = factory.LazyFunction(now)


class HintFactory(DjangoModelFactory[models.Hint]):
    """A record to re-read."""

    class Meta:
        model = models.Hint

    mapping = factory.SubFactory(MappingFactory)
    source_key = factory.Sequence(lambda number: f"C-{number:05d}")
    since = factory.LazyFunction(now)


class AuditEventFactory(DjangoModelFactory[models.AuditEvent]):
    """Something somebody did."""

    class Meta:
        model = models.AuditEvent

    at = factory.LazyFunction(now)
    actor = factory.SubFactory(UserFactory)
    actor_name = factory.LazyAttribute(lambda event: event.actor.username)
    action = "integration.change"
    subject = "integration"
    subject_id = 1
    subject_name = "Customers"
