"""Egress zones in files: proposed and opened in the name of who applies them."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub.management.commands.demo import Command as DemoCommand
from hub.models import AuditEvent, EgressZone, User
from hub.services import zone as zones
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
FILE = """
zones:
  erp:
    title: ERP
    networks: [10.20.0.0/24, "fd12:3456::/64"]
    ports: [443]
    reason: The ERP has no public address.
    is_open: true
"""


@pytest.fixture
def sigrid(db: None) -> User:
    made: User = UserFactory(username="sigrid", groups=["Security admin"])
    return made


def apply(folder: Path, text: str = FILE, **options: Any) -> str:
    file, out = folder / "zones.yaml", io.StringIO()
    file.write_text(text)
    call_command("apply", str(file), yes=True, stdout=out, **options)
    return out.getvalue()


def test_a_zone_is_proposed_and_opened_by_who_applies_it(tmp_path: Path, sigrid: User) -> None:
    assert '+ networks[0]: "10.20.0.0/24"' in apply(tmp_path, by="sigrid")

    made = EgressZone.objects.get(name="erp")
    assert (made.is_open, made.proposed_by, made.opened_by) == (True, sigrid, "sigrid")
    told = AuditEvent.objects.filter(subject="egresszone").order_by("id").values_list("action", "actor_name")
    assert list(told) == [("egresszone.add", "sigrid"), ("zone.open", "sigrid")]
    assert "1 as described" in apply(tmp_path, by="sigrid")


def test_a_zone_is_closed_by_a_file_that_says_so(tmp_path: Path, sigrid: User) -> None:
    apply(tmp_path, by="sigrid")

    apply(tmp_path, FILE.replace("true", "false"), by="sigrid")

    assert not EgressZone.objects.get(name="erp").is_open


def test_a_second_pair_of_eyes_is_asked_for_and_nothing_is_written(tmp_path: Path, sigrid: User) -> None:
    UserFactory(username="samir", first_name="Samir", last_name="", groups=["Security admin"])

    with pytest.raises(CommandError, match="somebody else has to open it: Samir"):
        apply(tmp_path, by="sigrid")

    assert not EgressZone.objects.exists()


@pytest.mark.parametrize("by", [None, "olga"])
def test_nobody_opens_one_without_the_right(tmp_path: Path, owner: User, by: str | None) -> None:
    with pytest.raises(CommandError, match=r"zones\.erp"):
        apply(tmp_path, by=by)

    assert not EgressZone.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("10.20.0.0/24", "0.0.0.0/0", "does not lie within one"),
        ("[443]", "[0]", "whole number from 1 to 65535"),
        ("    reason: The ERP has no public address.\n", "", "reason is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, sigrid: User, old: str, new: str, told: str) -> None:
    with pytest.raises(CommandError, match=told) as caught:
        apply(tmp_path, FILE.replace(old, new), by="sigrid")

    assert "zones.yaml:" in str(caught.value)


def test_the_demo_opens_its_own_in_the_name_of_its_security_admin(settings: Any, tmp_path: Path) -> None:
    settings.HUB_STATE = tmp_path
    call_command("people", demo=True, stdout=io.StringIO())
    out = io.StringIO()

    DemoCommand(stdout=out)._open_zone()

    zone = EgressZone.objects.get()
    assert (zone.name, zone.is_open, zone.opened_by) == ("demo", True, "sigrid")
    assert AuditEvent.objects.get(action="zone.open").detail["alone"]
    assert "(127.0.0.0/8, ::1/128): opened by sigrid. The demo's CRM, ERP and database answer on this" in out.getvalue()

    zones.close(zone=zone, by=User.objects.get(username="sigrid"), reason="To see what happens.")
    DemoCommand(stdout=out)._open_zone()

    assert "closed, so that nothing there is reached" in out.getvalue()
