"""The desk's pages about connections."""

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.clock import now
from hub.models import AuditEvent, CheckState, Connection, ConnectionCheck, Credential, CredentialSecret, User
from hub.services import connection as connections
from hub.services import credential as credentials
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.garden import Garden

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/connection/"
ADD = f"{LIST}add/?connector=toy"
SECRET = "correct horse battery"
PLACE = "https://toy.example:443"


@pytest.fixture(autouse=True)
def toy(garden: Garden) -> None:
    """A kind of system that asks for an address, a mood and a password."""
    garden.plant("toy")


@pytest.fixture
def toybox(administrator: User) -> Connection:
    """A connection to the toy, with its password set."""
    kept = make.CredentialFactory(name="toybox", origins=[])
    credentials.set_values(credential=kept, values={"password": SECRET}, by=administrator, origins=[PLACE])
    made: Connection = make.ConnectionFactory(
        name="toybox", title="Toy box", connector="toy", config={"url": PLACE}, credential=kept
    )
    return made


def filled(**given: object) -> dict[str, object]:
    """What the form sends."""
    form = {
        "title": "Toy box", "name": "toybox", "owner": "", "timeout_seconds": 30, "landing_seconds": 900,
        "config-url": PLACE, "config-mood": "well", "config-size": "1", "credential": "",
        "secret-password": SECRET, "secret-token": "",
    }  # fmt: skip
    return {**form, **given}


def page(row: Connection, name: str = "change") -> str:
    """The address of one of its pages."""
    return reverse(f"admin:hub_connection_{name}", args=[row.pk])


def deed(row: Connection, name: str) -> str:
    """The address of one of its deeds."""
    return reverse("admin:hub_connection_do", args=[row.pk, name])


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


class TestNewConnection:
    def test_begins_with_the_kind_of_system(self, administrator: User, client_of: ClientOf) -> None:
        shown = html(client_of(administrator), f"{LIST}add/")

        assert 'href="?connector=toy"' in shown
        assert 'href="?connector=rest"' in shown

    def test_tells_which_kinds_cannot_be_loaded_and_why(
        self, administrator: User, client_of: ClientOf, garden: Garden
    ) -> None:
        garden.plant("wreck", "raise RuntimeError('no engine')")

        shown = html(client_of(administrator), f"{LIST}add/")

        assert "<b>wreck</b>: RuntimeError: no engine" in shown

    def test_asks_for_what_the_connector_needs(self, administrator: User, client_of: ClientOf) -> None:
        shown = html(client_of(administrator), ADD)

        for name in ("config-url", "config-mood", "config-size"):
            assert f'name="{name}"' in shown
        assert 'type="password" name="secret-password"' in shown
        assert "Where the toy is." in shown

    def test_keeps_settings_and_seals_the_secrets(self, administrator: User, client_of: ClientOf) -> None:
        answer = client_of(administrator).post(ADD, filled())

        made = Connection.objects.get()
        assert answer.headers["Location"] == page(made)
        assert (made.connector, made.config) == ("toy", {"url": PLACE, "mood": "well", "size": 1})
        assert made.credential is not None
        assert made.credential.origins == [PLACE]
        assert credentials.open_values(made.credential)["password"].reveal() == SECRET

    def test_is_audited_without_the_secret(self, administrator: User, client_of: ClientOf) -> None:
        client_of(administrator).post(ADD, filled())

        events = list(AuditEvent.objects.values_list("action", "subject", "actor", "detail"))
        assert ("connection.add", "connection", administrator.pk) in [event[:3] for event in events]
        assert SECRET not in str(events)

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"config-url": ""}, "This field is required."),
            ({"config-url": "nowhere"}, "must be a url"),
            ({"config-size": "huge"}, "Enter a number."),
            ({"name": "not a name"}, "Enter a valid"),
            ({"secret-password": ""}, None),
        ],
    )
    def test_says_what_is_wrong_at_the_input(
        self, administrator: User, client_of: ClientOf, given: dict[str, object], said: str | None
    ) -> None:
        answer = client_of(administrator).post(ADD, filled(**given))

        assert Connection.objects.exists() is (said is None)
        assert said is None or said in answer.content.decode()

    def test_never_sends_a_secret_back_to_be_corrected(self, administrator: User, client_of: ClientOf) -> None:
        answer = client_of(administrator).post(ADD, filled(title=""))

        assert answer.status_code == 200
        assert SECRET not in answer.content.decode()

    def test_refuses_a_name_that_is_taken(self, toybox: Connection, administrator: User, client_of: ClientOf) -> None:
        answer = client_of(administrator).post(ADD, filled())

        assert "of this name already" in answer.content.decode()
        assert Connection.objects.count() == 1

    def test_may_use_a_credential_that_is_there(
        self, toybox: Connection, administrator: User, client_of: ClientOf
    ) -> None:
        given = {"name": "second", "credential": toybox.credential_id, "secret-password": ""}

        client_of(administrator).post(ADD, filled(**given))

        assert Connection.objects.get(name="second").credential == toybox.credential

    @pytest.mark.parametrize("name", ["owner", "auditor", "operator"])
    def test_is_only_for_who_may_add_one(self, name: str, client_of: ClientOf, request: pytest.FixtureRequest) -> None:
        client = client_of(request.getfixturevalue(name))

        assert client.get(ADD).status_code == 403
        assert client.post(ADD, filled()).status_code == 403
        assert not Connection.objects.exists()

    def test_is_not_there_for_an_unknown_kind(self, administrator: User, client_of: ClientOf) -> None:
        assert client_of(administrator).get(f"{LIST}add/?connector=unknown").status_code == 404


