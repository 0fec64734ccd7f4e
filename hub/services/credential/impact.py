"""What breaks when a credential is rotated badly: what uses it, when that is used next, and whom to tell."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from hub.models import Connection, Credential, CredentialUse, Integration, Mapping, Webhook
from hub.services import access
from hub.services.access import Person

USES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Affected:
    """An integration that goes through connections with the credential."""

    integration: Integration
    through: Sequence[str]


@dataclass(frozen=True, slots=True)
class Impact:
    """What a rotation touches, the next to run first. `hidden` integrations are there that the person may not see."""

    connections: Sequence[Connection]
    webhooks: Sequence[Webhook]
    integrations: Sequence[Affected]
    hidden: int


def impact_of(credential: Credential, user: Person) -> Impact:
    """What uses it, as this person may see it."""
    connections = access.visible(user, "view", Connection).filter(credential=credential).select_related("owner")
    through = _through(credential)
    seen = access.visible(user, "view", Integration).filter(pk__in=through).select_related("owner", "deputy")
    found = sorted(seen, key=lambda one: (one.next_run_at is None, one.next_run_at, one.title))
    return Impact(
        connections=list(connections),
        webhooks=list(access.visible(user, "view", Webhook).filter(credential=credential)),
        integrations=[Affected(one, sorted(through[one.pk])) for one in found],
        hidden=len(through) - len(found),
    )


def last_uses(credential: Credential) -> Sequence[CredentialUse]:
    """Who used it last, for what, where to, and in which run."""
    return list(CredentialUse.objects.filter(credential=credential)[:USES_SHOWN])


def _through(credential: Credential) -> dict[int, set[str]]:
    """The connections with the credential through which each integration goes."""
    ends = Mapping.objects.filter(Q(source__credential=credential) | Q(destination__credential=credential))
    found: dict[int, set[str]] = defaultdict(set)
    for mapping in ends.select_related("source", "destination"):
        for end in (mapping.source, mapping.destination):
            if end.credential_id == credential.pk:
                found[mapping.integration_id].add(str(end))
    return found
