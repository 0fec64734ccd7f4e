"""Signatures of webhooks: computed over the bytes as they came, compared in constant time.

Sources: standardwebhooks.com (specification 1.0), docs.stripe.com/webhooks/signature, shopify.dev/docs/apps/build/
webhooks/subscribe/https, docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

ALGORITHMS = ("sha256", "sha512", "sha384", "sha1")
ENCODINGS = ("hex", "base64")
KEYS = ("text", "base64", "hex")
PART = re.compile(r"\{(id|timestamp|body)\}")
STRIPE_PAIR = re.compile(r"\s*(t|v1)=([^,\s]+)")


class SignatureError(ValueError):
    """A way of signing is described wrongly; the text says what and how to put it right."""


class Style(StrEnum):
    """The ways of signing that are known by name, one that is described, and a bare shared token."""

    STANDARD = "standard"
    STRIPE = "stripe"
    SHOPIFY = "shopify"
    GITHUB = "github"
    GENERIC = "generic"
    TOKEN = "token"  # noqa: S105  the name of a style


class Verdict(StrEnum):
    """What became of the check. Everything but VALID is a refusal."""

    VALID = "valid"
    UNSIGNED = "the signature header is missing"
    UNTIMED = "the time of the signature is missing or no number"
    EARLY = "the signature's time lies in the future"
    LATE = "the signature is older than the tolerance"
    WRONG = "the signature does not match"
    KEYLESS = "the webhook has no signing secret"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one webhook is signed. `template` is what is signed: {id}, {timestamp} and {body} stand for themselves."""

    style: Style
    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    template: str = "{body}"
    id_header: str = ""
    timestamp_header: str = ""
    key: str = "text"

    @property
    def is_timed(self) -> bool:
        """Whether a time is signed, so that an old message cannot be sent again later."""
        return "{timestamp}" in self.template


NAMED: Mapping[Style, Scheme] = {
    Style.STANDARD: Scheme(
        Style.STANDARD,
        header="webhook-signature",
        encoding="base64",
        prefix="v1,",
        template="{id}.{timestamp}.{body}",
        id_header="webhook-id",
        timestamp_header="webhook-timestamp",
        key="base64",
    ),
    Style.STRIPE: Scheme(Style.STRIPE, header="stripe-signature", template="{timestamp}.{body}"),
    Style.SHOPIFY: Scheme(Style.SHOPIFY, header="x-shopify-hmac-sha256", encoding="base64"),
    Style.GITHUB: Scheme(Style.GITHUB, header="x-hub-signature-256", prefix="sha256="),
    Style.GENERIC: Scheme(Style.GENERIC, header="x-signature"),
    Style.TOKEN: Scheme(Style.TOKEN, header="x-webhook-token"),
}
DESCRIBED = ("header", "algorithm", "encoding", "prefix", "template", "id_header", "timestamp_header", "key")
CHOICES = {"algorithm": ALGORITHMS, "encoding": ENCODINGS, "key": KEYS}


def scheme(style: str, described: Mapping[str, Any]) -> Scheme:
    """The scheme of a style; only the generic style and the token take settings. Raises SignatureError."""
    named = NAMED[Style(style)]
    allowed = {Style.GENERIC: DESCRIBED, Style.TOKEN: ("header",)}.get(named.style, ())
    for name, value in described.items():
        if name not in allowed:
            raise SignatureError(f"{name} is no setting of this style. Known: {', '.join(allowed) or 'none'}.")
        if not isinstance(value, str) or (name in CHOICES and value not in CHOICES[name]):
            raise SignatureError(f"{name} must be {' or '.join(CHOICES.get(name, ('text',)))}.")
    found = replace(named, **{**described, **_lower(described)})
    if found.style is Style.GENERIC:
        _check_template(found)
    return found


def _lower(described: Mapping[str, Any]) -> dict[str, str]:
    return {name: described[name].lower() for name in ("header", "id_header", "timestamp_header") if name in described}


def _check_template(found: Scheme) -> None:
    if found.template.count("{body}") != 1 or "{" in PART.sub("", found.template):
        raise SignatureError("template must contain {body} once; besides it may use {timestamp} and {id}.")
    if found.is_timed and not found.timestamp_header:
        raise SignatureError("template uses {timestamp}, so timestamp_header must say where it stands.")
    if "{id}" in found.template and not found.id_header:
        raise SignatureError("template uses {id}, so id_header must say where it stands.")
    if not found.header:
        raise SignatureError("header must name the header that holds the signature.")


