"""Opens SSH connections: the classified address is dialled, the host key is the one that was pinned, and the time is
limited. An unknown host key is never accepted: the error shows it, and a person confirms it in the settings."""

import io
import logging
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko import AuthenticationException, BadAuthenticationType, PKey, SSHException, Transport

from hub.http.dial import dial
from hub.http.redact import Scrubber
from hub.http.transport import NotSentError
from hub.sdk import AuthError, ConfigError, Secret, TransientError

PORT = 22
# What goes wrong comes as an error; the library would also log it, with its traceback and what the server said.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class SshAccount:
    """Who logs in, and by what: a private key (any form that OpenSSH writes, or PEM), a password, or first one and
    then the other where the server wants both."""

    user: str
    password: Secret | None = None
    key: Secret | None = None
    passphrase: Secret | None = None
    scrub: Scrubber = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.user:
            raise ConfigError("user: is required. Name the account on the server.")
        if not (self.password or self.key):
            raise ConfigError("The credential has neither a password nor a private key; logging in needs one.")
        hidden = [secret.reveal() for secret in (self.password, self.key, self.passphrase) if secret]
        object.__setattr__(self, "scrub", Scrubber(hidden))

    def private(self) -> PKey | None:
        """The private key, ready for use. Raises ConfigError when it cannot be opened."""
        return _private(self.key, self.passphrase) if self.key else None


def connect(host: str, port: int, account: SshAccount, pinned: Collection[str], timeout: float) -> Transport:
    """A connection that is logged in, within `timeout` seconds.

    `pinned` are the fingerprints of the host keys that are known to be the server's. Raises ConfigError when it has
    another one (nothing of the account was shown), AuthError when it refuses the account, TransientError.
    """
    until, key = time.monotonic() + timeout, account.private()
    try:
        plain = dial(host, port, until, "sftp")
    except NotSentError as error:
        kind = ConfigError if error.settled else TransientError
        raise kind(f"{host}:{port} was not reached: {error}.") from None
    # The library sets short timeouts of its own, which a socket with one deadline would take for the end.
    transport = Transport(socket.socket(fileno=plain.detach()))
    try:
        with _ended_at(transport, until), translated(f"{host}:{port}", account.scrub):
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout
            transport.start_client(timeout=_left(until))
            _check_host_key(transport.get_remote_server_key(), f"{host}:{port}", pinned)
            _log_in(transport, account, key)
    except BaseException:
        transport.close()
        raise
    return transport


@contextmanager
def translated(place: str, scrub: Scrubber) -> Iterator[None]:
    """What goes wrong on the line becomes the hub's own errors; what the server says of a file stays an OSError."""
    try:
        yield
    except BadAuthenticationType as error:
        wanted = ", ".join(error.allowed_types)
        raise AuthError(f"{place} does not take this kind of login. It takes: {wanted}.") from None
    except AuthenticationException:
        raise AuthError(
            f"{place} refused the login. Check the user, and that the server knows the key or password."
        ) from None
    except TimeoutError:
        raise TransientError(f"{place} did not answer in time.") from None
    except (SSHException, EOFError, ConnectionError) as error:
        said = scrub(str(error)) or "the connection ended"
        raise TransientError(f"{place} cannot be talked to: {said}.") from None


def fingerprint_of(key: PKey) -> str:
    """A public key as people compare it."""
    told: str = key.fingerprint
    return told


@contextmanager
def _ended_at(transport: Transport, until: float) -> Iterator[None]:
    """Close the connection when the time is up, whatever the library waits for; that wait then ends."""
    timer = Timer(_left(until), transport.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _check_host_key(key: PKey, place: str, pinned: Collection[str]) -> None:
    shown = fingerprint_of(key)
    if shown in pinned:
        return
    if not pinned:
        raise ConfigError(
            f"The host key of {place} is not known yet. It is {shown} ({key.get_name()}). "
            f"Ask whoever runs the server whether that is right, then enter it as the host key."
        )
    raise ConfigError(
        f"The host key of {place} is not the one in the settings: it is {shown} ({key.get_name()}). "
        f"Nothing was sent. Ask whoever runs the server: if the key was renewed, enter the new one."
    )


def _log_in(transport: Transport, account: SshAccount, key: PKey | None) -> None:
    if key is not None:
        left = transport.auth_publickey(account.user, key)
        if not left:
            return
        if account.password is None:
            raise AuthenticationException("the key was taken, and more is wanted")
    if account.password is not None:
        transport.auth_password(account.user, account.password.reveal())


def _private(key: Secret, passphrase: Secret | None) -> PKey:
    loaded = _loaded(key.reveal().strip().encode() + b"\n", passphrase.reveal().encode() if passphrase else None)
    form = serialization.PrivateFormat.OpenSSH
    plain = loaded.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    kind: type[paramiko.RSAKey | paramiko.Ed25519Key | paramiko.ECDSAKey] = paramiko.ECDSAKey
    if isinstance(loaded, rsa.RSAPrivateKey):
        kind = paramiko.RSAKey
    elif isinstance(loaded, ed25519.Ed25519PrivateKey):
        kind = paramiko.Ed25519Key
    return kind.from_private_key(io.StringIO(plain))


def _loaded(text: bytes, word: bytes | None) -> Private:
    """The private key. Raises ConfigError."""
    load = serialization.load_ssh_private_key if b"OPENSSH" in text else serialization.load_pem_private_key
    try:
        found = load(text, word)
    except TypeError:
        cure = "It is not encrypted: give no passphrase." if word else "It is encrypted: give its passphrase."
        raise ConfigError(f"The private key cannot be opened. {cure}") from None
    except (ValueError, UnsupportedAlgorithm):
        if word is None and b"ENCRYPTED" in text:
            raise ConfigError("The private key cannot be opened. It is encrypted: give its passphrase.") from None
        raise ConfigError(
            "The private key cannot be opened. It must be a whole private key as ssh-keygen writes it, "
            "and its passphrase the right one."
        ) from None
    if isinstance(found, Private):
        return found
    raise ConfigError("The private key is of a kind that is not used any more. Make an Ed25519 or an RSA key.")


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())
