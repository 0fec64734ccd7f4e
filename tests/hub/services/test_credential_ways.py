"""Kinds of credentials that are more than one text: what they must hold, and what is refused before it is sealed."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hub.clock import now
from hub.models import Credential
from hub.sdk import ConfigError
from hub.services import credential as credentials
from tests.factories import CredentialFactory

pytestmark = pytest.mark.django_db
PLACE = "https://login.example:443"
DETAILS = {"client_id": "hub", "token_url": "https://login.example/token"}


def set_to(kind: str, values: dict[str, str], details: dict[str, Any] | None = None) -> Credential:
    made: Credential = CredentialFactory(origins=[])
    credentials.set_values(credential=made, values=values, by=None, origins=[PLACE], kind=kind, details=details or {})
    return made


def ssh_key(passphrase: str = "") -> str:
    lock: Any = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock).decode()


def test_an_ssh_key_is_tried_with_its_passphrase_before_it_is_sealed() -> None:
    assert set_to("ssh_key", {"private_key": ssh_key()}).fields == ["private_key"]
    assert set_to("ssh_key", {"private_key": ssh_key("word"), "passphrase": "word"}).number == 1
    for values in ({"private_key": "nonsense"}, {"private_key": ssh_key("word")}):
        with pytest.raises(ConfigError, match="cannot be opened"):
            set_to("ssh_key", values)


def test_a_certificate_must_belong_to_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ConfigError, match="PEM"):
        set_to("certificate", {"certificate": "nonsense", "private_key": key.decode()})


@pytest.mark.parametrize(("days", "sign"), [(30, ""), (-1, "ended on")])
def test_a_certificate_must_not_have_ended(days: int, sign: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the hub")])
    end = now() + timedelta(days=days)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(days=60))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    values = {
        "certificate": made.public_bytes(serialization.Encoding.PEM).decode(), "private_key": private.decode(),
    }  # fmt: skip
    if sign:
        with pytest.raises(ConfigError, match=sign):
            set_to("certificate", values)
    else:
        assert set_to("certificate", values).number == 1


@pytest.mark.parametrize(
    ("details", "sign"),
    [
        ({}, "Client id.*Address for tokens"),
        ({**DETAILS, "token_url": "login.example/token"}, "must look like https://"),
        ({**DETAILS, "token_url": "https://hub:geheim@login.example/token"}, "use a credential"),
        ({**DETAILS, "client_authentication": "jwt"}, "basic or post"),
        ({**DETAILS, "colour": "red"}, "colour"),
    ],
)
def test_a_client_must_be_whole(details: dict[str, str], sign: str) -> None:
    with pytest.raises(ConfigError, match=sign) as caught:
        set_to("oauth_client", {"client_secret": "s"}, details)

    assert "geheim" not in str(caught.value)


def test_a_client_says_how_it_authenticates_only_if_it_likes() -> None:
    assert set_to("oauth_client", {"client_secret": "s"}, DETAILS).details == DETAILS
    assert set_to("oauth_client", {"client_secret": "s"}, {**DETAILS, "client_authentication": "post"}).number == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sftp://files.example", "sftp://files.example:22"),
        ("sftp://files.example:2222", "sftp://files.example:2222"),
        ("sftp://[2001:db8::1]", "sftp://[2001:db8::1]:22"),
        ("sftp://Files.Example", "sftp://files.example:22"),
        ("sftp://Files.Example:22", "sftp://files.example:22"),
    ],
)
def test_the_address_of_an_sftp_server_has_one_spelling(given: str, kept: str) -> None:
    assert credentials.normal_origin(given) == kept
