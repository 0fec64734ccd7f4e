"""Recovery mode: both sides of each mapping are read again and linked again, then a named person lets writes go on."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from hub import clock, failpoint, queue
from hub.engine import canonical
from hub.engine.intent import State
from hub.engine.mapping import Mapped
from hub.models import (
    Change,
    FindingKind,
    KnownLink,
    Lane,
    Link,
    LinkImage,
    LinkState,
    Mapping,
    Recovery,
    Review,
    ReviewState,
    SyncRun,
    Trigger,
    User,
)
from hub.sdk import Fields, HubError, Record
from hub.services import audit, finding, hint, incarnation
from hub.services.finding import Found
from hub.services.run import books, reference
from hub.services.run.flow import Flow, opened

LEASE = timedelta(minutes=5)
RING_AGAIN = timedelta(seconds=30)
SAMPLES = 20
LEAST_REASON = 15
UNSENT = (State.READY, State.RETRY_WAIT, State.AUTH_HELD, State.HELD)


class RecoveryError(HubError):
    """What was asked does not fit how recovery mode stands; the text says what to do first."""

    code = "recovery"


def present() -> Recovery | None:
    """The recovery that is open, if any."""
    return Recovery.objects.filter(is_open=True).first()


def left_to_review(recovery: Recovery) -> list[Mapping]:
    """The mappings in use whose sides have not been read to the end since."""
    done = recovery.reviews.filter(state=ReviewState.DONE).values("mapping")
    return list(Mapping.objects.filter(active_version__isnull=False).exclude(pk__in=done).select_related("integration"))


@transaction.atomic
def ask_reviews(*, recovery: Recovery, by: User | None) -> int:
    """Have both sides of every mapping that is left read by a worker; returns how many."""
    mappings = left_to_review(recovery)
    for mapping in mappings:
        review, _ = Review.objects.update_or_create(
            recovery=recovery, mapping=mapping, defaults={"state": ReviewState.ASKED, "message": "", "rung_at": None}
        )
        queue.ask_review(review.pk)
    audit.record(actor=by, action="recovery.review", subject=recovery, detail={"mappings": len(mappings)})
    return len(mappings)


def ring_waiting() -> int:
    """Ring again for reviews that no worker has; returns how many. Losing a ring costs one sweep."""
    now = clock.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    quiet = Q(rung_at__isnull=True) | Q(rung_at__lt=now - RING_AGAIN)
    waiting = Review.objects.filter(
        free & quiet, state__in=[ReviewState.ASKED, ReviewState.READING], recovery__is_open=True
    )
    ids = list(waiting.values_list("pk", flat=True))
    Review.objects.filter(pk__in=ids).update(rung_at=now)
    for review_id in ids:
        queue.ask_review(review_id)
    return len(ids)


@transaction.atomic
def leave(*, recovery: Recovery, by: User, reason: str, unread: bool = False) -> None:
    """Let writes go on. Raises RecoveryError without a real reason, or while mappings are unread, unless `unread`."""
    recovery = Recovery.objects.select_for_update().get(pk=recovery.pk)
    if not recovery.is_open:
        raise RecoveryError("Recovery mode has been left already.")
    if len(reason.strip()) < LEAST_REASON:
        raise RecoveryError(f"Write the reason in at least {LEAST_REASON} characters; an auditor reads it first.")
    left = left_to_review(recovery)
    if left and not unread:
        names = ", ".join(mapping.path for mapping in left[:5])
        raise RecoveryError(f"Both sides of {names} have not been read to the end. Have them read, or say to leave so.")
    recovery.is_open, recovery.ended_at, recovery.ended_by, recovery.reason = False, clock.now(), by, reason[:300]
    recovery.save(update_fields=["is_open", "ended_at", "ended_by", "reason"])
    incarnation.adopt()
    detail = {"unread": [mapping.path for mapping in left]}
    audit.record(actor=by, action="recovery.leave", subject=recovery, detail=detail, reason=reason)
    for lane_id in Lane.objects.values_list("pk", flat=True):
        queue.ring(lane_id)


# --- one mapping --------------------------------------------------------------------------------------------


def review(*, review_id: int) -> None:
    """Read both sides of a mapping to the end, link again what the hub has forgotten, and count what differs."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    won = Review.objects.filter(
        free, pk=review_id, state__in=[ReviewState.ASKED, ReviewState.READING], recovery__is_open=True
    ).update(state=ReviewState.READING, lease_until=Now() + LEASE)
    if not won:
        return
    found = Review.objects.select_related("mapping__integration", "mapping__active_version").get(pk=review_id)
    try:
        _read_through(_Reading(found))
    except HubError as error:
        _end(found, ReviewState.FAILED, str(error))
    else:
        _end(found, ReviewState.DONE, "")


