"""Setting up connections with their secrets in one step."""

import pytest

from hub.models import AuditEvent, Connection, Credential, User
from hub.sdk import ConfigError
from hub.services import credential as credentials
from hub.services import setup
from tests import factories as make
from tests.hub.garden import Garden

pytestmark = pytest.mark.django_db
PLACE, ELSEWHERE = "https://toy.example:443", "https://elsewhere.example:443"


@pytest.fixture(autouse=True)
def toy(garden: Garden) -> None:
    """A kind of system that asks for an address and a password."""
    garden.plant("toy")


def toybox(**given: object) -> Connection:
    """A connection to the toy that is not saved yet."""
    return Connection(**{"name": "toybox", "title": "Toy box", "connector": "toy", "config": {"url": PLACE}, **given})


class TestNewConnection:
    def test_gets_a_credential_of_its_own_for_where_it_leads(self, administrator: User) -> None:
        setup.save_connection(connection=toybox(), secrets={"password": "p"}, by=administrator)

        kept = Credential.objects.get()
        assert (kept.name, kept.origins, kept.fields) == ("toybox", [PLACE], ["password"])
        assert Connection.objects.get().credential == kept

    def test_takes_the_next_free_name_for_it(self, administrator: User) -> None:
        make.CredentialFactory(name="toybox")

        setup.save_connection(connection=toybox(), secrets={"password": "p"}, by=administrator)

        assert Credential.objects.filter(name="toybox-2").exists()

    def test_needs_no_credential_without_secrets(self, administrator: User) -> None:
        setup.save_connection(connection=toybox(), secrets={}, by=administrator)

        assert Connection.objects.get().credential is None

    def test_is_not_saved_with_a_wrong_setting(self, administrator: User) -> None:
        with pytest.raises(ConfigError, match="size: must be a number"):
            setup.save_connection(
                connection=toybox(config={"url": PLACE, "size": "huge"}), secrets={"password": "p"}, by=administrator
            )

        assert not Connection.objects.exists()
        assert not Credential.objects.exists()


class TestChangedConnection:
    @pytest.fixture
    def saved(self, administrator: User) -> Connection:
        """A connection with its password set."""
        setup.save_connection(connection=toybox(), secrets={"password": "p"}, by=administrator)
        return Connection.objects.select_related("credential").get()

    def test_does_not_take_its_secret_elsewhere(self, saved: Connection, administrator: User) -> None:
        saved.config = {"url": ELSEWHERE}

        with pytest.raises(ConfigError, match="Give its secrets again"):
            setup.save_connection(connection=saved, secrets={}, by=administrator)

        assert Connection.objects.get().config == {"url": PLACE}

    def test_takes_secrets_given_again_elsewhere_and_nowhere_else(self, saved: Connection, administrator: User) -> None:
        saved.config = {"url": ELSEWHERE}

        setup.save_connection(connection=saved, secrets={"password": "q"}, by=administrator)

        kept = Credential.objects.get()
        assert kept.origins == [ELSEWHERE]
        assert credentials.open_values(kept)["password"].reveal() == "q"

    def test_leaves_a_shared_credential_usable_by_the_others(self, saved: Connection, administrator: User) -> None:
        second = toybox(name="second", credential=saved.credential, config={"url": ELSEWHERE})

        setup.save_connection(connection=second, secrets={"password": "q"}, by=administrator)

        assert sorted(Credential.objects.get().origins) == sorted([PLACE, ELSEWHERE])

    def test_says_which_fields_changed_and_nothing_when_none_did(self, saved: Connection, administrator: User) -> None:
        before = AuditEvent.objects.count()
        setup.save_connection(connection=saved, secrets={}, by=administrator)
        assert AuditEvent.objects.count() == before

        saved.title = "Box"
        setup.save_connection(connection=saved, secrets={}, by=administrator)

        event = AuditEvent.objects.filter(subject="connection").first()
        assert event is not None
        assert event.detail == {"fields": ["title"]}
