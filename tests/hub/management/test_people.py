"""`manage.py people`: people to try the hub with, whose passwords nobody can guess."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub.models import AuditEvent, User
from hub.services import demo


@pytest.fixture
def state(tmp_path: Path, settings: Any, db: None) -> Path:
    settings.HUB_STATE = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; nothing here is secret
    return tmp_path


def people(option: str) -> str:
    out = io.StringIO()
    call_command("people", option, stdout=out)
    return out.getvalue()


def passwords(state: Path) -> dict[str, str]:
    return demo.passwords(state / "demo" / "people.json")


class TestDemo:
    def test_makes_each_person_in_the_right_roles(self, state: Path) -> None:
        people("--demo")

        roles = {user.username: {group.name for group in user.groups.all()} for user in User.objects.all()}
        assert roles == {
            "olivia": {"owner"},
            "rashid": {"owner", "resolver"},
            "aiko": {"auditor"},
            "admin": {"administrator"},
        }
        assert not User.objects.filter(is_superuser=True).exists()
        assert AuditEvent.objects.filter(action="user.add", subject="user").count() == 4

    def test_lets_them_sign_in_with_passwords_made_up_for_them(self, state: Path) -> None:
        people("--demo")

        known = passwords(state)
        assert all(User.objects.get(username=name).check_password(known[name]) for name in known)
        assert len(set(known.values())) == 4
        assert min(map(len, known.values())) >= 16

    def test_keeps_the_passwords_for_the_owner_of_the_file(self, state: Path) -> None:
        people("--demo")

        file = state / "demo" / "people.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_changes_no_password_the_second_time(self, state: Path) -> None:
        people("--demo")
        before = passwords(state)
        olivia = User.objects.get(username="olivia")
        olivia.set_password("chosen by herself")
        olivia.save()

        people("--demo")

        assert passwords(state) == before
        assert User.objects.get(username="olivia").check_password("chosen by herself")

    def test_gives_the_kept_passwords_to_people_of_a_new_database(self, state: Path) -> None:
        people("--demo")
        User.objects.all().delete()

        people("--demo")

        assert User.objects.get(username="aiko").check_password(passwords(state)["aiko"])

    def test_gives_new_passwords_when_the_file_is_lost(self, state: Path) -> None:
        people("--demo")
        before = passwords(state)
        (state / "demo" / "people.json").unlink()

        people("--demo")

        assert passwords(state)["aiko"] != before["aiko"]
        assert User.objects.get(username="aiko").check_password(passwords(state)["aiko"])

    def test_takes_back_roles_that_were_added(self, state: Path) -> None:
        people("--demo")
        aiko = User.objects.get(username="aiko")
        aiko.groups.add(*User.objects.get(username="admin").groups.all())

        people("--demo")

        assert [group.name for group in aiko.groups.all()] == ["auditor"]

    def test_is_refused_outside_a_demo(self, state: Path, settings: Any) -> None:
        settings.HUB_ENVIRONMENT = "production"

        with pytest.raises(CommandError, match="this is “production”"):
            people("--demo")
        assert not User.objects.exists()


class TestShow:
    def test_tells_who_they_are_and_how_they_sign_in(self, state: Path) -> None:
        people("--demo")

        told = people("--show")

        assert all(name in told and password in told for name, password in passwords(state).items())

    def test_says_how_to_make_them(self, state: Path) -> None:
        with pytest.raises(CommandError, match="people --demo"):
            people("--show")