class TestChangedConnection:
    def test_keeps_a_secret_that_is_left_empty(
        self, toybox: Connection, administrator: User, client_of: ClientOf
    ) -> None:
        client_of(administrator).post(
            page(toybox, "edit"), filled(title="Box", credential=toybox.credential_id, **{"secret-password": ""})
        )

        toybox.refresh_from_db()
        assert toybox.title == "Box"
        assert toybox.credential is not None
        assert credentials.open_values(toybox.credential)["password"].reveal() == SECRET

    def test_tells_when_the_secret_was_set_and_never_what_it_is(
        self, toybox: Connection, administrator: User, client_of: ClientOf
    ) -> None:
        shown = html(client_of(administrator), page(toybox, "edit"))

        assert "Set just now; leave empty to keep it." in shown
        assert SECRET not in shown

    def test_does_not_lead_a_secret_elsewhere_for_who_does_not_know_it(
        self, toybox: Connection, administrator: User, client_of: ClientOf
    ) -> None:
        given = {"config-url": "https://evil.example:443", "secret-password": "", "credential": toybox.credential_id}

        answer = client_of(administrator).post(page(toybox, "edit"), filled(**given))

        toybox.refresh_from_db()
        assert "Give its secrets again" in answer.content.decode()
        assert toybox.config == {"url": PLACE}

    def test_may_move_when_every_secret_is_given_again(
        self, toybox: Connection, administrator: User, client_of: ClientOf
    ) -> None:
        given = {"config-url": "https://new.example:443", "credential": toybox.credential_id}

        client_of(administrator).post(page(toybox, "edit"), filled(**given))

        toybox.refresh_from_db()
        assert toybox.config["url"] == "https://new.example:443"
        assert Credential.objects.get().origins == ["https://new.example:443"]

    def test_keeps_its_name(self, toybox: Connection, administrator: User, client_of: ClientOf) -> None:
        client_of(administrator).post(page(toybox, "edit"), filled(name="other", credential=toybox.credential_id))

        toybox.refresh_from_db()
        assert toybox.name == "toybox"

    def test_has_a_history_without_secrets(self, toybox: Connection, administrator: User, client_of: ClientOf) -> None:
        client = client_of(administrator)
        client.post(page(toybox, "edit"), filled(title="Renamed", credential=toybox.credential_id))

        shown = html(client, page(toybox, "history"))

        assert "Renamed" in shown
        assert SECRET not in shown


