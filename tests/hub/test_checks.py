"""System checks: each names what is wrong with an installation, and the cure."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import call_command

from hub.models import CredentialSecret
from hub.provider import Provider
from hub.vault import pair
from tests.factories import (
    ConnectionFactory,
    CredentialFactory,
    EgressZoneFactory,
    IntegrationFactory,
    UserFactory,
)
from tests.hub.garden import Garden

ROOT = Path(__file__).resolve().parents[2]


def ids(**how: Any) -> set[str | None]:
    """The ids of the hub's own findings."""
    return {found.id for found in run_checks(**how) if str(found.id).startswith("hub.")}


class TestConnectors:
    def test_a_broken_folder_is_found_and_does_not_stop_a_command(
        self, garden: Garden, capsys: pytest.CaptureFixture[str]
    ) -> None:
        garden.plant("torn", "raise SystemError('torn')")

        call_command("check")

        told = capsys.readouterr().err
        assert "hub.E001" in told
        assert "“torn” cannot be loaded: SystemError: torn" in told


class TestKeys:
    def test_of_a_wrong_shape_are_an_error(self, settings: Any) -> None:
        settings.HUB_SEAL_KEYS = ["abc"]

        assert "hub.E002" in ids()

    def test_that_sign_nothing_or_tell_nobody_are_an_error(self, settings: Any) -> None:
        assert "hub.E003" not in ids()
        settings.HUB_AUDIT_ANCHORS = ["pigeon://loft"]
        assert "hub.E003" in ids()
        settings.HUB_AUDIT_ANCHORS, settings.HUB_AUDIT_KEYS = [], ["abc"]
        assert "hub.E003" in ids()

    def test_that_nobody_else_knows_the_seals_of_are_worth_a_warning(self, settings: Any) -> None:
        assert "hub.W012" in ids(include_deployment_checks=True)
        settings.HUB_AUDIT_ANCHORS = ["syslog://loghost"]
        assert "hub.W012" not in ids(include_deployment_checks=True)

    def test_that_stored_secrets_need_and_are_not_given_are_an_error(self, db: None) -> None:
        assert "hub.E005" not in ids(tags=[Tags.database], databases=["default"])
        CredentialSecret.objects.create(credential=CredentialFactory(), number=1, key_id="gone", sealed=b"x")

        assert "hub.E005" in ids(tags=[Tags.database], databases=["default"])

    def test_that_others_can_read_are_found(self, settings: Any, tmp_path: Path) -> None:
        settings.HUB_STATE = tmp_path
        key = tmp_path / "seal_key"
        key.touch(mode=0o600)

        before = ids()
        key.chmod(0o644)

        assert "hub.W003" not in before
        assert "hub.W003" in ids()


class TestOwners:
    def test_who_cannot_sign_in_are_found(self, db: None) -> None:
        IntegrationFactory(owner=UserFactory(is_active=False))

        assert "hub.W009" in ids(tags=[Tags.database], databases=["default"])

    def test_missing_from_a_connection_are_found(self, db: None) -> None:
        ConnectionFactory(owner=None)

        assert "hub.W010" in ids(tags=[Tags.database], databases=["default"])

    def test_of_a_zone_that_an_upgrade_opened_are_asked_to_narrow_it(self, db: None) -> None:
        zone = EgressZoneFactory(name="before-zones", is_open=True)
        assert "hub.W016" in ids(tags=[Tags.database], databases=["default"])

        zone.is_open = False
        zone.save()
        assert "hub.W016" not in ids(tags=[Tags.database], databases=["default"])

    def test_who_are_there_are_not_reported(self, db: None) -> None:
        ConnectionFactory(owner=UserFactory())
        IntegrationFactory()

        lowered = {"hub.W011"}  # in tests the guard is down
        assert ids(tags=[Tags.database], databases=["default"]) - lowered == set()


class TestHistory:
    def test_that_is_off_is_found_before_deployment(self, settings: Any) -> None:
        settings.SIMPLE_HISTORY_ENABLED = False

        assert "hub.W007" in ids(include_deployment_checks=True)
        assert "hub.W007" not in ids()


