"""The desk as somebody sees it whose right is limited to a part of the data."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from hub.models import Hint, IntegrationGrant, ReconciliationException, User
from tests.conftest import ClientOf
from tests.factories import (
    ChangeFactory,
    LaneFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
    UserFactory,
)
from tests.hub.admin.test_exception import LIST, deed, html, page

pytestmark = pytest.mark.django_db


class TestLimitedPerson:
    """Somebody who may settle only a part of the data."""

    @pytest.fixture
    def person(self, north: ReconciliationException) -> User:
        group = Group.objects.create(name="North team")
        IntegrationGrant.objects.create(
            group=group, content_object=north.integration, scopes=["north"],
            permission=Permission.objects.get(codename="resolve_integration"),
        )  # fmt: skip
        made: User = UserFactory(groups=["Resolver", "North team"])
        return made

    @pytest.fixture
    def north(self, db: None) -> ReconciliationException:
        mapping = MappingFactory(scope_field="region", active=True)
        run = SyncRunFactory(mapping=mapping)
        change = ChangeFactory(run=run, source_key="n1", image={"region": "north", "name": "Ada"})
        made: ReconciliationException = ReconciliationExceptionFactory(
            mapping=mapping, scope="north", source_key="n1", kind="invalid", reason="name: Ada is too short",
            evidence={"source": {"name": "Ada"}}, change_id=change.pk,
        )  # fmt: skip
        return made

    def test_reads_what_the_record_holds(
        self, client_of: ClientOf, north: ReconciliationException, person: User
    ) -> None:
        shown = html(client_of(person), page(north))

        assert "Ada is too short" in shown
        assert "who may settle it can depend on this" in shown

    def test_is_not_led_to_pages_that_are_closed(
        self, client_of: ClientOf, north: ReconciliationException, person: User
    ) -> None:
        shown = html(client_of(person), page(north))

        assert reverse("admin:hub_change_change", args=[north.change_id]) not in shown

    def test_finds_in_the_list_and_its_counts_only_that_part(
        self, client_of: ClientOf, north: ReconciliationException, person: User
    ) -> None:
        ReconciliationExceptionFactory(mapping=north.mapping, scope="south", source_key="s1", reason="Kryptonite")

        shown = html(client_of(person), LIST)

        assert "Ada is too short" in shown
        assert "Kryptonite" not in shown
        assert "1 exception<" in html(client_of(person), "/admin/")

    def test_finds_on_the_page_of_a_run_no_record_of_another_part(
        self, client_of: ClientOf, north: ReconciliationException, person: User
    ) -> None:
        run = SyncRunFactory(mapping=north.mapping)
        ReconciliationExceptionFactory(mapping=north.mapping, scope="south", source_key="kryptonite-1", last_run=run)
        ChangeFactory(run=run, source_key="kryptonite-2")
        ReconciliationException.objects.filter(pk=north.pk).update(last_run=run)

        shown = html(client_of(person), reverse("admin:hub_syncrun_change", args=[run.pk]))

        assert "n1" in shown
        assert "kryptonite" not in shown

    def test_may_have_it_tried_again(self, client_of: ClientOf, north: ReconciliationException, person: User) -> None:
        LaneFactory(mapping=north.mapping)

        answer = client_of(person).post(deed(north, "retry"))

        assert answer.status_code == 302
        assert Hint.objects.filter(source_key="n1").exists()
