"""What this API means by its answers and headers where that is not what they mean everywhere."""

import time
from collections.abc import Mapping
from typing import Any

from connectors.rest.manifest import Manifest, Override, Quota
from connectors.rest.template import dig
from hub.http import WireAnswer, decode
from hub.sdk import SignalClass

ABSOLUTE = 1_000_000_000  # a larger number of seconds is a Unix time


def override_of(manifest: Manifest, status: int, body: Any) -> Override | None:
    """The first override that fits this answer."""
    return next((each for each in manifest.classes if _fits(each, status, body)), None)


def overriding(manifest: Manifest, answer: WireAnswer) -> SignalClass | None:
    """The class of an answer when the manifest has its own opinion of it. The body is read only if it must be."""
    if not any(answer.status in each.statuses for each in manifest.classes):
        return None
    try:
        body = decode(answer.body) if answer.body else None
    except ValueError:
        body = None
    found = override_of(manifest, answer.status, body)
    return found.means if found else None


def left_of(quota: Quota, headers: Mapping[str, str]) -> tuple[int | None, float | None]:
    """(requests left, seconds until the quota is whole again), each None when the answer does not say."""
    remaining, reset = _number(headers.get(quota.remaining.lower())), _number(headers.get(quota.reset.lower()))
    if reset is not None and reset > ABSOLUTE:
        reset = max(0.0, reset - time.time())
    return None if remaining is None else int(remaining), reset


def _fits(override: Override, status: int, body: Any) -> bool:
    if status not in override.statuses:
        return False
    if not override.at:
        return True
    found = dig(body, override.at)
    return str(found) in override.equals if override.equals else bool(found)


def _number(text: str | None) -> float | None:
    """A number that is not negative; of several, as in “100, 99;w=60”, the first."""
    first = (text or "").split(",")[0].split(";")[0].strip()
    try:
        return max(0.0, float(first)) if first else None
    except ValueError:
        return None
