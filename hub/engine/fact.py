"""Natural keys of facts: what makes two facts the same one, whatever record they came with."""

import hashlib
from collections.abc import Sequence

from hub.sdk import Fields

LONGEST = 255
SEPARATOR = " / "


class KeyMissingError(Exception):
    """A fact lacks a part of its natural key; `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"“{field}” belongs to the natural key of this fact and is missing or empty.")
        self.field = field


def natural_key(image: Fields, names: Sequence[str]) -> str:
    """The values of these mapped fields as one text, the same for the same fact for ever.

    A separator within a value is doubled, so that no two facts share a key; a text too long to store ends in a digest
    of the whole. Raises KeyMissingError.
    """
    parts = []
    for name in names:
        value = image.get(name)
        if value is None or value == "":
            raise KeyMissingError(name)
        parts.append(str(value).replace("/", "//"))
    key = SEPARATOR.join(parts)
    if len(key) <= LONGEST:
        return key
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{key[: LONGEST - len(digest) - 1]}~{digest}"
