"""The migration that keeps open what a hub could reach before there were zones."""

import importlib
from typing import Any

import pytest
from django.apps import apps

from hub.http.egress import parsed
from hub.models import AuditEvent, EgressZone
from hub.services import zone as zones
from tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_zone")]
MIGRATION: Any = importlib.import_module("hub.migrations.0034_egress_zones")


def test_an_upgrade_with_connections_opens_what_was_reachable_and_says_so() -> None:
    ConnectionFactory()

    MIGRATION.keep_open(apps, None)

    row = EgressZone.objects.get()
    assert (row.name, row.is_open, row.reason) == (zones.BEFORE, True, "Reachable before zones existed; narrow it.")
    zones.check(row)
    opened = zones.refresh().zones[0]

    for address in ("10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "127.0.0.1", "::1"):
        assert opened.covers(parsed(address), 8080), address
    assert row.history.filter(history_change_reason=row.reason).exists()  # type: ignore[attr-defined]
    assert AuditEvent.objects.get().action == "zone.open"


def test_a_fresh_hub_has_none() -> None:
    MIGRATION.keep_open(apps, None)

    assert not EgressZone.objects.exists()


def test_single_sign_on_counts_as_a_connection(settings: Any) -> None:
    settings.HUB_OIDC = object()

    MIGRATION.keep_open(apps, None)

    assert EgressZone.objects.filter(is_open=True).exists()
