"""Notices that the database is an older one than the hub has worked with, and then begins recovery mode (I22, R-09).

The scheduler counts up a number in the database and, after the commit, in Redis and in the state folder. A number
outside that is greater than the one inside means: the database was restored. Where nothing is known outside, a
database that lives in another body than it says (another server, or tables made anew by a dump) means the same.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from redis.exceptions import RedisError

from hub import clock, queue
from hub.models import Incarnation, Recovery, SyncRun, User
from hub.services import audit

KEY = "hub:incarnation"
# Only ever upwards, also when two schedulers write at once.
RAISE = """
local known = tonumber(redis.call('get', KEYS[1]) or '0')
if tonumber(ARGV[1]) > known then redis.call('set', KEYS[1], ARGV[1]) end
"""
LOOK_SECONDS = 1.0
_looked = {"at": float("-inf")}


def watch(*, at_once: bool = False) -> None:
    """Begin recovery mode if the database was restored. Looks once a second at most, unless `at_once`."""
    if not at_once and time.monotonic() < _looked["at"] + LOOK_SECONDS:
        return
    _looked["at"] = time.monotonic()
    why = _suspicion()
    if why and not Recovery.objects.filter(is_open=True).exists():
        begin(by=None, why=why)


def advance() -> None:
    """Count up, in the database first and then outside; not while in recovery mode, nor before it was looked for."""
    watch(at_once=True)
    if Recovery.objects.filter(is_open=True).exists():
        return
    Incarnation.objects.get_or_create(pk=1)
    Incarnation.objects.filter(pk=1).update(number=F("number") + 1, body=_body())
    _write_outside(Incarnation.objects.get(pk=1).number)


def begin(*, by: User | None, why: str) -> Recovery:
    """Send nothing any more until a person leaves recovery mode; the one that is open if there is one already."""
    try:
        with transaction.atomic():
            recovery = Recovery.objects.create(started_at=clock.now(), started_by=by, why=why[:500])
            audit.record(actor=by, action="recovery.start", subject=recovery, reason=why)
    except IntegrityError:
        return Recovery.objects.get(is_open=True)
    return recovery


def adopt() -> None:
    """Take this database for the right one: its number passes whatever is known outside."""
    Incarnation.objects.get_or_create(pk=1)
    number = max(Incarnation.objects.get(pk=1).number, outside() or 0) + 1
    Incarnation.objects.filter(pk=1).update(number=number, body=_body())
    transaction.on_commit(lambda: _write_outside(number))


def outside() -> int | None:
    """The greatest number known outside the database; None when nothing is."""
    known = []
    with suppress(RedisError, ValueError, TypeError):
        known.append(int(queue.connection().get(KEY)))  # type: ignore[arg-type]  # None is a TypeError
    with suppress(OSError, ValueError):
        known.append(int(_file().read_text()))
    return max(known, default=None)


def _suspicion() -> str:
    """Why this database cannot be the one last worked with, or an empty text."""
    known = outside()  # first: the number inside, read later, can only be greater, also while a scheduler counts up
    inside = Incarnation.objects.filter(pk=1).first()
    if inside is None and not SyncRun.objects.exists():
        return ""  # a new database has nothing that it could send again
    number = inside.number if inside else 0
    if known is not None:
        behind = known - number
        return (
            f"The database is older than what the hub has done since: {behind:,} counts behind." if behind > 0 else ""
        )
    if inside and inside.body and inside.body != _body():
        return "The database stands elsewhere or was made anew from a dump, and nothing outside says how far it was."
    return ""


def _write_outside(number: int) -> None:
    with suppress(RedisError):
        queue.connection().eval(RAISE, 1, KEY, str(number))
    with suppress(OSError):
        path = _file()
        if not path.exists() or int(path.read_text() or 0) < number:
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_text(str(number))
            fresh.replace(path)


def _file() -> Path:
    return Path(settings.HUB_STATE) / "incarnation"


def _body() -> str:
    """Server, database and table as PostgreSQL numbers them; empty where there is nothing of the kind."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "select oid || '/' || 'hub_incarnation'::regclass::oid from pg_database where datname = current_database()"
        )
        place: str = cursor.fetchone()[0]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select system_identifier from pg_control_system()")
            return f"{cursor.fetchone()[0]}/{place}"
    except DatabaseError:  # not everybody may ask for it
        return place