def key_of(how: Scheme, secret: str) -> bytes:
    """The key of a secret as the sender shows it. Raises SignatureError when it is not written as the style wants."""
    if how.key == "text":
        return secret.encode()
    try:
        if how.key == "hex":
            return bytes.fromhex(secret)
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        raise SignatureError(f"The signing secret must be {how.key}, as the sender shows it.") from None


def verify(
    how: Scheme, keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now: float, tolerance: float
) -> Verdict:
    """Whether one of `keys` signed this body. Header names are in lower case; `now` and `tolerance` in seconds."""
    if not keys:
        return Verdict.KEYLESS
    given = headers.get(how.header, "")
    if not given:
        return Verdict.UNSIGNED
    timestamp = _timestamp(how, headers)
    if how.is_timed and (late := _untimely(timestamp, now, tolerance)):
        return late
    if how.style is Style.TOKEN:
        return _verdict(_equal_any([given.encode()], keys))
    told = _signatures(how, given)
    signed = _signed(how, headers.get(how.id_header, ""), timestamp, body)
    wanted = [hmac.digest(key, signed, how.algorithm) for key in keys]
    return _verdict(_equal_any(told, wanted))


def sign(how: Scheme, key: bytes, body: bytes, *, id_: str, timestamp: int) -> dict[str, str]:
    """The headers with which a sender of this style would send the body."""
    if how.style is Style.TOKEN:
        return {how.header: key.decode()}
    raw = hmac.digest(key, _signed(how, id_, str(timestamp), body), how.algorithm)
    text = how.prefix + (raw.hex() if how.encoding == "hex" else base64.b64encode(raw).decode())
    if how.style is Style.STRIPE:
        return {how.header: f"t={timestamp},v1={text}"}
    found = {how.header: text}
    if how.id_header:
        found[how.id_header] = id_
    if how.timestamp_header:
        found[how.timestamp_header] = str(timestamp)
    return found


def content_digest(body: bytes) -> str:
    """Fingerprint of a body: equal bodies have equal ones. 32 hex digits."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _equal_any(told: Sequence[bytes], wanted: Sequence[bytes]) -> bool:
    """Whether any pair is equal. Every pair is compared, so that the time taken does not tell which nearly was."""
    return sum(hmac.compare_digest(one, other) for one in told for other in wanted) > 0


def _verdict(is_valid: bool) -> Verdict:  # noqa: FBT001  a private turn of phrase
    return Verdict.VALID if is_valid else Verdict.WRONG


def _timestamp(how: Scheme, headers: Mapping[str, str]) -> str:
    if how.style is Style.STRIPE:
        pairs = dict(STRIPE_PAIR.findall(headers.get(how.header, ""))[::-1])
        return str(pairs.get("t", ""))
    return headers.get(how.timestamp_header, "") if how.timestamp_header else ""


def _untimely(timestamp: str, now: float, tolerance: float) -> Verdict | None:
    """Why a signature's time is not acceptable. Milliseconds, as some senders give, are told by their size."""
    if not timestamp.isdecimal() or len(timestamp) > 15:
        return Verdict.UNTIMED
    at = int(timestamp) / (1000 if len(timestamp) >= 12 else 1)
    if at - now > tolerance:
        return Verdict.EARLY
    return Verdict.LATE if now - at > tolerance else None


def _signatures(how: Scheme, given: str) -> list[bytes]:
    """The signatures in a header: several during the sender's own rotation of secrets."""
    if how.style is Style.STRIPE:
        texts = [value for name, value in STRIPE_PAIR.findall(given) if name == "v1"]
    elif how.style is Style.STANDARD:
        texts = [part.removeprefix(how.prefix) for part in given.split() if part.startswith(how.prefix)]
    else:
        texts = [given.strip().removeprefix(how.prefix)]
    decode: Callable[[str], bytes] = bytes.fromhex if how.encoding == "hex" else _from_base64
    found = []
    for text in texts[:10]:
        try:
            found.append(decode(text))
        except ValueError:
            continue
    return found


def _from_base64(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _signed(how: Scheme, id_: str, timestamp: str, body: bytes) -> bytes:
    """The bytes that are signed."""
    if how.template == "{body}":
        return body
    texts, names = _parts(how.template)
    known = {"id": id_.encode(), "timestamp": timestamp.encode(), "body": body}
    found = [texts[0]]
    for name, text in zip(names, texts[1:], strict=True):
        found += (known[name], text)
    return b"".join(found)


@lru_cache(maxsize=100)
def _parts(template: str) -> tuple[list[bytes], list[str]]:
    """The texts of a template, and the names that stand between them."""
    parts = PART.split(template)
    return [text.encode() for text in parts[::2]], parts[1::2]