class TestDeploy:
    """`check --deploy`, as an operator runs it: in a process of its own."""

    PRODUCTION = {
        "DATABASE_URL": "postgresql://hub:secret@db.example:5432/hub",
        "REDIS_URL": "redis://redis.example:6379/0",
        "HUB_SECRET_KEY": secrets.token_hex(32),
        "HUB_SEAL_PUBLIC": pair("2026a")[0],
        "HUB_INBOUND_KEYS": f"2026a:{secrets.token_hex(32)}",
        "HUB_AUDIT_KEYS": f"2026a:{secrets.token_hex(32)}",
        "HUB_AUDIT_ANCHORS": "syslog://logs.example:514",
        "HUB_HOSTS": "hub.example.com",
        "HUB_HTTPS": "1",
        "HUB_SECOND_FACTOR": "writers",
        "HUB_PROXIES": "1",
    }

    def check(self, state: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=ROOT,
            env={**kept, "HUB_STATE": str(state), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_is_clean_when_all_is_set(self, tmp_path: Path) -> None:
        done = self.check(tmp_path, **self.PRODUCTION)

        assert done.returncode == 0, done.stderr

    def test_names_every_variable_that_production_needs(self, tmp_path: Path) -> None:
        done = self.check(tmp_path)

        assert done.returncode == 1
        for name in ("DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEY", "HUB_SEAL_PUBLIC", "HUB_AUDIT_KEYS"):
            assert f"{name}" in done.stderr
        assert {"hub.W004", "hub.W005", "hub.W006"} <= {word.strip("():") for word in done.stderr.split()}

    def test_fails_where_one_key_seals_and_opens(self, tmp_path: Path) -> None:
        one_key = {name: value for name, value in self.PRODUCTION.items() if name != "HUB_SEAL_PUBLIC"}
        done = self.check(tmp_path, **{**one_key, "HUB_SEAL_KEYS": f"2026a:{secrets.token_hex(32)}"})

        assert done.returncode == 1
        assert "hub.E004" in done.stderr
        assert "manage.py seal_keys" in done.stderr

    def test_takes_the_keys_from_files(self, tmp_path: Path) -> None:
        kept = tmp_path / "keys"
        kept.write_text(f"2026b:{secrets.token_hex(32)}\n2026a:{secrets.token_hex(32)}\n")
        others = {name: value for name, value in self.PRODUCTION.items() if name != "HUB_INBOUND_KEYS"}
        done = self.check(tmp_path, **{**others, "HUB_INBOUND_KEYS_FILE": str(kept)})

        assert done.returncode == 0, done.stderr

    def test_finds_hosts_that_allow_everything(self, tmp_path: Path) -> None:
        done = self.check(tmp_path, **{**self.PRODUCTION, "HUB_HOSTS": "*"})

        assert "hub.W008" in done.stderr

    def test_a_wrong_database_address_names_variable_shape_and_cure_without_the_password(self, tmp_path: Path) -> None:
        done = self.check(tmp_path, **{**self.PRODUCTION, "DATABASE_URL": "mysql://root:hunter2@db/hub"})

        assert done.returncode == 1
        assert "DATABASE_URL=mysql://…@db/hub is not valid" in done.stderr
        assert "postgresql://user:password@host:5432/name" in done.stderr
        assert "hunter2" not in done.stderr


class TestSigningIn:
    def test_without_a_second_factor_is_found_before_production(self, settings: Any) -> None:
        assert "hub.W014" in ids(include_deployment_checks=True)

        settings.HUB_SECOND_FACTOR = "writers"

        assert "hub.W014" not in ids(include_deployment_checks=True)

    def test_behind_a_proxy_that_is_not_named_is_found(self, settings: Any) -> None:
        settings.HUB_HTTPS = True
        assert "hub.W013" in ids(include_deployment_checks=True)

        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

        assert "hub.W013" not in ids(include_deployment_checks=True)

    def test_with_a_role_that_there_is_not_is_found(self, settings: Any, db: None) -> None:
        settings.HUB_OIDC = Provider("https://sso.example", "id", "secret", "SSO", "groups", {"a": ("Viewer", "Vewer")})

        found = run_checks(tags=[Tags.database], databases=["default"])

        assert [one.msg for one in found if one.id == "hub.W015"] == [
            "HUB_OIDC_GROUPS names roles that do not exist: Vewer."
        ]