class TestConnectionPage:
    def test_shows_settings_credential_and_what_uses_it(
        self, toybox: Connection, auditor: User, client_of: ClientOf
    ) -> None:
        mapping = make.MappingFactory(source=toybox)

        shown = html(client_of(auditor), page(toybox))

        assert PLACE in shown
        assert "set just now" in shown
        assert reverse("admin:hub_mapping_change", args=[mapping.pk]) in shown
        assert SECRET not in shown

    def test_shows_an_owner_only_uses_that_are_the_owners(
        self, toybox: Connection, owner: User, client_of: ClientOf
    ) -> None:
        mine = make.MappingFactory(source=toybox, title="Mine", integration=make.IntegrationFactory(owner=owner))
        make.MappingFactory(source=toybox, title="Strange")

        shown = html(client_of(owner), page(toybox))

        assert str(mine) in shown
        assert "Strange" not in shown

    def test_opens_even_when_its_connector_is_gone(self, auditor: User, client_of: ClientOf) -> None:
        gone = make.ConnectionFactory(connector="vanished", config={"a": 1})

        assert "vanished" in html(client_of(auditor), page(gone))

    def test_is_not_there_for_who_does_not_use_it(self, toybox: Connection, owner: User, client_of: ClientOf) -> None:
        assert client_of(owner).get(page(toybox)).status_code == 404

    def test_lists_streams_on_demand(self, toybox: Connection, operator: User, client_of: ClientOf) -> None:
        answer = client_of(operator).post(deed(toybox, "streams"))

        assert "toybox/things" in answer.content.decode()

    def test_says_why_streams_cannot_be_listed(self, toybox: Connection, operator: User, client_of: ClientOf) -> None:
        CredentialSecret.objects.all().delete()

        answer = client_of(operator).post(deed(toybox, "streams"), follow=True)

        assert "The streams cannot be listed" in answer.content.decode()


class TestTestConnection:
    def test_asks_a_worker_and_shows_the_page_that_waits(
        self, toybox: Connection, operator: User, client_of: ClientOf
    ) -> None:
        client = client_of(operator)

        client.post(deed(toybox, "test"))

        check = ConnectionCheck.objects.get()
        assert (check.state, check.asked_by) == (CheckState.ASKED, operator)
        shown = html(client, page(toybox))
        assert "waiting for a worker" in shown
        assert f'data-refresh="{page(toybox, "live")}"' in shown

    def test_shows_the_answer_and_stops_asking(self, toybox: Connection, operator: User, client_of: ClientOf) -> None:
        client = client_of(operator)
        client.post(deed(toybox, "test"))
        connections.run_check(check_id=ConnectionCheck.objects.get().pk)

        answer = client.get(page(toybox, "live"))

        shown = " ".join(answer.content.decode().split())
        assert ">reachable</span> The toy plays, and has heard" in shown
        assert " ms ·" in shown
        assert SECRET not in shown
        assert answer.headers["X-Refresh"] == "stop"

    def test_does_nothing_on_a_mere_look(self, toybox: Connection, operator: User, client_of: ClientOf) -> None:
        client_of(operator).get(deed(toybox, "test"))

        assert not ConnectionCheck.objects.exists()

    def test_is_not_for_who_may_only_view(self, toybox: Connection, auditor: User, client_of: ClientOf) -> None:
        assert client_of(auditor).post(deed(toybox, "test")).status_code == 403
        assert not ConnectionCheck.objects.exists()


class TestPausedConnection:
    def test_says_why(self, toybox: Connection, operator: User, client_of: ClientOf) -> None:
        client = client_of(operator)

        client.post(deed(toybox, "pause"), {"reason": "maintenance until noon"})

        assert "maintenance until noon" in html(client, page(toybox))
        client.post(deed(toybox, "resume"))
        toybox.refresh_from_db()
        assert not toybox.is_paused


class TestConnectionList:
    def test_needs_the_same_few_queries_for_any_number(self, auditor: User, client_of: ClientOf) -> None:
        def queries() -> int:
            client = client_of(auditor)
            with CaptureQueriesContext(database) as caught:
                client.get(LIST)
            return len(caught)

        make.ConnectionFactory(credential=make.CredentialFactory(set_at=now()))
        few = queries()
        for _ in range(20):
            make.ConnectionFactory(credential=make.CredentialFactory())

        assert queries() == few <= 12


class TestDeletedConnection:
    def test_is_gone_when_nothing_uses_it(self, toybox: Connection, administrator: User, client_of: ClientOf) -> None:
        client_of(administrator).post(page(toybox, "delete"), {"post": "yes"})

        assert not Connection.objects.exists()
        assert AuditEvent.objects.filter(action="connection.delete", subject_name="Toy box").exists()

    def test_stays_while_a_mapping_uses_it(self, toybox: Connection, administrator: User, client_of: ClientOf) -> None:
        make.MappingFactory(source=toybox)

        assert client_of(administrator).post(page(toybox, "delete"), {"post": "yes"}).status_code == 403
        assert Connection.objects.filter(pk=toybox.pk).exists()
