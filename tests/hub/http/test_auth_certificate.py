"""Client certificates: shown to a server that asks, from memory, and refused where they cannot be right."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hub.http import Bearer, ClientCertificate, HttpClient
from hub.http.auth import certificate as module
from hub.sdk import ConfigError, HubError, Secret
from tests.hub.http.certificates import certificate
from tests.hub.http.wires import Script, Wire, always, serving

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


@dataclass
class Made:
    """A certificate that a test's own authority made, its key, and the authority."""

    chain: str
    key: Any
    authority: Path

    def private(self, passphrase: str = "") -> Secret:
        lock = (
            serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
        )
        return Secret(self.key.private_bytes(PEM, PKCS8, lock).decode())


@pytest.fixture(params=["ec", "rsa"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """A client's certificate behind one in between."""
    root, middle = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    client: Any = (
        ec.generate_private_key(ec.SECP256R1()) if request.param == "ec" else rsa.generate_private_key(65537, 2048)
    )
    authority = signed("root", root, "root", root, is_ca=True)
    between = signed("middle", middle, "root", root, is_ca=True)
    leaf = signed("the hub", client, "middle", middle, is_ca=False)
    (tmp_path / "authority.pem").write_bytes(authority)
    return Made((leaf + between).decode(), client, tmp_path / "authority.pem")


def signed(name: str, key: Any, by: str, by_key: Any, *, is_ca: bool) -> bytes:
    today = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(by))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    return builder.sign(by_key, hashes.SHA256()).public_bytes(PEM)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def asking(folder: Path, made: Made) -> tuple[ssl.SSLContext, Path]:
    """A server that lets in only who shows a certificate of this authority; and the file that vouches for it."""
    context, vouching = certificate(folder, "127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(made.authority)
    return context, vouching


def whoever() -> Script:
    """A script that answers with the name on the certificate it was shown."""

    def script(wire: Wire) -> None:
        while wire.read():
            shown: Any = wire.sock.getpeercert()  # type: ignore[attr-defined]
            wire.answer(shown["subject"][0][0][1].encode())

    return script


@pytest.mark.parametrize("passphrase", ["", "a word"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_is_shown_by_both_carriers_alone_or_beside_a_token(
    tmp_path: Path, made: Made, method: str, passphrase: str
) -> None:
    context, vouching = asking(tmp_path, made)
    word = Secret(passphrase) if passphrase else None
    shown = ClientCertificate(made.chain, made.private(passphrase), word)

    with serving(whoever(), context) as server:
        for auth in (None, Bearer(Secret("t"))):
            client = HttpClient(
                base_url=server.url, origins=[server.url], verify=str(vouching), certificate=shown, auth=auth, timeout=5
            )
            assert client.call(method, "/").text == "the hub"
            assert client.call(method, "/").text == "the hub"
            client.close()

    assert server.connections == 2
    assert [b"authorization: bearer t" in asked.lower() for asked in server.asked] == [False, False, True, True]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_shows_none_is_not_let_in(tmp_path: Path, made: Made, method: str) -> None:
    context, vouching = asking(tmp_path, made)

    with serving(whoever(), context) as server:
        client = HttpClient(base_url=server.url, origins=[server.url], verify=str(vouching), timeout=5)
        with pytest.raises(HubError):
            client.call(method, "/")

    assert server.asked == []


def test_leaves_no_file(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("shared", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(module, "SHARED_MEMORY", tmp_path / "shared")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    seen: list[str] = []

    for is_memory in (True, False):
        if not is_memory:
            monkeypatch.delattr("os.memfd_create", raising=False)
        shown = ClientCertificate(made.chain, made.private())
        shown.context(("", ""), noting(seen))

    assert seen[0].startswith("/proc/self/fd/")
    assert seen[1].startswith(str(tmp_path / "shared"))
    assert list((tmp_path / "shared").iterdir()) == list((tmp_path / "temporary").iterdir()) == []


class Noting(ssl.SSLContext):
    """A context that notes where it was given a certificate from, and how private that is."""

    seen: list[str]

    def load_cert_chain(self, certfile: Any, *rest: Any, **named: Any) -> None:
        self.seen.append(certfile)
        if not certfile.startswith("/proc"):
            assert Path(certfile).stat().st_mode & 0o777 == 0o600
        super().load_cert_chain(certfile, *rest, **named)


def noting(seen: list[str]) -> Any:
    def make(*_: str) -> ssl.SSLContext:
        context = Noting(ssl.PROTOCOL_TLS_CLIENT)
        context.seen = seen
        return context

    return make


class TestOneThatCannotBeRight:
    def test_for_its_key_is_another_ones(self, made: Made) -> None:
        other = Made("", ec.generate_private_key(ec.SECP256R1()), made.authority)

        with pytest.raises(ConfigError, match="belong together"):
            ClientCertificate(made.chain, other.private())

    @pytest.mark.parametrize(
        ("locked", "given", "sign"),
        [("word", "", "give its passphrase"), ("word", "other", "the right one"), ("", "word", "not encrypted")],
    )
    def test_for_its_passphrase(self, made: Made, locked: str, given: str, sign: str) -> None:
        with pytest.raises(ConfigError, match=sign) as caught:
            ClientCertificate(made.chain, made.private(locked), Secret(given) if given else None)

        assert "word" not in str(caught.value)

    @pytest.mark.parametrize("chain", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
    def test_for_it_is_no_certificate(self, made: Made, chain: str) -> None:
        with pytest.raises(ConfigError, match="PEM"):
            ClientCertificate(chain, made.private())

    def test_for_it_is_no_key(self, made: Made) -> None:
        with pytest.raises(ConfigError, match="PEM"):
            ClientCertificate(made.chain, Secret("nonsense"))

    def test_for_nothing_is_encrypted(self, made: Made) -> None:
        shown = ClientCertificate(made.chain, made.private())

        with serving(always()) as server, pytest.raises(ConfigError, match="https only"):
            HttpClient(base_url=server.url, origins=[server.url], certificate=shown)


def test_hides_its_key(made: Made) -> None:
    shown = ClientCertificate(made.chain, made.private("a word"), Secret("a word"))

    assert {"a word"} < set(shown.hidden())
    assert "PRIVATE" not in repr(shown)
