"""The desk's pages about credentials: values go in and never come out."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.clock import now
from hub.models import AuditEvent, Credential, User
from hub.services import credential as credentials
from tests import factories as make
from tests.conftest import ClientOf
from tests.hub.garden import Garden

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/credential/"
SECRET = "correct horse battery"
PLACE = "https://toy.example:443"


@pytest.fixture
def kept(administrator: User, garden: Garden) -> Credential:
    """The credential of a toy, with its password set."""
    garden.plant("toy")
    made: Credential = make.CredentialFactory(name="toybox", title="Toy box key", origins=[])
    credentials.set_values(credential=made, values={"password": SECRET}, by=administrator, origins=[PLACE])
    make.ConnectionFactory(title="Toy box", connector="toy", config={"url": PLACE}, credential=made)
    return made


def page(row: Credential, name: str = "change") -> str:
    """The address of one of its pages."""
    return reverse(f"admin:hub_credential_{name}", args=[row.pk])


def set_values(row: Credential) -> str:
    """The address of the form for values."""
    return reverse("admin:hub_credential_do", args=[row.pk, "set_values"])


def html(client: Client, url: str) -> str:
    """The page, with white space as a browser shows it."""
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


class TestCredentialPage:
    def test_shows_what_is_known_and_never_the_value(
        self, kept: Credential, auditor: User, client_of: ClientOf
    ) -> None:
        shown = html(client_of(auditor), page(kept))

        for said in ("password", PLACE, "Toy box", "Just now"):
            assert said in shown
        assert SECRET not in shown

    def test_warns_of_expiry(self, kept: Credential, auditor: User, client_of: ClientOf) -> None:
        Credential.objects.update(expires_at=now() - timedelta(days=1))

        assert ">expired</span>" in html(client_of(auditor), page(kept))

    @pytest.mark.parametrize("name", ["owner", "stranger"])
    def test_is_not_there_for_who_does_not_use_it(
        self, name: str, kept: Credential, client_of: ClientOf, request: pytest.FixtureRequest
    ) -> None:
        answer = client_of(request.getfixturevalue(name)).get(page(kept))

        assert answer.status_code == 404


class TestSetValues:
    def test_asks_with_empty_inputs_and_says_when_each_was_set(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        shown = html(client_of(administrator), set_values(kept))

        assert "Set just now; leave empty to keep it." in shown
        assert SECRET not in shown
        assert 'autocomplete="new-password"' in shown

    def test_replaces_what_is_given_and_keeps_the_rest(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        client_of(administrator).post(set_values(kept), {"value-token": "another one", "origins": PLACE})

        values = credentials.open_values(kept)
        assert values["password"].reveal() == SECRET
        assert values["token"].reveal() == "another one"

    def test_refuses_new_addresses_from_who_does_not_give_every_value(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        given = {"value-token": "another one", "origins": f"{PLACE}\nhttps://evil.example"}

        answer = client_of(administrator).post(set_values(kept), given)

        kept.refresh_from_db()
        assert "every value must be given" in answer.content.decode()
        assert kept.origins == [PLACE]

    def test_takes_new_addresses_with_every_value(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        given = {"value-password": "a new one", "origins": "https://new.example"}

        client_of(administrator).post(set_values(kept), given)

        kept.refresh_from_db()
        assert kept.origins == ["https://new.example:443"]

    def test_takes_a_value_nothing_asks_for_yet(self, administrator: User, client_of: ClientOf) -> None:
        fresh = make.CredentialFactory()
        given = {"other_name": "token", "other_value": SECRET, "origins": PLACE}

        client_of(administrator).post(set_values(fresh), given)

        assert credentials.open_values(fresh)["token"].reveal() == SECRET

    def test_says_that_nothing_was_given(self, kept: Credential, administrator: User, client_of: ClientOf) -> None:
        answer = client_of(administrator).post(set_values(kept), {"origins": PLACE})

        assert "Nothing was given" in answer.content.decode()

    def test_leaves_no_trace_of_the_value(self, kept: Credential, administrator: User, client_of: ClientOf) -> None:
        client = client_of(administrator)
        answer = client.post(set_values(kept), {"value-password": "hush hush", "origins": PLACE}, follow=True)

        told = answer.content.decode() + html(client, page(kept, "history"))
        events = str(list(AuditEvent.objects.values_list("detail", "reason", "subject_name")))
        assert "hush" not in told + events

    @pytest.mark.parametrize("name", ["auditor", "operator", "developer"])
    def test_is_not_for_who_may_only_view(
        self, name: str, kept: Credential, client_of: ClientOf, request: pytest.FixtureRequest
    ) -> None:
        client = client_of(request.getfixturevalue(name))

        assert client.get(set_values(kept)).status_code == 403
        assert client.post(set_values(kept), {"value-password": "x", "origins": PLACE}).status_code == 403


class TestCredentialForm:
    def test_adds_one_without_values(self, administrator: User, client_of: ClientOf) -> None:
        given = {"title": "Key", "name": "key", "origins": "https://crm.example\nhttps://crm.example:443"}

        client_of(administrator).post(f"{LIST}add/", given)

        made = Credential.objects.get()
        assert made.origins == ["https://crm.example:443"]
        assert made.fields == []

    def test_says_what_is_wrong_with_an_address(self, administrator: User, client_of: ClientOf) -> None:
        answer = client_of(administrator).post(f"{LIST}add/", {"title": "K", "name": "k", "origins": "crm"})

        assert "must look like scheme://host:port" in answer.content.decode()

    def test_never_changes_addresses_without_the_values(
        self, kept: Credential, administrator: User, client_of: ClientOf
    ) -> None:
        client_of(administrator).post(page(kept, "edit"), {"title": "New", "origins": "https://evil.example"})

        kept.refresh_from_db()
        assert kept.title == "New"
        assert kept.origins == [PLACE]


class TestCredentialList:
    def test_needs_the_same_few_queries_for_any_number(self, auditor: User, client_of: ClientOf) -> None:
        def queries() -> int:
            client = client_of(auditor)
            with CaptureQueriesContext(database) as caught:
                client.get(LIST)
            return len(caught)

        make.CredentialFactory()
        few = queries()
        make.CredentialFactory.create_batch(20)

        assert queries() == few <= 12


class TestKind:
    def test_decides_which_inputs_there_are(self, administrator: User, client_of: ClientOf) -> None:
        fresh = make.CredentialFactory(kind="bearer")

        shown = html(client_of(administrator), set_values(fresh))

        assert 'name="value-token"' in shown
        assert 'name="value-password"' not in shown
        assert 'name="other_name"' not in shown

    def test_is_changed_with_its_values(self, kept: Credential, administrator: User, client_of: ClientOf) -> None:
        client = client_of(administrator)

        asked = client.post(set_values(kept), {"kind": "bearer", "origins": PLACE}).content.decode()
        assert 'name="value-token"' in asked
        client.post(set_values(kept), {"kind": "bearer", "value-token": "t0ken", "origins": PLACE})

        kept.refresh_from_db()
        assert (kept.kind, kept.fields) == ("other", ["password"])  # the password would have stayed


class TestWhatIsMissing:
    def test_is_told_of_what_a_connection_cannot_do_without(self, administrator: User, client_of: ClientOf) -> None:
        credential = make.CredentialFactory()
        make.ConnectionFactory(connector="tryton", credential=credential)

        page = client_of(administrator).get(reverse("admin:hub_credential_change", args=[credential.pk]))

        assert "asks for password, which is not set" in " ".join(page.content.decode().split())

    def test_is_not_told_of_what_only_another_way_would_need(self, administrator: User, client_of: ClientOf) -> None:
        credential = make.CredentialFactory()
        make.ConnectionFactory(connector="rest", credential=credential)

        page = client_of(administrator).get(reverse("admin:hub_credential_change", args=[credential.pk]))

        assert "not set" not in page.content.decode()
