"""Who finds which value on the desk: planted in every place where one is kept, looked for on every page."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from hub.clock import now
from hub.models import (
    Attempt,
    AuditEvent,
    Change,
    IntegrationGrant,
    Link,
    Mapping,
    MappingVersion,
    ReconciliationException,
    User,
    VersionState,
)
from hub.sdk import Record
from tests.conftest import ClientOf
from tests.factories import ChangeFactory, IntegrationFactory, SyncRunFactory, UserFactory
from tests.hub.admin.planted import BODY, here, looked_through, plant

pytestmark = pytest.mark.django_db

# Whole texts of which nobody can tell what they quote.
TEXTS = {"message", "request", "response", "refusal", "body", "edited"}
# What no page shows is planted as well: whole images, decisions, candidates, what an exception repeats of its change.
SIDES = {
    "before", "fields", "after", "agreed", "destination", "read", "proposed", "present", "back_before", "back",
    "kept", "step", "planned_before", "planned", "image_sent", "image_source", "image_destination", "trial",
    "wanted", "found", "edit_sent", "edit_there",
}  # fmt: skip
PLAIN_EVERYWHERE = SIDES | TEXTS | {"problem", "unmapped", "wrong"}
PERSONAL_EVERYWHERE = SIDES | TEXTS | {"wrong"}


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Mapping:
    """The mapping, with a source that gives one record for a trial."""
    monkeypatch.setattr("hub.services.mapping.sample", lambda **_: [Record("K-9", here("trial"))])
    return plant()


def person(mapping: Mapping, role: str, *rights: str) -> User:
    """Somebody in a role, whose team was given rights on the integration."""
    found: User = UserFactory(groups=[role])
    if rights:
        team = Group.objects.create(name=f"team of {found}")
        team.user_set.add(found)
    for right in rights:
        permission = Permission.objects.get(codename=right, content_type__app_label="hub")
        IntegrationGrant.objects.create(group=team, permission=permission, content_object=mapping.integration)
    return found


def page(row: Change | ReconciliationException | Link | Attempt | Mapping) -> str:
    """The address of its page."""
    return reverse(f"admin:hub_{row._meta.model_name}_change", args=[row.pk])


def html(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


class TestEveryPage:
    """Of the whole desk."""

    @pytest.mark.parametrize(
        ("role", "right"),
        [("Viewer", "view_integration"), ("Operator", "operate_integration"), ("Developer", "view_integration")],
    )
    def test_shows_no_value_to_who_may_only_see_that_it_runs(
        self, role: str, right: str, planted: Mapping, client_of: ClientOf
    ) -> None:
        found = looked_through(client_of(person(planted, role, right)), planted)

        assert (found.plain, found.personal) == (set(), set())
        assert {found.codes[page(row)] for row in _rows(planted)} == {200}
        assert found.codes["trial"] == (200 if role == "Operator" else 403)
        assert not AuditEvent.objects.filter(action="payload.view").exists()

    def test_shows_no_value_to_whose_role_alone_includes_it(self, planted: Mapping, client_of: ClientOf) -> None:
        found = looked_through(client_of(person(planted, "Resolver", "view_integration")), planted)

        assert (found.plain, found.personal) == (set(), set())

    def test_shows_a_resolver_what_is_not_personal(self, planted: Mapping, client_of: ClientOf) -> None:
        found = looked_through(client_of(person(planted, "Resolver", "resolve_integration")), planted)

        assert found.personal == set()
        # Nor what names a personal field beside others; and trying rules is not a resolver's.
        assert found.plain == PLAIN_EVERYWHERE - TEXTS - {"wrong", "trial"}

    def test_shows_a_resolver_with_the_right_to_personal_data_everything(
        self, planted: Mapping, client_of: ClientOf
    ) -> None:
        resolver = person(planted, "Resolver", "resolve_integration", "view_personal")
        found = looked_through(client_of(resolver), planted)

        assert found.plain == PLAIN_EVERYWHERE - {"trial"}
        assert found.personal == PERSONAL_EVERYWHERE - {"trial"}

    def test_shows_its_owner_everything(self, planted: Mapping, client_of: ClientOf) -> None:
        found = looked_through(client_of(planted.integration.owner), planted)

        assert (found.plain, found.personal) == (PLAIN_EVERYWHERE, PERSONAL_EVERYWHERE)

    def test_is_not_there_for_the_owner_of_another_integration(self, planted: Mapping, client_of: ClientOf) -> None:
        other = UserFactory(groups=["Integration owner"])
        IntegrationFactory(owner=other)

        found = looked_through(client_of(other), planted)

        assert (found.plain, found.personal) == (set(), set())
        assert {found.codes[page(row)] for row in _rows(planted)} == {404}


class TestAMaskedPage:
    """What is left on it."""

    def test_says_in_words_what_is_hidden_and_which_right_it_takes(self, planted: Mapping, client_of: ClientOf) -> None:
        refused = Change.objects.get(source_key="K-1")

        text = html(client_of(person(planted, "Operator", "operate_integration")), page(refused))

        assert 'title="Takes the right “see what its records hold”."><mark>hidden</mark></i>' in text
        assert "Values are hidden. Takes the right “see what its records hold”." in text
        assert "K-1" in text

    def test_says_for_personal_values_alone_that_they_are(self, planted: Mapping, client_of: ClientOf) -> None:
        refused = Change.objects.get(source_key="K-1")

        text = html(client_of(person(planted, "Resolver", "resolve_integration")), page(refused))

        assert 'title="Takes the right “see personal data in its records”."><mark>hidden</mark></i>' in text
        assert "Some of what these records hold is personal and hidden." in text

    def test_shows_which_fields_differ_but_nothing_of_how(self, planted: Mapping, client_of: ClientOf) -> None:
        run = SyncRunFactory(mapping=planted, updated=1)
        change = ChangeFactory(run=run, before={"city": "Ulm", "street": "x"}, fields={"city": "Ulmen"}, image={})

        text = html(client_of(person(planted, "Operator", "operate_integration")), page(change))

        assert text.count("<mark>hidden</mark>") == 2
        assert "1 field without a difference" in text
        assert "Ulm" not in text

    def test_names_the_fields_of_a_sentence(self, planted: Mapping, client_of: ClientOf) -> None:
        wrong = ReconciliationException.objects.get(source_key="K-4")

        assert "person: hidden" in html(client_of(person(planted, "Viewer", "view_integration")), page(wrong))
        assert "city: hidden" in html(client_of(person(planted, "Resolver", "resolve_integration")), page(wrong))

    def test_keeps_fingerprints_which_would_tell_a_guess_from_another(
        self, planted: Mapping, client_of: ClientOf
    ) -> None:
        Link.objects.update(digest="d" * 32, source_digest="s" * 32)
        link = Link.objects.get()

        text = html(client_of(person(planted, "Viewer", "view_integration")), page(link))

        assert "d" * 32 not in text
        assert "s" * 32 not in text

    def test_finds_nothing_by_a_value(self, planted: Mapping, client_of: ClientOf) -> None:
        viewer = client_of(person(planted, "Viewer", "view_integration"))

        for url in ("/admin/hub/change/", "/admin/hub/reconciliationexception/?state=all", "/admin/hub/link/"):
            joint = "&" if "?" in url else "?"
            assert "K-" not in html(viewer, f"{url}{joint}q=Quittengelee")
            assert viewer.get(f"{url}{joint}evidence__icontains=Quitten").status_code == 400
            assert viewer.get(f"{url}{joint}fields__city__startswith=Quitten").status_code == 400


class TestADraft:
    """A version that is being written, tried on real records."""

    def test_shows_who_may_try_and_see_what_is_not_personal(self, planted: Mapping, client_of: ClientOf) -> None:
        url = reverse("admin:hub_mappingversion_do", args=[planted.active_version_id, "try_out"])

        text = client_of(_trier(planted)).post(url, {"limit": "5"}).content.decode()

        assert "Quittengelee-trial" in text
        assert "Wolkenstein" not in text

    def test_shows_its_writer_no_more_than_the_version_in_use(self, planted: Mapping, client_of: ClientOf) -> None:
        unmarked = {"fields": {"city": {"steps": [{"path": "full_name"}]}, "person": {"steps": [{"path": "town"}]}}}
        MappingVersion.objects.create(mapping=planted, number=2, body=unmarked, digest="2")
        draft = MappingVersion.objects.get(number=2, mapping=planted)

        url = reverse("admin:hub_mappingversion_do", args=[draft.pk, "try_out"])
        text = client_of(_trier(planted)).post(url, {"limit": "5"}).content.decode()

        assert "Wolkenstein" not in text
        assert "Quittengelee" in text

    def test_unmarks_a_field_once_it_is_in_use(self, planted: Mapping, client_of: ClientOf) -> None:
        planted.versions.update(state=VersionState.RETIRED)
        body = {"fields": {name: {"steps": rule["steps"]} for name, rule in BODY["fields"].items()}}
        planted.versions.create(number=2, body=body, digest="2", state=VersionState.ACTIVE)

        text = html(
            client_of(person(planted, "Resolver", "resolve_integration")), page(Change.objects.get(source_key="K-1"))
        )

        assert "Wolkenstein" in text


class TestSeeing:
    """A page that shows values leaves a note of it."""

    def test_is_noted_once_an_hour_with_the_right_by_which_it_was_seen(
        self, planted: Mapping, client_of: ClientOf
    ) -> None:
        resolver = person(planted, "Resolver", "resolve_integration")
        change = Change.objects.get(source_key="K-1")
        client = client_of(resolver)

        html(client, page(change))
        html(client, page(change))

        event = AuditEvent.objects.get(action="payload.view")
        assert (event.actor, event.subject_id, event.detail) == (resolver, change.pk, {"right": "view_payload"})
        AuditEvent.objects.update(at=now() - timedelta(hours=1, seconds=1))
        html(client, page(change))
        assert AuditEvent.objects.filter(action="payload.view").count() == 2

    def test_names_the_further_right_where_personal_values_were_shown(
        self, planted: Mapping, client_of: ClientOf
    ) -> None:
        html(client_of(planted.integration.owner), page(Link.objects.get()))

        assert AuditEvent.objects.get(action="payload.view").detail == {"right": "view_personal"}


def _trier(mapping: Mapping) -> User:
    """Somebody who may try rules and see values, but not personal ones."""
    found = person(mapping, "Operator", "operate_integration", "view_payload")
    role = Group.objects.create(name="seer")
    role.permissions.add(Permission.objects.get(codename="view_payload"))
    found.groups.add(role)
    return found


def _rows(mapping: Mapping) -> list[Change | ReconciliationException | Link | Attempt | Mapping]:
    return [
        mapping,
        *Change.objects.all(),
        *ReconciliationException.objects.all(),
        *Link.objects.all(),
        *Attempt.objects.all(),
    ]
