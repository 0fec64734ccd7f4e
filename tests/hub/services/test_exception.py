"""What a person can do with an exception, asked of the services themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.models import AuditEvent, User
from hub.sdk import FatalError
from hub.services import exception as exceptions
from tests.factories import ReconciliationExceptionFactory

pytestmark = pytest.mark.django_db
WAYS = [exceptions.acknowledge, exceptions.leave_edit, exceptions.overwrite_edit, exceptions.keep_fact]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stand", [{"kind": "in_doubt"}, {"kind": "edited", "state": "resolved"}])
def test_another_kinds_way_settles_nothing(way: Callable[..., Any], stand: dict[str, str], administrator: User) -> None:
    found = ReconciliationExceptionFactory(**stand)

    with pytest.raises(FatalError):
        way(exception=found, by=administrator, reason="Because I can.")

    found.refresh_from_db()
    assert found.state == stand.get("state", "open")
    assert not AuditEvent.objects.exists()
