"""Secrets that are planted to be looked for, and every form in which one could lie about."""

import base64
import html
import json
import secrets
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LETTERS = string.ascii_letters + string.digits
LONG, SHORT = 18, 9
PIECE = 16
"""Of a key file so many signs of its body are looked for: line breaks may fall anywhere else."""


def word(length: int = LONG) -> str:
    """A password as people make them: no two are equal, and signs in it are written otherwise in other places."""
    middle = "".join(secrets.choice(LETTERS) for _ in range(length - 4))
    return f"{middle[:4]}+{middle[4:8]}/&{middle[8:]}=" if length > SHORT else f"{middle}/Q+z"


def key_file() -> str:
    """A private key as a file has it."""
    made = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.private_bytes(*form).decode()


def certificate(key: str) -> str:
    """A certificate of this key, signed by itself."""
    private = serialization.load_pem_private_key(key.encode(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())  # type: ignore[arg-type]
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .sign(private, hashes.SHA256())  # type: ignore[arg-type]
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def needle(value: str) -> str:
    """What is looked for of a value: of a key file a piece of its body that no other key has."""
    if "PRIVATE KEY" not in value:
        return value
    lines = [line for line in value.splitlines() if "KEY" not in line]
    return lines[1][:PIECE] if len(lines) > 1 else lines[0][-PIECE:]


def forms(value: str) -> dict[str, bytes]:
    """The forms of a secret, by name: as it is and re-encoded, wherever in a longer text it stands, and its halves."""
    plain = value.encode()
    made = {
        "plain": plain,
        "utf-16": value.encode("utf-16-le"),
        "address": quote(value, safe="").encode(),
        "json": json.dumps(value)[1:-1].replace("/", "\\/").encode(),
        "html": html.escape(value).encode(),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "reversed": plain[::-1],
        **{f"base64 at {at}": _inside(plain, at) for at in range(3)},
        "base64 for addresses": base64.urlsafe_b64encode(plain).rstrip(b"=")[:-1],
    }
    if len(value) >= 16:
        made |= {"first half": plain[:8], "second half": plain[-9:-1]}
    return made


def _inside(plain: bytes, at: int) -> bytes:
    """The signs of base64 that stand for these bytes alone when `at` others come before them."""
    made = base64.b64encode(bytes(at) + plain)
    return made[(0, 2, 3)[at] : -4]


def found_in(blob: bytes, planted: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(secret, form) of everything that lies in `blob`."""
    for name, value in planted.items():
        for form, bytes_ in forms(needle(value)).items():
            if bytes_ in blob:
                yield name, form
