"""What several files about the desk's pages share."""

import pytest

from hub.models import Integration, Mapping, MappingVersion, User
from hub.services import credential as credentials
from hub.services import mapping as mappings
from tests import factories as make
from tests.hub.admin.pages import RULES
from tests.hub.garden import Garden


@pytest.fixture
def integration(owner: User, deputy: User) -> Integration:
    """An integration of `owner` with two active mappings."""
    made: Integration = make.IntegrationFactory(
        owner=owner, deputy=deputy, title="Customers to ERP", purpose="Invoices."
    )
    for title in ("Parties", "Addresses"):
        make.MappingFactory(integration=made, title=title, active=True)
    return made


@pytest.fixture
def mapping(owner: User, garden: Garden, administrator: User) -> Mapping:
    """A mapping of an integration of `owner`, reading a toy, without any version."""
    garden.plant("toy")
    kept = make.CredentialFactory()
    place = "https://toy.example:443"
    credentials.set_values(credential=kept, values={"password": "p"}, by=administrator, origins=[place])
    toybox = make.ConnectionFactory(connector="toy", config={"url": place}, credential=kept)
    made: Mapping = make.MappingFactory(
        integration=make.IntegrationFactory(owner=owner), title="Things", source=toybox, source_stream="things"
    )
    return made


@pytest.fixture
def draft(mapping: Mapping, owner: User) -> MappingVersion:
    """A draft of it."""
    return mappings.save_draft(mapping=mapping, body=RULES, by=owner)
