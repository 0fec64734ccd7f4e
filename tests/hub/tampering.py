"""What somebody may do to sealed evidence who has the database: each does it and tells the first bad position.

All start from positions 1 to 12 in three seals of four events.
"""

from collections.abc import Callable
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection

from hub.clock import now
from hub.evidence import leaf_hash, root_of, seal_hash, signed_text
from hub.models import AuditEvent, Seal, SealedEntry, guard
from hub.services.audit.content import contents, seal_line
from hub.services.audit.seal import seal
from tests.factories import AuditEventFactory

FORGER = Ed25519PrivateKey.generate()


def sql(statement: str, *values: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def unguarded(statement: str, *values: str | int) -> None:
    """What somebody does who can take the guard down, and puts it up again."""
    guard.remove(connection)
    sql(statement, *values)
    guard.install(connection)


def id_at(seq: int) -> int:
    return SealedEntry.objects.get(seq=seq).entry_id


def edit_a_field() -> int:
    unguarded("update hub_auditevent set reason = 'nothing' where id = %s", id_at(6))
    return 6


def delete_an_event() -> int:
    unguarded("delete from hub_auditevent where id = %s", id_at(7))
    return 7


def delete_an_event_and_its_position() -> int:
    unguarded("delete from hub_auditevent where id = %s", id_at(7))
    unguarded("delete from hub_sealedentry where seq = 7")
    return 7


def truncate_the_tail() -> int:
    guard.remove(connection)
    sql("delete from hub_auditevent where id >= %s", id_at(9))
    sql("delete from hub_sealedentry where seq >= 9")
    sql("delete from hub_seal where number = 3")
    guard.install(connection)
    return 9


def swap_two() -> int:
    one, other = id_at(3), id_at(10)
    guard.remove(connection)
    sql("update hub_sealedentry set entry_id = -1 where seq = 3")
    sql("update hub_sealedentry set entry_id = %s where seq = 10", one)
    sql("update hub_sealedentry set entry_id = %s where seq = 3", other)
    guard.install(connection)
    return 3


def back_date() -> int:
    guard.remove(connection)
    AuditEvent.objects.filter(pk=id_at(5)).update(at=now() - timedelta(days=30))
    guard.install(connection)
    return 5


def insert_into_the_past() -> int:
    AuditEventFactory(at=now() - timedelta(days=30), reason="I had approved that long ago")
    return 13


def insert_and_seal_into_the_past() -> int:
    insert_into_the_past()
    seal()
    return 13


def rechain(key: Ed25519PrivateKey | None) -> int:
    """Edit the first entry of the second batch and work everything out anew from there, as far as one can."""
    unguarded("update hub_auditevent set reason = 'nothing' where id = %s", id_at(5))
    guard.remove(connection)
    previous = seal_hash(seal_line(Seal.objects.get(number=1))).hex()
    for one in Seal.objects.filter(number__gt=1).order_by("number"):
        entries = list(SealedEntry.objects.filter(seq__gte=one.first, seq__lte=one.last))
        leaves = [leaf_hash(e.seq, e.kind, contents(e.kind, [e.entry_id])[e.entry_id]) for e in entries]
        for entry, leaf in zip(entries, leaves, strict=True):
            SealedEntry.objects.filter(seq=entry.seq).update(leaf=leaf.hex())
        one.root, one.previous = root_of(leaves).hex(), previous
        signed = signed_text(seal_hash(seal_line(one)))
        one.signature = key.sign(signed).hex() if key else one.signature
        one.save()
        previous = seal_hash(seal_line(one)).hex()
    guard.install(connection)
    return 5


def rechain_from_the_middle() -> int:
    return rechain(FORGER)


def rechain_with_the_stolen_key() -> int:
    stolen = settings.HUB_AUDIT_KEYS[0].partition(":")[2]
    return rechain(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stolen)))


def drop_a_seal() -> int:
    unguarded("delete from hub_seal where number = 2")
    return 5


def drop_the_last_seal() -> int:
    unguarded("delete from hub_seal where number = 3")
    return 9


def forge_a_seal() -> int:
    event = AuditEventFactory(reason="forged")
    head = Seal.objects.get(number=3)
    leaf = leaf_hash(13, "event", contents("event", [event.pk])[event.pk])
    SealedEntry.objects.create(seq=13, kind="event", entry_id=event.pk, leaf=leaf.hex())
    forged = Seal(
        number=4, first=13, last=13, root=root_of([leaf]).hex(), previous=seal_hash(seal_line(head)).hex(), at=now(),
        is_complete=True, hub=head.hub, key_id=head.key_id,
    )  # fmt: skip
    forged.signature = FORGER.sign(signed_text(seal_hash(seal_line(forged)))).hex()
    forged.save(force_insert=True)
    return 13


def relabel_the_actor() -> int:
    unguarded("update hub_auditevent set actor_name = 'somebody else' where id = %s", id_at(2))
    return 2


def disable_a_trigger_and_edit() -> int:
    if connection.vendor == "postgresql":
        sql("alter table hub_auditevent disable trigger hub_append_only")
    else:
        sql("drop trigger hub_append_only_update_hub_auditevent")
    sql("update hub_auditevent set reason = 'nothing' where id = %s", id_at(11))
    return 11


def restore_an_older_copy() -> int:
    guard.remove(connection)
    sql("delete from hub_seal where number >= 2")
    sql("delete from hub_sealedentry where seq >= 5")
    AuditEvent.objects.filter(pk__gt=id_at(4)).delete()
    guard.install(connection)
    return 5


def duplicate_an_event() -> int:
    copy = AuditEvent.objects.get(pk=id_at(12))
    copy.pk = None
    copy.save(force_insert=True)
    return 13


def duplicate_and_seal() -> int:
    duplicate_an_event()
    seal()
    return 13


TAMPERINGS: tuple[Callable[[], int], ...] = (
    edit_a_field, delete_an_event, delete_an_event_and_its_position, truncate_the_tail, swap_two, back_date,
    insert_into_the_past, insert_and_seal_into_the_past, rechain_from_the_middle, rechain_with_the_stolen_key,
    drop_a_seal, drop_the_last_seal, forge_a_seal, relabel_the_actor, disable_a_trigger_and_edit,
    restore_an_older_copy, duplicate_an_event, duplicate_and_seal,
)  # fmt: skip
UNSEALED = {insert_into_the_past, duplicate_an_event}  # a bundle holds what is sealed
