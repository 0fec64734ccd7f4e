"""Credentials from files: their kinds and details, and what a process does that may seal and not open."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub.models import Connection, Credential, User
from hub.services import credential as credentials
from hub.vault import pair

PUBLIC, PRIVATE = pair("pair")
HERE = "https://crm.example"
pytestmark = pytest.mark.django_db


@pytest.fixture
def apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Apply a credential as a file describes it; returns what was said."""

    def applied(body: str, *, secret: str = "hunter2", **options: Any) -> str:
        monkeypatch.setenv("CRM_SECRET", secret)
        file, out = tmp_path / "hub.yaml", StringIO()
        file.write_text(f"credentials:\n  crm: {body}\n")
        call_command("apply", str(file), yes=True, stdout=out, **options)
        return out.getvalue()

    return applied


def stored() -> Credential:
    return Credential.objects.get(name="crm")


WITH_TOKEN = "{kind: bearer, origins: [https://crm.example], values: {token: {from_env: CRM_SECRET}}}"


class TestKind:
    def test_is_what_the_file_says(self, apply: Callable[..., str]) -> None:
        apply(WITH_TOKEN)

        assert stored().kind == "bearer"
        assert credentials.open_values(stored())["token"].reveal() == "hunter2"

    def test_refuses_values_that_are_not_its_own(self, apply: Callable[..., str]) -> None:
        with pytest.raises(CommandError, match=r"password: a credential of the kind “bearer token” has no such value"):
            apply("{kind: bearer, values: {password: {from_env: CRM_SECRET}}}")

    def test_changes_with_the_values(self, apply: Callable[..., str]) -> None:
        apply("{origins: [https://crm.example], values: {token: {from_env: CRM_SECRET}}}")
        apply(WITH_TOKEN)

        assert stored().kind == "bearer"
        assert credentials.open_values(stored())["token"].reveal() == "hunter2"

    def test_does_not_change_without_the_values(self, apply: Callable[..., str]) -> None:
        apply("{origins: [https://crm.example], values: {token: {from_env: CRM_SECRET}}}")

        with pytest.raises(CommandError, match="every value must be given again"):
            apply("{kind: bearer}")
        assert stored().kind == "other"
        assert credentials.open_values(stored())["token"].reveal() == "hunter2"

    def test_refuses_details_that_it_has_not(self, apply: Callable[..., str]) -> None:
        with pytest.raises(CommandError, match="colour: a credential of the kind “bearer token” has no such detail"):
            apply("{kind: bearer, details: {colour: red}, values: {token: {from_env: CRM_SECRET}}}")


class TestWhereNothingCanBeOpened:
    @pytest.fixture(autouse=True)
    def _web(self, settings: Any) -> None:
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_KEYS = [PUBLIC], []
        settings.HUB_INBOUND_KEYS = ["inbound:" + "11" * 32]

    def opened(self, settings: Any) -> str:
        settings.HUB_SEAL_PRIVATE = [PRIVATE]
        return credentials.open_values(stored())["token"].reveal()

    def test_new_ones_are_sealed(self, apply: Callable[..., str], settings: Any) -> None:
        apply(WITH_TOKEN)

        assert self.opened(settings) == "hunter2"

    def test_others_are_left_as_they_are_and_it_says_so(self, apply: Callable[..., str], settings: Any) -> None:
        apply(WITH_TOKEN)
        told = apply(WITH_TOKEN, secret="another")

        assert "whether the given ones are others is not known. They stay as they are; --ask sets them anew." in told
        assert "Nothing to change" in told
        assert self.opened(settings) == "hunter2"

    def test_others_are_set_when_it_is_asked_for(self, apply: Callable[..., str], settings: Any) -> None:
        apply(WITH_TOKEN)
        told = apply(WITH_TOKEN, secret="another", ask=True)

        assert "not known" not in told
        assert self.opened(settings) == "another"


RENEWED = """
credentials:
  crm:
    kind: oauth_client
    origins: [https://crm.example, https://login.example]
    details: {client_id: hub, token_url: "https://login.example/token"}
    values: {client_secret: {from_env: CRM_SECRET}}
connections:
  crm:
    title: CRM
    connector: rest
    owner: olga
    credential: crm
    config:
      base_url: https://crm.example/v1
      auth: oauth2
      manifest: {streams: {things: {key: id, list: {path: /things, records: data}}}}
"""


class TestOneThatGetsTokens:
    def test_comes_in_one_file_with_the_connection_that_uses_it(
        self, owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRM_SECRET", "hunter2")
        file = tmp_path / "hub.yaml"
        for _ in range(2):  # the second time it is stored already
            file.write_text(RENEWED)
            call_command("apply", str(file), yes=True, stdout=StringIO())

        assert Connection.objects.get().credential == stored()

    def test_of_another_kind_is_refused_to_a_connection_that_needs_it(
        self, owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRM_SECRET", "hunter2")
        file = tmp_path / "hub.yaml"
        file.write_text(RENEWED.replace("oauth_client", "bearer").replace("client_secret:", "token:"))

        with pytest.raises(CommandError, match="not for OAuth2"):
            call_command("apply", str(file), yes=True, stdout=StringIO())
