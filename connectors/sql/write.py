"""A write on its way to the database, and what several writes must have in common to go together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sql.trouble import Trouble
from hub.sdk import Change, Operation, Record


@dataclass(frozen=True, slots=True)
class Form:
    """What writes must have in common to travel in one statement: what is done, columns set, columns compared."""

    operation: Operation
    sets: tuple[str, ...]
    where: tuple[str, ...]
    returning: bool = False  # the database says which keys it wrote
    sure: bool = False  # the condition stands in the statement
    telling: bool = False  # the database gives the rows as they are then


@dataclass(slots=True)
class Write:
    """A change that is to be written: the values to set, and where. The rest is filled in on the way."""

    change: Change
    values: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None  # None: the database hands it out
    new_key: str | None = None  # what it handed out, where nothing else would tell
    sure: bool = False  # the condition stands in the statement: it is written or it is not
    form: Form | None = None
    trouble: Trouble | None = None
    missed: bool = False
    now: Record | None = None  # what the row says, where the statement itself told
