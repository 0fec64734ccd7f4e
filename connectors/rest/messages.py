"""Finds the sentence with which a system explains a refusal."""

from collections.abc import Mapping
from typing import Any

from connectors.rest.manifest import Manifest
from connectors.rest.template import dig
from hub.http import Response, decode

MOST = 500  # characters of a message that a person is shown


def message_of(manifest: Manifest, response: Response) -> str:
    """The system's own words about this answer, bounded and without secrets."""
    return response.scrub(words(manifest, body_of(response)) or response.text.strip())[:MOST]


def words(manifest: Manifest, body: Any) -> str:
    """The first explanation in a body, empty when there is none."""
    for path in manifest.messages:
        found = dig(body, path)
        if found:
            return _said(found)[:MOST]
    return ""


def body_of(response: Response) -> Any:
    """The body as JSON; None when it is something else, as error pages often are."""
    try:
        return decode(response.body)
    except ValueError:
        return None


def _said(value: Any) -> str:
    """A message, or several in whatever structure, as one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(_said(each) for each in value)
    return str(value)
