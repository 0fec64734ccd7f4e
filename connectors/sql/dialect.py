"""What this connector must know of a kind of database beyond what SQLAlchemy knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from connectors.sql.column import Column, Kind
from connectors.sql.trouble import Trouble
from hub.sdk import Settings


@dataclass(frozen=True, slots=True)
class Habits:
    """What a table does by itself. `adds`: it can be given rows that it takes only if they are new, and says which.

    `tells`: what a statement gives back of a row is its last word, as nothing of the database changes it afterwards.
    """

    adds: bool = False
    tells: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One kind of database.

    `origin` names the place a config points at. `engine` prepares connections without calling out.
    `types` gives the castable type names of a table's columns. `dump` turns a plain value into what the
    driver takes, raising UnfitError. `diagnose` says what an error means. `abort` ends whatever a
    connection is doing, from another thread; `ping` asks whether it still stands. `native` are the kinds
    whose values the driver gives as they should be, `as_text` those that are read as text. `pads` says
    that char(n) comes with blanks. `landing` says how many seconds a write may still take effect after
    the hub gave up, given the deadline. `given` makes a table of lists of texts, one for each column, to
    look for or write many rows by one statement; without it, or for other kinds than `given_kinds`, rows
    are sent one after the other. `insert` makes an insert that can leave out what is there already, and `habits` says
    where it may be used; one statement takes `most_parameters`. `horizon` is the beginning of the oldest transaction
    that may still commit rows, in UTC and as the server's local time: whatever has an earlier time is there to be read.
    `stale` says whether a kept line was dialled by egress rules that hold no more; without it there are none.
    """

    origin: Callable[[Mapping[str, Any]], str]
    engine: Callable[[Settings], sa.Engine]
    types: Callable[[sa.Connection, str, str | None], Mapping[str, str]]
    dump: Callable[[Column, Any], Any]
    diagnose: Callable[[BaseException], Trouble]
    abort: Callable[[Any], None]
    ping: Callable[[Any], object]
    landing: Callable[[float], int]
    native: frozenset[Kind] = frozenset()
    as_text: frozenset[Kind] = frozenset()
    pads: bool = False
    given: Callable[[Mapping[str, Column], Mapping[str, Sequence[str | None]]], sa.FromClause] | None = None
    given_kinds: frozenset[Kind] = frozenset()
    insert: Callable[[sa.Table], Any] | None = None
    habits: Callable[[sa.Connection, str, str | None], Habits] = lambda *_: Habits()
    most_parameters: int = 30_000
    horizon: Callable[[sa.Connection], tuple[datetime, datetime]] | None = None
    stale: Callable[[ConnectionPoolEntry], bool] = lambda _: False
