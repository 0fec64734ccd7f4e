"""Seals evidence in batches: gives it positions without gaps, signs what it comes to, and tells the anchors.

Nothing waits for it: a chain that each event had to join would let one writer in at a time. Until the next seal only
the triggers protect what was written.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from hub import clock
from hub.evidence import NOTHING_BEFORE, leaf_hash, root_of, seal_hash, signed_text
from hub.models import Seal, SealedEntry, bulk, guard
from hub.services.audit import anchor, key
from hub.services.audit.content import KINDS, contents, moment, seal_line

BATCH = 2_000  # of each kind: SQLite is held for some 20 ms
MOST_SEALS = 25
SETTLED = timedelta(hours=2)
COLUMNS = {"seq": "bigint", "kind": "text", "entry_id": "bigint", "leaf": "text"}
Found = list[tuple[str, str, int, dict[str, Any]]]  # when, kind, id, content
logger = logging.getLogger(__name__)

# Numbers of transactions have 32 bits and go round. The oldest of the whole server (pg_snapshot_xmin) would let a long
# transaction in somebody else's database hold back ours.
SETTLED_POSTGRESQL = """ and ((e.xmin::text::bigint - coalesce(
    (select backend_xid::text::bigint from pg_stat_activity where datname = current_database()
        and pid <> pg_backend_pid() and backend_xid is not null order by age(backend_xid) desc limit 1),
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295)) & 4294967295) >= 2147483648"""


def seal(*, everything: bool = False) -> int:
    """Seal what is there, at most so much in one go, and tell the anchors; returns how many entries were sealed.

    `everything`: look also where all should be sealed for hours, should a transaction ever have run for so long.
    """
    sealed = 0
    beyond = dict.fromkeys(KINDS, 0) if everything else {kind: _settled(kind, clock.now()) for kind in KINDS}
    for _ in range(MOST_SEALS):
        count, is_complete = _seal_batch(beyond)
        sealed += count
        if is_complete:
            break
    head = Seal.objects.first()
    if head is not None and settings.HUB_AUDIT_ANCHORS:
        anchor.put(head_line(head))
    return sealed


def watch_guard() -> None:
    """Say loudly when the triggers are not as they should be."""
    lacking = guard.missing(connection)
    if lacking:
        logger.error("The database does not guard its evidence: %s is missing or altered.", guard.told(lacking))


def head_line(head: Seal) -> dict[str, Any]:
    """What an anchor is told of a seal."""
    digest = seal_hash(seal_line(head)).hex()
    return {"hub": head.hub, "seal": head.number, "last": head.last, "hash": digest, "at": moment(head.at)}


def _seal_batch(beyond: dict[str, int]) -> tuple[int, bool]:
    """Seal one batch of what is `beyond` these ids, and move them on; returns its size and whether nothing is left.

    It is read and hashed outside the transaction.
    """
    now = clock.now()
    head = Seal.objects.first()
    found, is_complete = _unsealed(beyond)
    if not found:
        return 0, True
    made = _made(head, found, now, is_complete=is_complete)
    first = made.first
    rows = [
        (seq, kind, id_, leaf_hash(seq, kind, content).hex())
        for seq, (_, kind, id_, content) in enumerate(found, start=first)
    ]
    made.root = root_of([bytes.fromhex(leaf) for *_, leaf in rows]).hex()
    made.signature = key.sign(signed_text(seal_hash(seal_line(made))))[1]
    try:
        with transaction.atomic():
            bulk.insert("hub_sealedentry", columns=COLUMNS, rows=rows)
            made.save(force_insert=True)
    except IntegrityError:
        logger.info("Another scheduler has sealed meanwhile.")
        return 0, True
    _tell_of_hands(found)
    return len(rows), is_complete


def _made(head: Seal | None, found: Found, now: datetime, *, is_complete: bool) -> Seal:
    """The seal to come, but for its root and signature."""
    first = head.last + 1 if head else 1
    return Seal(
        number=head.number + 1 if head else 1,
        first=first,
        last=first + len(found) - 1,
        previous=seal_hash(seal_line(head)).hex() if head else NOTHING_BEFORE,
        at=now,
        is_complete=is_complete,
        hub=settings.HUB_ENVIRONMENT,
        key_id=key.signer(),
    )


def _unsealed(beyond: dict[str, int]) -> tuple[Found, bool]:
    """What is in no seal yet, oldest first, and whether that is all of it."""
    found: Found = []
    is_complete = True
    for kind in KINDS:
        ids = unsealed_ids(kind, beyond[kind], BATCH)
        is_complete = is_complete and len(ids) < BATCH
        beyond[kind] = max(ids, default=beyond[kind])
        found += [(content["at"], kind, id_, content) for id_, content in contents(kind, ids).items()]
    return sorted(found, key=lambda entry: entry[:3]), is_complete


def unsealed_ids(kind: str, beyond: int, most: int) -> list[int]:
    """The ids above `beyond` that no seal holds, lowest first.

    Ids are not in the order of commits. On PostgreSQL only what is older than the oldest transaction that writes in
    this database counts, so that whatever committed earlier has the lower position; SQLite has one writer at a time.
    """
    table = KINDS[kind]._meta.db_table
    settled = SETTLED_POSTGRESQL if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select e.id from {table} e where e.id > %s and not exists "  # noqa: S608  a table of ours
            f"(select 1 from hub_sealedentry s where s.kind = %s and s.entry_id = e.id){settled} "
            "order by e.id limit %s",
            [beyond, kind, most],
        )
        return [row[0] for row in cursor.fetchall()]


def _settled(kind: str, now: datetime) -> int:
    """An id below which everything is sealed: no transaction runs for hours."""
    old = Seal.objects.filter(at__lt=now - SETTLED).first()
    if old is None:
        return 0
    entry = SealedEntry.objects.filter(seq__lte=old.last, kind=kind).order_by("-seq").first()
    return entry.entry_id if entry else 0


def _tell_of_hands(found: Found) -> None:
    hands = sum(content.get("actor_name") == "db-direct" for _, kind, _, content in found if kind == "row")
    if hands:
        logger.warning("%d governed rows were written past the hub (db-direct): see the captured rows.", hands)
