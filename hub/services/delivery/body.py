"""The body of a delivery as data."""

import json
from typing import Any
from urllib.parse import parse_qsl


class UnreadableError(ValueError):
    """A body is not what its content type says; the text says how."""


def document(content_type: str, body: bytes) -> Any:
    """The body as data: JSON, or a form (whose one field `payload` may hold JSON). Raises UnreadableError."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return _form(body)
    try:
        return json.loads(body)  # orjson makes doubles of large integers, and keys may be such
    except (ValueError, RecursionError):
        raise UnreadableError("The body is not JSON.") from None


def _form(body: bytes) -> Any:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        raise UnreadableError("The body is not a form.") from None
    if set(fields) == {"payload"}:
        return document("application/json", fields["payload"].encode())
    return fields
