"""What a person is told before a new version is used or everything is read: whether past steps come again."""

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse

from hub.models import User
from tests.conftest import ClientOf
from tests.factories import IntegrationFactory, MappingFactory, MappingVersionFactory


def asked(client: Client, row: models.Model, deed: str) -> str:
    """What the page says before the deed is done."""
    answer = client.get(reverse(f"admin:hub_{row._meta.model_name}_do", args=[row.pk, deed]))
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize(
    ("semantics", "said"),
    [
        ("state", "The next run reads every record."),
        ("fact", "what was appended stays as it is."),
        ("transition", "It holds for the steps that come; those taken already are not told again."),
    ],
)
def test_activating_a_version_says_what_the_next_run_reads(
    semantics: str, said: str, owner: User, client_of: ClientOf
) -> None:
    mapping = MappingFactory(integration=IntegrationFactory(owner=owner), semantics=semantics)
    draft = MappingVersionFactory(mapping=mapping, state="draft")

    assert said in asked(client_of(owner), draft, "activate")


@pytest.mark.parametrize("semantics", ["state", "transition"])
def test_running_a_mapping_or_its_integration_says_that_everything_may_tell_steps_again(
    semantics: str, owner: User, client_of: ClientOf
) -> None:
    mapping = MappingFactory(integration=IntegrationFactory(owner=owner), semantics=semantics, active=True)

    for row in (mapping, mapping.integration):
        told = asked(client_of(owner), row, "run_now")
        assert ("a source that keeps its steps tells all of them again" in told) is (semantics == "transition")
