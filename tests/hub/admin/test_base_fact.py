"""What only the hub writes is looked at by people, and changed by nobody."""

import pytest

from hub.models import SyncRun
from tests.conftest import ClientOf
from tests.factories import (
    SyncRunFactory,
    UserFactory,
)
from tests.hub.admin.pages import page

pytestmark = pytest.mark.django_db
LIST = "/admin/hub/syncrun/"
FACTS = ("syncrun", "change", "attempt", "reconciliationexception", "link", "hint", "lane", "checkpoint", "auditevent")


class TestWrittenByTheHub:
    """Tables that only the hub writes."""

    @pytest.mark.parametrize("name", FACTS)
    def test_cannot_be_added_to_by_hand(self, name: str, client_of: ClientOf) -> None:
        assert client_of(UserFactory(is_superuser=True)).get(f"/admin/hub/{name}/add/").status_code == 403

    @pytest.mark.parametrize("name", FACTS)
    def test_have_a_list_that_opens(self, name: str, client_of: ClientOf) -> None:
        assert client_of(UserFactory(is_superuser=True)).get(f"/admin/hub/{name}/").status_code == 200

    def test_cannot_be_changed_or_deleted_by_hand(self, client_of: ClientOf) -> None:
        run = SyncRunFactory()
        client = client_of(UserFactory(is_superuser=True))

        assert client.post(page(run), {"state": "failed"}).status_code == 405
        assert client.get(f"/admin/hub/syncrun/{run.pk}/edit/").status_code == 403
        assert client.post(f"/admin/hub/syncrun/{run.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(LIST, {"action": "delete_selected", "_selected_action": run.pk}).status_code in {200, 302}
        assert SyncRun.objects.filter(pk=run.pk, state=run.state).exists()