def _end(found: Review, state: ReviewState, message: str) -> None:
    Review.objects.filter(pk=found.pk).update(state=state, message=message[:500], lease_until=None, done_at=clock.now())


class _Reading:
    """Counts and samples of one review, begun anew."""

    def __init__(self, found: Review) -> None:
        self.review = found
        self.counts: dict[str, int] = dict.fromkeys(
            ("received", "agreeing", "relinked", "differing", "missing", "new", "unknown"), 0
        )
        self.samples: dict[str, list[str]] = {}
        self.found: dict[str, Found] = {}
        finding.begin(found)

    def take(self, key: str, found: Found) -> None:
        """One more of a kind, with its key as a sample of the first few."""
        kind = found.kind
        self.counts[kind] += 1
        self.found[key] = found
        if kind != "agreeing" and len(self.samples.setdefault(kind, [])) < SAMPLES:
            self.samples[kind].append(key)

    def save(self) -> None:
        """Show how far it is and what was found on the way, and keep the lease."""
        shown = {**self.counts, "samples": self.samples, "lease_until": Now() + LEASE}
        with transaction.atomic():
            finding.keep(self.review.pk, self.found)
            Review.objects.filter(pk=self.review.pk).update(**shown)
        self.found = {}


def _read_through(reading: _Reading) -> None:
    mapping = reading.review.mapping
    run = SyncRun(
        mapping=mapping, integration=mapping.integration, version=mapping.active_version, trigger=Trigger.HUB,
        is_preview=True, is_full=True,
    )  # fmt: skip
    with opened(run, Lane(mapping=mapping)) as flow:
        cursor: Any = None
        done = False
        while not done:
            page = flow.source.read(mapping.source_stream, cursor, mapping.page_size)
            _take(flow, reading, [record for record in page.records if not record.deleted])
            cursor, done = page.cursor, page.done
            reading.save()
            failpoint.reach("review.page")
    withdrawn = _withdraw(mapping)
    Review.objects.filter(pk=reading.review.pk).update(withdrawn=F("withdrawn") + withdrawn)


def _take(flow: Flow, reading: _Reading, records: Sequence[Record]) -> None:
    """Compare one page of source records with what is at the destination."""
    links = Link.objects.for_page(flow.mapping.pk, [record.key for record in records])
    known = {key: link for key, link in links.items() if link.state == LinkState.LINKED and link.destination_key}
    stream = flow.mapping.destination_stream
    keys = [link.destination_key for link in known.values() if link.destination_key]
    there = {record.key: record for record in flow.destination.fetch(stream, keys)} if keys else {}
    unlinked = [record for record in records if record.key not in known]
    by_reference = _look_up(flow, [record.key for record in unlinked])
    for record in records:
        reading.counts["received"] += 1
        link = known.get(record.key)
        if link is not None:
            present = there.get(link.destination_key or "")
            reading.take(record.key, _compare(flow, record, link, present))
        else:
            reading.take(record.key, _link_again(flow, record, by_reference))


