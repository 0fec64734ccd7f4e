"""`manage.py people`: people to try the hub with, whose passwords nobody can guess."""

import io
import stat
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from hub.models import AuditEvent, User
from hub.services import demo
from tests.factories import UserFactory


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
            "olivia": {"Integration owner"},
            "rashid": {"Integration owner", "Resolver"},
            "aiko": {"Auditor"},
            "admin": {"Credential admin", "Integration owner", "Operator", "Whole hub"},
            "sigrid": {"Security admin"},
        }
        assert not User.objects.filter(is_superuser=True).exists()
        assert AuditEvent.objects.filter(action="user.add", subject="user").count() == 5

    def test_lets_them_sign_in_with_passwords_made_up_for_them(self, state: Path) -> None:
        people("--demo")

        known = passwords(state)
        assert all(User.objects.get(username=name).check_password(known[name]) for name in known)
        assert len(set(known.values())) == 5
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

        assert [group.name for group in aiko.groups.all()] == ["Auditor"]

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


class TestAPersonWhoCannotGetIn:
    @pytest.fixture(autouse=True)
    def olga(self, state: Path, client: Client) -> User:
        person = UserFactory(username="olga")
        person.set_password("a-password-for-trying-1")
        person.save()
        return person

    def sign_in(self, client: Client, password: str, network: str = "192.0.2.1") -> bool:
        client.post("/account/login/", {"login": "olga", "password": password}, REMOTE_ADDR=network)
        return client.get("/admin/").status_code == 200

    def test_can_try_again_when_unlocked(self, client: Client) -> None:
        for _ in range(5):
            self.sign_in(client, "wrong", "203.0.113.7")
        assert not self.sign_in(client, "a-password-for-trying-1")

        call_command("people", "--unlock", "olga", "--reason", "She asked.", stdout=io.StringIO())

        assert self.sign_in(client, "a-password-for-trying-1")
        assert AuditEvent.objects.get(action="session.unlock").reason == "She asked."

    def test_gets_a_password_made_up_for_them(self, client: Client) -> None:
        out = io.StringIO()
        call_command("people", "--new-password", "olga", "--reason", "She forgot hers.", stdout=out)

        assert not self.sign_in(client, "a-password-for-trying-1")
        assert self.sign_in(client, out.getvalue().split()[4])

    def test_signs_in_without_the_factor_that_was_lost(self, client: Client, olga: User) -> None:
        Authenticator.objects.create(user=olga, type=Authenticator.Type.TOTP, data={"secret": "x"})
        assert not self.sign_in(client, "a-password-for-trying-1")

        call_command("people", "--remove-factors", "olga", "--reason", "Her phone is gone.", stdout=io.StringIO())

        assert self.sign_in(Client(), "a-password-for-trying-1")

    def test_is_not_helped_without_a_reason(self) -> None:
        with pytest.raises(CommandError, match="--reason"):
            call_command("people", "--unlock", "olga")
