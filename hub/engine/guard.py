"""Limits on what a run may do before it stops and asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeletionLimit:
    """More deletions than `count`, and more than `share` of the known records, need a person."""

    count: int
    share: float


def deletions_need_approval(deletions: int, known: int, limit: DeletionLimit) -> str:
    """Why these deletions must wait, or an empty string. An emptied source always waits."""
    if deletions == known and known > 1:
        return f"All {known} known records are gone at the source. Look whether the source is whole."
    if deletions > limit.count and deletions > limit.share * known:
        return (
            f"{deletions} of {known} records are gone at the source; more than {limit.count} and more than "
            f"{limit.share:.1%} need approval."
        )
    return ""


def same_failure_stops(failures: int, received: int) -> bool:
    """Whether one failure repeated so often is a broken contract rather than bad records."""
    return failures > 50 and failures > 0.05 * received
