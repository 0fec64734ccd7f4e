"""The key of a record from a file: one field's text, or a JSON list of several."""

import json
from collections.abc import Sequence


def key_of(parts: Sequence[str]) -> str:
    """The key made of these texts; the same texts give the same key and no others do."""
    if len(parts) == 1:
        return parts[0]
    return json.dumps(list(parts), ensure_ascii=False, separators=(",", ":"))
