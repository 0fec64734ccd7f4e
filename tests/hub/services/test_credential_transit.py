"""Keys in HashiCorp Vault: web seals, workers open, and neither sees the key. A fake answers as its API pages say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from hub.env import SettingError
from hub.models import Credential, CredentialSecret
from hub.sdk import ConfigError
from hub.services import credential as service
from hub.services.credential import key, rewrap
from hub.vault.place import TransitPlace, named
from tests.factories import CredentialFactory
from tests.hub.transit import TransitFake, served

HERE = "https://crm.example:443"


@pytest.fixture
def vault() -> TransitFake:
    return TransitFake()


@pytest.fixture
def address(vault: TransitFake) -> Iterator[str]:
    with served(vault) as address:
        yield address
    key._client.cache_clear()


@pytest.fixture
def become(address: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Be a process with another token."""

    def process(token: str, *, seals_only: bool = False) -> None:
        monkeypatch.setenv("HUB_VAULT_TRANSIT_TOKEN", token)
        settings.HUB_SEAL_KEYS, settings.HUB_INBOUND_KEYS = [], ["inbound:" + "11" * 32]
        settings.HUB_VAULT_TRANSIT = TransitPlace(address, "hub", "transit", "team-a", "", seals_only)

    return process


@pytest.fixture
def sealed(db: None, become: Any) -> Credential:
    become("web", seals_only=True)
    made: Credential = CredentialFactory(name="crm", origins=[])
    service.set_values(credential=made, values={"password": "hunter2"}, by=None, origins=[HERE])
    return made


class TestTransit:
    def test_lets_the_web_seal_and_workers_open(self, sealed: Credential, become: Any) -> None:
        become("worker")

        assert service.open_values(sealed)["password"].reveal() == "hunter2"
        assert CredentialSecret.objects.get().key_id == "hub.v1"

    def test_lets_the_web_not_open(self, sealed: Credential) -> None:
        with pytest.raises(ConfigError, match="may seal and not open"):
            service.open_values(sealed)

    def test_says_so_when_the_policy_refuses(self, sealed: Credential, become: Any) -> None:
        become("web")

        with pytest.raises(ConfigError, match="403"):
            service.open_values(sealed)

    def test_says_so_when_vault_is_sealed_and_nothing_is_lost(
        self, sealed: Credential, vault: TransitFake, become: Any
    ) -> None:
        become("worker")
        vault.is_sealed = True
        with pytest.raises(ConfigError, match=r"answered 503.*Vault is sealed"):
            service.open_values(sealed)

        vault.is_sealed = False
        assert service.open_values(sealed)["password"].reveal() == "hunter2"

    def test_never_shows_its_token(self, sealed: Credential, vault: TransitFake, become: Any) -> None:
        become("hvs.a-token-of-nobody")

        with pytest.raises(ConfigError) as refused:
            service.open_values(sealed)
        assert "hvs." not in str(refused.value)

    def test_names_the_namespace(self, sealed: Credential, vault: TransitFake) -> None:
        assert vault.headers["x-vault-namespace"] == "team-a"

    @pytest.mark.parametrize("change", [{"key_id": "hub.v2"}, {"key_id": "other.v1"}, {"wrapped": b"vault:v1:AAAA"}])
    def test_refuses_a_row_that_was_altered(self, change: dict[str, Any], sealed: Credential, become: Any) -> None:
        become("worker")
        CredentialSecret.objects.update(**change)

        with pytest.raises(ConfigError, match="cannot be opened"):
            service.open_values(sealed)

    def test_calls_nothing_inside_a_transaction_that_is_prepared(
        self, sealed: Credential, vault: TransitFake, become: Any
    ) -> None:
        service.get_ready(2)
        vault.asked.clear()
        with transaction.atomic():
            for name in ("a", "b"):
                service.set_values(credential=CredentialFactory(name=name), values={"password": "p"}, by=None)

        assert vault.asked == []


class TestItsRotation:
    def test_rewraps_without_seeing_the_keys_in_one_call(
        self, sealed: Credential, vault: TransitFake, become: Any
    ) -> None:
        for name in ("a", "b"):
            service.set_values(credential=CredentialFactory(name=name), values={"password": "p"}, by=None)
        become("worker")
        vault.rotate()
        vault.asked.clear()
        (progress,) = list(rewrap.rewrap(by=None))[-1:]

        assert progress.done == 3
        assert [asked for asked in vault.asked if asked[0] != "encrypt"] == [("rewrap", 3)]
        vault.min_decryption_version = 2
        assert service.open_values(sealed)["password"].reveal() == "hunter2"
        assert rewrap.standing().left == 0

    def test_goes_on_beside_one_that_cannot_be(self, sealed: Credential, vault: TransitFake, become: Any) -> None:
        lost = CredentialFactory(name="lost")
        service.set_values(credential=lost, values={"password": "p"}, by=None)
        CredentialSecret.objects.filter(credential=lost).update(wrapped=b"vault:v1:AAAABBBBCCCCDDDDEEEEFFFFGGGG")
        become("worker")
        vault.rotate()
        (progress,) = list(rewrap.rewrap(by=None))[-1:]

        assert (progress.done, dict(progress.unreadable)) == (1, {"lost": 1})


class TestItsPlace:
    @pytest.fixture(autouse=True)
    def _named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_VAULT_TRANSIT_URL", "https://vault.example:8200/")
        monkeypatch.setenv("HUB_VAULT_TRANSIT_KEY", "hub")

    def test_needs_a_token(self) -> None:
        with pytest.raises(SettingError, match="HUB_VAULT_TRANSIT_TOKEN or HUB_VAULT_TRANSIT_TOKEN_FILE"):
            named()

    def test_reads_the_token_again_that_an_agent_renews(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        file = tmp_path / "token"
        monkeypatch.setenv("HUB_VAULT_TRANSIT_TOKEN_FILE", str(file))
        file.write_text("first")
        place = named()
        file.write_text("second\n")

        assert place is not None
        assert (place.url, place.token()) == ("https://vault.example:8200", "second")

    def test_is_reached_by_tls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUB_VAULT_TRANSIT_URL", "http://vault.example:8200")

        with pytest.raises(SettingError, match="must begin with https://"):
            named()
