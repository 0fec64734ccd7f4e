"""A client certificate, from memory: its private key never lies in a file that anybody else could open."""

import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from hub.sdk import ConfigError, Secret

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a file there is private by its mode and gone at once
_SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class ClientCertificate:
    """A certificate with its chain and its private key, in PEM. Raises ConfigError when they do not belong together.

    Python takes them from files only. On Linux that is memory without a name in any folder (memfd); elsewhere a
    file that only this user may read, in shared memory where there is some, removed before the first connection.
    """

    def __init__(self, chain: str, key: Secret, passphrase: Secret | None = None) -> None:
        self._chain, self._key, self._passphrase = chain, key, passphrase
        self._contexts: dict[tuple[str, str], ssl.SSLContext] = {}
        certificate = _certificate(chain)
        self._plain = Secret(_matching(certificate, _private(key, passphrase)))
        self.expires_at = certificate.not_valid_after_utc

    def hidden(self) -> tuple[str, ...]:
        """The key as it was given and as it is used, and its passphrase."""
        said = (self._key, self._plain, self._passphrase)
        return tuple(secret.reveal() for secret in said if secret)

    def context(self, believed: tuple[str, str], make: Callable[[str, str], ssl.SSLContext]) -> ssl.SSLContext:
        """The TLS context that `make` makes for these authorities (file, bundle), with this certificate to show."""
        found = self._contexts.get(believed)
        if found is None:
            found = make(*believed)
            with _as_file(f"{self._chain.strip()}\n{self._plain.reveal()}".encode()) as path:
                found.load_cert_chain(path)
            self._contexts[believed] = found
        return found


def _certificate(chain: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError:
        raise ConfigError(
            "The client certificate cannot be read. It must be PEM: the certificate first, then those that lead to "
            "the authority."
        ) from None


def _private(key: Secret, passphrase: Secret | None) -> PrivateKeyTypes:
    word = passphrase.reveal().encode() if passphrase else None
    try:
        return serialization.load_pem_private_key(key.reveal().encode(), word)
    except TypeError:  # it is encrypted and has no passphrase, or the other way round
        cure = (
            "Leave its passphrase empty: the key is not encrypted." if word else "It is encrypted: give its passphrase."
        )
        raise ConfigError(f"The private key of the client certificate cannot be opened. {cure}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            "The private key of the client certificate cannot be opened. "
            "It must be PEM, and its passphrase the right one."
        ) from None


def _matching(certificate: x509.Certificate, private: PrivateKeyTypes) -> str:
    """The key as the TLS library takes it, once it is known to be that of the certificate."""
    if certificate.public_key().public_bytes(*_SPKI) != private.public_key().public_bytes(*_SPKI):
        raise ConfigError("The private key is not that of the client certificate. Give the two that belong together.")
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path at which these bytes can be read until the end of the block, by this process only."""
    make = getattr(os, "memfd_create", None)
    if make is None or not Path("/proc/self/fd").exists():
        with _in_a_folder(content) as path:
            yield path
        return
    descriptor = make("certificate")
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextmanager
def _in_a_folder(content: bytes) -> Iterator[str]:
    """The same where there is no memory with a path: a file of mode 0600, removed at once."""
    descriptor, path = tempfile.mkstemp(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield path
    finally:
        Path(path).unlink()
