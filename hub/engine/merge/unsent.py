"""Edits that only show in the answer to a write: another value in a field that was not sent."""

from collections.abc import Collection, Mapping

from hub.engine.merge.decide import Merged, Side, merge
from hub.engine.merge.policy import Policy
from hub.sdk import Fields


def unsent(
    names: Collection[str], agreed: Fields, own: Fields | None, present: Fields, policies: Mapping[str, Policy]
) -> Merged:
    """What is to happen with each of these fields, of which the source has not changed any.

    `agreed` is what both sides agreed on, `own` the form in which the destination said that it keeps that: a system
    that stores KIEL for Kiel has not edited it. None: it said that it keeps all of them as agreed. Of a field that
    `own` leaves out it never said anything, so a value that shows for the first time is its form and no edit.
    """
    told = [name for name in names if name in agreed and name in present and (own is None or name in own)]
    here, there = Side(agreed, agreed), Side({**agreed, **(own or {})}, present)
    return merge(told, policies, here, there)
