"""Who sees what records hold, of which mapping; and that somebody saw it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Model, Q

from hub import clock
from hub.engine.mapping import NOBODYS, Personal, drafted_fields, personal_fields
from hub.models import AuditEvent, Connection, Mapping, MappingVersion, ReconciliationException, User, VersionState
from hub.services import access, audit
from hub.services.access import Person
from hub.services.story.lens import CLEAR, Lens

SEEN = "payload.view"
SEEN_AGAIN = timedelta(hours=1)


def lens_for(user: Person, mapping: Mapping) -> Lens:
    """How this person sees the records of a mapping."""
    return _lens(user, mapping, mapping.pk)


def lens_on(user: Person, row: ReconciliationException) -> Lens:
    """How this person sees the record of one exception: their right may be limited to a part of the data."""
    return _lens(user, row, row.mapping_id)


def lenses_on(user: Person, rows: Sequence[ReconciliationException]) -> dict[int, Lens]:
    """The same for a page of a list, by the id of the exception."""
    whole = lenses(user, (row.mapping_id for row in rows))
    found = {row.pk: whole[row.mapping_id] for row in rows}
    if not access.standing(user).limited:
        return found
    pks = [row.pk for row in rows]
    payload, personal = (
        set(access.visible(user, action, ReconciliationException).filter(pk__in=pks).values_list("pk", flat=True))
        for action in ("view_payload", "view_personal")
    )
    bodies = _bodies({row.mapping_id for row in rows})
    fields = {pk: personal_fields(bodies.get(pk, ())) for pk in whole}
    return {
        row.pk: Lens(payload=row.pk in payload, personal=row.pk in personal, fields=fields[row.mapping_id])
        for row in rows
    }


def _lens(user: Person, subject: Mapping | ReconciliationException, mapping_id: int) -> Lens:
    if not access.can(user, "view_payload", subject):
        return Lens()
    fields = personal_fields(_bodies([mapping_id]).get(mapping_id, ()))
    return Lens(payload=True, personal=_may_see_personal(user, subject, fields), fields=fields)


def lens_on_draft(user: Person, version: MappingVersion) -> Lens:
    """How this person sees a trial of a version; a draft takes no mark away that its mapping has."""
    mapping = version.mapping
    if not access.can(user, "view_payload", version):
        return Lens()
    fields = drafted_fields(version.body, _bodies([mapping.pk]).get(mapping.pk, ()))
    return Lens(payload=True, personal=_may_see_personal(user, mapping, fields), fields=fields)


def lenses(user: Person, mappings: Iterable[int]) -> dict[int, Lens]:
    """The same for the mappings of a list, by id: at most four statements for all of them."""
    wanted = set(mappings)
    payload = _within(user, "view_payload", wanted)
    personal = _within(user, "view_personal", payload)
    # Whose eyes are clear needs not know what is personal.
    bodies = _bodies(payload - personal)
    found = {pk: personal_fields(bodies.get(pk, ())) for pk in payload - personal}
    return {pk: Lens(payload=pk in payload, personal=pk in personal, fields=found.get(pk, NOBODYS)) for pk in wanted}


def lens_of_host() -> Lens:
    """For who works at the host itself and names nobody: the whole database is theirs."""
    return CLEAR


def may_read_whole(user: Person, connection: Connection) -> bool:
    """Whether what a connection sends may be read as it is: no record in it is personal, or the person may see that."""
    is_used = Q(source=connection) | Q(destination=connection)
    using = set(Mapping.objects.filter(is_used).order_by().values_list("pk", flat=True))
    holding = {pk for pk, bodies in _bodies(using).items() if personal_fields(bodies)}
    return not holding - _within(user, "view_personal", holding)


def seen(*, by: User, row: Model, right: str) -> None:
    """Note that a page showed this person what `row` holds, by which right: once an hour. For pages, once each."""
    if not right:
        return
    subject: dict[str, Any] = {"subject": row._meta.model_name, "subject_id": row.pk}
    lately = AuditEvent.objects.filter(actor=by, action=SEEN, at__gt=clock.now() - SEEN_AGAIN, **subject)
    if not lately.filter(detail__right=right).exists():
        audit.record(actor=by, action=SEEN, subject=row, detail={"right": right})


def _may_see_personal(user: Person, subject: Model, fields: Personal) -> bool:
    return bool(fields) and access.can(user, "view_personal", subject).allowed


def _within(user: Person, action: str, mappings: set[int]) -> set[int]:
    if not mappings or not access.can(user, action, Mapping):
        return set()
    rows = access.visible(user, action, Mapping).filter(pk__in=mappings).order_by()
    return set(rows.values_list("pk", flat=True))


def _bodies(mappings: Iterable[int]) -> dict[int, Sequence[Any]]:
    """The rules of each mapping's versions that were ever in use: the active one, then the newest first."""
    wanted = list(mappings)
    if not wanted:
        return {}
    used = MappingVersion.objects.filter(mapping__in=wanted).exclude(state=VersionState.DRAFT)
    found: dict[int, list[Any]] = {}
    rows = used.order_by("-number").values_list("mapping_id", "state", "body__fields", "body__back")
    for pk, _, fields, back in sorted(rows, key=lambda row: row[1] != VersionState.ACTIVE):
        found.setdefault(pk, []).append({"fields": fields, "back": back})
    return {pk: tuple(bodies) for pk, bodies in found.items()}
