"""A sealed version is read where it belongs: another row, address, kind or place, or a changed bit, ends that."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.models import Credential, CredentialSecret, CredentialVersion
from hub.sdk import ConfigError
from hub.services import credential as service
from hub.vault import Local, pair
from tests.factories import CredentialFactory

HERE, THERE = "https://crm.example:443", "https://thief.example:443"
PASSWORD = "hunter2-and-more"
PUBLIC, PRIVATE = pair("pair")


@pytest.fixture(params=["local", "pair"])
def provider(request: pytest.FixtureRequest, settings: Any) -> str:
    """With either way of keeping keys."""
    if request.param == "pair":
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_PRIVATE = [PUBLIC], [PRIVATE]
    return str(request.param)


@pytest.fixture
def sealed(db: None, provider: str) -> Credential:
    made: Credential = CredentialFactory(name="crm-api", origins=[])
    service.set_values(credential=made, values={"password": PASSWORD}, by=None, origins=[HERE])
    return made


def _set(**values: Any) -> Callable[[Credential], object]:
    return lambda row: _of(row, values)


def _of(row: Credential, values: dict[str, Any]) -> None:
    Credential.objects.filter(pk=row.pk).update(**values)


def _secret(row: Credential) -> CredentialSecret:
    return CredentialSecret.objects.get(credential=row, number=1)


def _flip(field: str, place: int) -> Callable[[Credential], object]:
    def flip(row: Credential) -> None:
        secret = _secret(row)
        data = bytearray(getattr(secret, field))
        data[place] ^= 0x10
        CredentialSecret.objects.filter(pk=secret.pk).update(**{field: bytes(data)})

    return flip


def _cut(field: str, size: int) -> Callable[[Credential], object]:
    return lambda row: CredentialSecret.objects.filter(credential=row).update(
        **{field: bytes(getattr(_secret(row), field))[:size]}
    )


def _another() -> Credential:
    other: Credential = CredentialFactory(name="other", origins=[])
    service.set_values(credential=other, values={"password": "another one"}, by=None, origins=[HERE])
    return other


def _with_the_ciphertext_of_another(row: Credential) -> None:
    taken = _secret(_another())
    CredentialSecret.objects.filter(credential=row).update(wrapped=taken.wrapped, sealed=taken.sealed)


def _with_the_key_of_another(row: Credential) -> None:
    CredentialSecret.objects.filter(credential=row).update(wrapped=_secret(_another()).wrapped)


def _with_the_earlier_version_put_forward(row: Credential) -> None:
    service.stage(credential=row, values={"password": "next"}, by=None)
    CredentialSecret.objects.filter(credential=row, number=1).delete()
    CredentialSecret.objects.filter(credential=row, number=2).update(number=1)


MUTATIONS: dict[str, Callable[[Credential], object]] = {
    "a bit of the nonce": _flip("sealed", 3),
    "a bit of the ciphertext": _flip("sealed", 20),
    "a bit of the tag": _flip("sealed", -1),
    "a bit at the start of the wrapped key": _flip("wrapped", 0),
    "a bit at the end of the wrapped key": _flip("wrapped", -1),
    "the ciphertext cut short": _cut("sealed", -4),
    "the ciphertext gone": _cut("sealed", 0),
    "the wrapped key cut short": _cut("wrapped", -4),
    "the wrapped key gone": _cut("wrapped", 0),
    "the key's id renamed": lambda row: CredentialSecret.objects.update(key_id="other"),
    "said to be from before there were data keys": lambda row: CredentialSecret.objects.update(scheme=""),
    "an address added": _set(origins=[HERE, THERE]),
    "another address": _set(origins=[THERE]),
    "no address": _set(origins=[]),
    "another kind": _set(kind="bearer"),
    "the class that the web process opens": _set(kind="webhook"),
    "the row of another credential": _with_the_ciphertext_of_another,
    "the key of another credential": _with_the_key_of_another,
    "another version": _with_the_earlier_version_put_forward,
}


class TestOpening:
    def test_gives_the_value(self, sealed: Credential) -> None:
        assert service.open_values(sealed)["password"].reveal() == PASSWORD

    @pytest.mark.parametrize("name", MUTATIONS)
    def test_is_refused_with(self, name: str, sealed: Credential) -> None:
        MUTATIONS[name](sealed)

        with pytest.raises(ConfigError) as refused:
            service.open_values(sealed)
        assert PASSWORD not in str(refused.value)

    def test_is_refused_in_another_environment(self, sealed: Credential, settings: Any) -> None:
        settings.HUB_ENVIRONMENT = "staging"

        with pytest.raises(ConfigError, match="another owner, address or environment"):
            service.open_values(sealed)

    def test_is_refused_to_who_moves_it_to_a_row_of_its_own(self, sealed: Credential) -> None:
        other = CredentialFactory(name="other", origins=[HERE], number=1)
        CredentialSecret.objects.filter(credential=sealed).update(credential=other)

        with pytest.raises(ConfigError):
            service.open_values(other)


class TestAProcessThatOnlySeals:
    @pytest.fixture
    def web(self, sealed: Credential, settings: Any) -> Credential:
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_PRIVATE, settings.HUB_SEAL_KEYS = [PUBLIC], [], []
        settings.HUB_INBOUND_KEYS = ["inbound:" + "11" * 32]
        return sealed

    def test_can_set_values_and_not_read_them(self, web: Credential, settings: Any) -> None:
        service.set_values(credential=web, values={"password": "from the web"}, by=None)

        with pytest.raises(ConfigError, match=r"cannot be opened here. .*may seal and not open. Workers open secrets"):
            service.open_values(web)
        settings.HUB_SEAL_PRIVATE = [PRIVATE]
        assert service.open_values(web)["password"].reveal() == "from the web"

    def test_can_stage_and_put_to_use(self, web: Credential, settings: Any) -> None:
        service.stage(credential=web, values={"password": "next"}, by=None)
        service.activate(credential=web, by=None, reason="because")

        settings.HUB_SEAL_PRIVATE = [PRIVATE]
        assert service.open_values(web)["password"].reveal() == "next"

    def test_must_be_given_every_value(self, web: Credential) -> None:
        with pytest.raises(
            ConfigError, match=r"can seal values and not read them, so every value .*: password is missing"
        ):
            service.set_values(credential=web, values={"token": "t"}, by=None)

    def test_says_that_it_may_not(self, web: Credential) -> None:
        assert not service.may_open(web.kind)
        assert not service.holds(web, {"password": PASSWORD})

    def test_still_opens_signing_secrets_of_webhooks(self, web: Credential) -> None:
        signing = CredentialFactory(name="hook", kind="webhook")
        service.set_values(credential=signing, values={"secret": "whsec"}, by=None)

        assert service.open_values(signing)["secret"].reveal() == "whsec"


class TestRowsFromBefore:
    @pytest.fixture
    def early(self, db: None, settings: Any) -> Credential:
        """As version 0.1.0 stored it."""
        settings.HUB_SEAL_KEYS = ["early:" + "07" * 32]
        row: Credential = CredentialFactory(name="early", origins=[HERE], number=3, fields=["password"])
        held = Local(settings.HUB_SEAL_KEYS, "HUB_SEAL_KEYS")
        bound_to = "\n".join(["hub-credential", str(row.pk), "3", settings.HUB_ENVIRONMENT, HERE])
        nonce = bytes(range(12))
        cipher = held._ciphers["early"]
        stored = nonce + cipher.encrypt(nonce, b'{"password": "from before"}', bound_to.encode())
        CredentialSecret.objects.create(credential=row, number=3, key_id="early", sealed=stored)
        return row

    def test_are_still_opened(self, early: Credential) -> None:
        assert service.open_values(early)["password"].reveal() == "from before"

    def test_are_still_bound_to_their_addresses(self, early: Credential) -> None:
        Credential.objects.filter(pk=early.pk).update(origins=[THERE])

        with pytest.raises(ConfigError):
            service.open_values(early)

    def test_get_the_next_number_when_they_are_replaced(self, early: Credential) -> None:
        service.set_values(credential=early, values={"password": "new"}, by=None)

        assert list(CredentialVersion.objects.values_list("number", "state")) == [(4, "active")]
