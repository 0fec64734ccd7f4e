"""What every page of the desk obeys."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from hub.admin.base import FactAdmin, HubAdmin
from hub.admin.listing import CappedPaginator
from hub.models import Integration, SyncRun, User
from hub.services import access
from tests import factories as make
from tests.conftest import ClientOf

DESK = [(model, desk) for model, desk in admin.site._registry.items() if model._meta.app_label == "hub"]
NAMES = [model.__name__ for model, _ in DESK]


@pytest.mark.parametrize(("model", "desk"), DESK, ids=NAMES)
class TestEveryPage:
    def test_obeys_the_one_policy(self, model: Any, desk: Any) -> None:
        assert isinstance(desk, HubAdmin)
        assert model in access.RULES

    def test_never_counts_a_whole_table(self, model: Any, desk: Any) -> None:
        assert desk.show_full_result_count is False
        assert desk.list_max_show_all == 0

    def test_has_no_editing_in_lists_no_pop_ups_and_no_copies(self, model: Any, desk: Any) -> None:
        assert not desk.list_editable
        assert not desk.raw_id_fields
        assert not desk.save_as

    def test_names_the_action_of_every_deed_in_the_policy(self, model: Any, desk: Any) -> None:
        known = {action for rule in access.RULES.values() for action in rule.needs}

        assert {deed.action for deed in desk.deeds} <= known | {"settle"}
        assert all(hasattr(desk, deed.name) for deed in desk.deeds)

    def test_offers_no_way_to_a_version_of_the_history(self, model: Any, desk: Any) -> None:
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:hub_{model._meta.model_name}_simple_history", args=[1, 1])


class TestFacts:
    @pytest.mark.parametrize(("model", "desk"), [pair for pair in DESK if isinstance(pair[1], FactAdmin)], ids=str)
    def test_are_not_changed_by_anybody(self, model: Any, desk: Any, rf: Any, db: None) -> None:
        request = rf.get("/")
        request.user = make.UserFactory(is_superuser=True)

        assert not desk.has_add_permission(request)
        assert not desk.has_change_permission(request)
        assert not desk.has_delete_permission(request)


@pytest.mark.django_db
class TestLists:
    def test_do_not_offer_to_delete_what_is_ticked(self, administrator: User, client_of: ClientOf) -> None:
        integration = make.IntegrationFactory()
        given = {"action": "delete_selected", "_selected_action": integration.pk, "post": "yes"}

        client_of(administrator).post("/admin/hub/integration/", given)

        assert Integration.objects.filter(pk=integration.pk).exists()

    def test_count_no_further_than_the_cap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.admin.listing.COUNT_CAP", 3)
        make.IntegrationFactory.create_batch(5)

        paginator = CappedPaginator(Integration.objects.all(), 50)

        assert paginator.count == 3
        assert paginator.is_capped

    def test_open_no_form_by_another_field_than_the_key(self, administrator: User, client_of: ClientOf) -> None:
        integration = make.IntegrationFactory(name="customers")

        client = client_of(administrator)
        assert client.get("/admin/hub/integration/customers/change/?_to_field=name").status_code == 404
        assert client.get(f"/admin/hub/integration/{integration.pk}/edit/?_to_field=name").status_code == 400


@pytest.mark.django_db
class TestDeeds:
    def test_of_another_name_are_not_there(self, administrator: User, client_of: ClientOf) -> None:
        integration = make.IntegrationFactory()

        for name in ("delete", "save_model", "get_urls"):
            address = reverse("admin:hub_integration_do", args=[integration.pk, name])
            assert client_of(administrator).post(address).status_code == 404

    def test_tell_why_they_are_refused(self, administrator: User, client_of: ClientOf) -> None:
        integration = make.IntegrationFactory()
        address = reverse("admin:hub_integration_do", args=[integration.pk, "run_now"])

        answer = client_of(administrator).post(address, {"how": "changes"})

        assert "has no mapping yet" in answer.content.decode()
        assert not SyncRun.objects.exists()


@pytest.mark.django_db
class TestSignedOut:
    @pytest.mark.parametrize("model", NAMES)
    def test_nobody_sees_a_list(self, model: str, client: Client) -> None:
        answer = client.get(f"/admin/hub/{model.lower()}/")

        assert answer.status_code == 302
        assert "/account/login/" in answer.headers["Location"]
