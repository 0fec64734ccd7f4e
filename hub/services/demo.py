"""The people of the demo, with passwords made up at the first start."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import transaction

from hub.models import User
from hub.services import access, audit


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo, and what that person is there for."""

    username: str
    name: tuple[str, str]
    roles: tuple[str, ...]
    task: str


OPENS_ZONES = "sigrid"
PEOPLE = (
    Person("olivia", ("Olivia", "Owens"), ("Integration owner",), "owns the integrations"),
    Person("rashid", ("Rashid", "Karimi"), ("Integration owner", "Resolver"), "deputises her and settles exceptions"),
    Person("aiko", ("Aiko", "Tanaka"), ("Auditor",), "audits: sees everything, changes nothing"),
    Person(
        "admin",
        ("Ada", "Lindqvist"),
        ("Credential admin", "Integration owner", "Operator", "Whole hub"),
        "administers connections and credentials, runs and pauses everything",
    ),
    Person(
        OPENS_ZONES, ("Sigrid", "Moen"), ("Security admin",),
        "gives people their roles and groups their rights, opens egress zones",
    ),
)  # fmt: skip


def ensure_people(kept: Path) -> dict[str, str]:
    """Make the people that are missing, in their roles; returns their passwords by username.

    `kept` is the file that holds the passwords. A person whose password is in it keeps whatever password
    the person has; everybody else gets the one that is in the file from then on.
    """
    known = passwords(kept)
    wanted = {person.username: known.get(person.username) or secrets.token_urlsafe(12) for person in PEOPLE}
    _keep(kept, wanted)
    access.ensure_roles()
    with transaction.atomic():
        for person in PEOPLE:
            _ensure(person, wanted[person.username], is_known=person.username in known)
    return wanted


def passwords(kept: Path) -> dict[str, str]:
    """The passwords that were made up, by username; empty before the first start."""
    if not kept.exists():
        return {}
    found: dict[str, str] = json.loads(kept.read_text("utf-8"))
    return found


def _ensure(person: Person, password: str, *, is_known: bool) -> None:
    user, is_new = User.objects.get_or_create(
        username=person.username, defaults={"email": f"{person.username}@hub.example"}
    )
    user.first_name, user.last_name = person.name
    user.is_staff = user.is_active = True
    if is_new or not is_known:
        user.set_password(password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=person.roles))
    if is_new:
        audit.record(actor=None, action="user.add", subject=user, detail={"roles": list(person.roles)}, reason="demo")


def _keep(file: Path, wanted: Mapping[str, str]) -> None:
    """Write the passwords for their owner's eyes only, all at once or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(wanted, opened, indent=2)
    fresh.replace(file)
