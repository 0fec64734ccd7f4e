"""Fits changes that waited to their records as they are linked now, in the transaction that marks them as sent."""

from collections.abc import Sequence

from hub import clock
from hub.engine import plan, resolve
from hub.engine.intent import State
from hub.models import Change, KnownLink, Link, LinkImage, LinkState, Semantics, bulk
from hub.sdk import Fields, Operation
from hub.services.run import books, rows
from hub.services.run.flow import Flow
from hub.services.run.pick import TO_SEND

FITTED = {
    "operation": "text",
    "destination_key": "text",
    "fields": "jsonb",
    "image": "jsonb",
    "before": "jsonb",
    "precondition": "text",
    "ack_seq": "int",
    "idempotency_key": "text",
    "key_gen": "int",
    "step": "text",
}


def known(link: KnownLink | Link | None) -> plan.Known:
    """What is known of a record, as the plan looks at it."""
    if link is None:
        return plan.Known()
    return plan.Known(
        link_id=link.id,
        destination_key=link.destination_key,
        destination_version=link.destination_version,
        is_linked=link.state == LinkState.LINKED,
        is_gone=link.state == LinkState.GONE,
        ack_seq=link.ack_seq,
        key_gen=link.key_gen,
        quiet_until=link.quiet_until,
        step=link.step,
    )


def planned(change: Change) -> plan.Planned:
    """The plan a change was made from."""
    return plan.Planned(
        source_key=change.source_key,
        operation=Operation(change.operation),
        image=change.image,
        fields=change.fields,
        before=change.before,
        digest=change.digest,
        source_digest=change.source_digest,
        source_version=change.source_version,
        link_id=change.link_id,
        destination_key=change.destination_key,
        precondition=change.precondition,
        ack_seq=change.ack_seq,
        is_archive=change.is_archive,
        key_gen=change.key_gen,
        step=change.step,
    )


def rebased(flow: Flow, changes: Sequence[Change]) -> list[Change]:
    """These, fitted; one with nothing left to send ends here and is left out.

    A change in the middle of something (its `step`) and one whose answer was lost keep what was sent.
    """
    waited = [one for one in changes if one.state in TO_SEND and not one.step and not one.decisions]
    links = Link.objects.in_bulk([one.link_id for one in waited if one.link_id])
    early = _wait(flow, [one for one in waited if one.link_id in links], links)
    changes = [one for one in changes if one not in early]
    waited = [one for one in waited if one not in early]
    is_step = flow.mapping.semantics == Semantics.TRANSITION  # planned upon another one, which may be given up
    upon = _images(waited) if is_step else {}
    stale = [one for one in waited if one.link_id in links and _is_stale(one, links[one.link_id], upon)]
    images = upon if is_step else _images(stale)
    for change in stale:
        fit(change, plan.rebased(planned(change), known(links[change.link_id or 0]), images.get(change.link_id or 0)))
    bulk.update("hub_change", columns=FITTED, rows=[row(change) for change in stale])
    needless = [one for one in (waited if is_step else stale) if one.operation == Operation.UPDATE and not one.fields]
    _end(needless)
    return [one for one in changes if one not in needless]


def _images(changes: Sequence[Change]) -> dict[int, Fields]:
    """What was last acknowledged of the records of these."""
    ids = [one.link_id for one in changes if one.link_id]
    return dict(LinkImage.objects.filter(link__in=ids).values_list("link_id", "sent")) if ids else {}


def _wait(flow: Flow, changes: Sequence[Change], links: dict[int, Link]) -> list[Change]:
    """Those of these that a late copy of an earlier write could still undo: they are due once it cannot land."""
    now, early = clock.now(), []
    for change in changes:
        until = links[change.link_id or 0].quiet_until
        if until and until > now and resolve.must_wait(Operation(change.operation), flow.offers.create):
            Change.objects.filter(pk=change.pk).update(state=State.READY.value, due_at=until)
            early.append(change)
    return early


def _is_stale(change: Change, link: Link, images: dict[int, Fields]) -> bool:
    return plan.is_stale(planned(change), known(link), images.get(link.pk))


def fit(change: Change, fitted: plan.Planned) -> None:
    """Let a change be what is planned now."""
    change.operation, change.destination_key = fitted.operation.value, fitted.destination_key
    change.fields, change.image, change.before = fitted.fields, fitted.image, fitted.before
    change.precondition, change.ack_seq = fitted.precondition, fitted.ack_seq
    change.key_gen, change.step = fitted.key_gen, fitted.step
    change.idempotency_key = plan.idempotency_key(change.mapping_id, fitted)


def row(change: Change) -> tuple[object, ...]:
    """What `fit` sets, as the columns FITTED take it."""
    return (
        change.pk,
        change.operation,
        change.destination_key,
        rows.as_json(change.fields),
        rows.as_json(change.image),
        rows.as_json(change.before),
        change.precondition,
        change.ack_seq,
        change.idempotency_key,
        change.key_gen,
        change.step,
    )


def _end(needless: Sequence[Change]) -> None:
    """The record is as these want it: earlier changes brought it there."""
    for change in needless:
        change.state, change.ended_at = State.SUPERSEDED.value, clock.now()
        change.message = "An earlier change of the record had brought it there already."
        change.save(update_fields=["state", "ended_at", "message"])
    for change in needless:
        books.add(change.run_id, in_flight=-1, unchanged=1)