def _look_up(flow: Flow, keys: Sequence[str]) -> dict[str, list[Record]] | None:
    """What carries our references at the destination; None when it cannot be searched by them."""
    create = flow.offers.create
    if create is None or not create.read_back.by_external_id:
        return None
    found: dict[str, list[Record]] = {}
    for key, record in flow.destination.find(flow.mapping.destination_stream, keys) if keys else ():
        found.setdefault(key, []).append(record)
    return found


def _compare(flow: Flow, record: Record, link: KnownLink, present: Record | None) -> Found:
    """How a record that the hub knows stands; one that is already as it should be is taken as acknowledged."""
    if present is None:
        return Found(FindingKind.MISSING, link.id, link.destination_key)
    if present.version is not None and present.version == link.destination_version:
        return Found(finding.AGREEING)
    wanted = _wanted(flow, record)
    if wanted is None or _differs(wanted, present):
        return finding.beside(FindingKind.DIFFERING, link.id, wanted, present)
    _acknowledge(link.id, present, wanted, wanted)
    return Found(finding.AGREEING)


def _link_again(flow: Flow, record: Record, by_reference: dict[str, list[Record]] | None) -> Found:
    """Link a record whose destination the hub has forgotten; its next run sends only what differs."""
    wanted = _wanted(flow, record)
    if by_reference is None or wanted is None:
        return Found(FindingKind.UNKNOWN)
    found = by_reference.get(record.key, [])
    if len(found) != 1:
        return Found(FindingKind.UNKNOWN if found else FindingKind.NEW)
    link, _ = Link.objects.get_or_create(
        mapping=flow.mapping, source_key=record.key, defaults={"updated_at": clock.now()}
    )
    held = canonical.to_json(found[0].data)
    _acknowledge(link.pk, found[0], {name: held[name] for name in wanted if name in held}, wanted)
    return finding.beside(FindingKind.RELINKED, link.pk, wanted, found[0])


@transaction.atomic
def _acknowledge(link_id: int, present: Record, image: Fields, wanted: Fields) -> None:
    """Take what is at the destination as what it last acknowledged."""
    Link.objects.filter(pk=link_id).update(
        destination_key=present.key,
        destination_version=present.version,
        state=LinkState.LINKED,
        digest=canonical.digest(wanted) if image == wanted else "",
        source_digest="",
        updated_at=clock.now(),
    )
    LinkImage.objects.update_or_create(link_id=link_id, defaults={"sent": image, "destination": None})


def _wanted(flow: Flow, record: Record) -> Fields | None:
    """The record as it should be at the destination; None when the mapping leaves it out or cannot take it."""
    mapped = flow.compiled.map_record(record)
    if not isinstance(mapped, Mapped):
        return None
    keys = reference.resolve(flow, set(mapped.references.values()))
    linked = {name: keys[pair] for name, pair in mapped.references.items() if pair in keys}
    image: Fields = canonical.to_json({**mapped.image, **linked})
    return image


def _differs(wanted: Fields, present: Record) -> bool:
    held = canonical.to_json(present.data)
    return any(held.get(name) != value for name, value in wanted.items())


@transaction.atomic
def _withdraw(mapping: Mapping) -> int:
    """Withdraw changes planned before the backup and not sent: their records are planned anew from fresh reads."""
    rows = Change.objects.filter(mapping=mapping, state__in=UNSENT).order_by("id").select_for_update()
    waiting = list(rows.values_list("id", "run_id", "source_key", "state"))
    Change.objects.filter(pk__in=[row[0] for row in waiting]).update(
        state=State.SUPERSEDED.value, ended_at=clock.now(), message="Planned before a backup that was restored."
    )
    for _, run_id, _, state in waiting:
        books.add(run_id, **{"held" if state == State.HELD else "in_flight": -1, "excluded": 1})
    _note(mapping, (key for _, _, key, _ in waiting))
    return len(waiting)


def _note(mapping: Mapping, keys: Iterable[str]) -> None:
    hint.note(mapping.pk, dict.fromkeys(keys, "planned before a restored backup"), clock.now())
