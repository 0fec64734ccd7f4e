"""Carries out what was decided of a page: intents first, then the writes; a preview only keeps the plan."""

from hub.services.run import books, commit, held, kept, limits, piles, share, transition, write
from hub.services.run.flow import Flow

PREVIEW_ROOM = 500


def apply(flow: Flow, sorted_: piles.Sorted) -> None:
    """Commit the intents, send those of our lane, and commit the outcomes; a preview only keeps the plan."""
    limits.go_on_or_stop(flow, is_writing=bool(sorted_.planned or sorted_.stuck or sorted_.kept))
    if flow.run.is_preview:
        shown = flow.run.changes.count() if sorted_.planned else 0
        write.preview(flow, sorted_.planned, max(0, PREVIEW_ROOM - shown))
        return
    if sorted_.planned:
        held.go_on_or_wait(flow)
    commit.withdraw(flow, sorted_)
    going, waiting, reason = limits.part_removals(flow, sorted_.planned)
    if waiting:
        write.hold(flow, waiting, reason)
    if sorted_.stuck:
        write.hold(flow, sorted_.stuck, transition.WAITS, books.BEHIND)
    changes = write.intend(flow, going)
    unmapped = kept.store(flow, sorted_.kept or ())
    sorted_.seen += [change.link_id for change in changes if change.link_id]
    ours = [(one, change) for one, change in zip(going, changes, strict=True) if flow.is_ours(change.source_key)]
    write.send(flow, [change for one, change in ours if not one.waits])
    if any(one.waits for one, _ in ours) or transition.is_kept(flow):
        share.drain(flow)
    share.give_out(flow, [*changes, *unmapped])
