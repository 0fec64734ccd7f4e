"""Merges what two sides made of one record: who may write a field, what both last agreed on, who gives way.

Each side has an acknowledged image of its own, in the mapping's form, never one base for both: a system that keeps
values in its own form (upper case, two decimal places) would otherwise seem to edit them. Source of the rules: the
hub's design for correctness, sections 3.1 to 3.3; the authority of a field is that of Kubernetes' field managers.
"""

from hub.engine.merge.decide import Decision, Merged, Side, Verdict, alike, merge
from hub.engine.merge.flapping import Written, flapping
from hub.engine.merge.images import Images
from hub.engine.merge.overlap import overlaps
from hub.engine.merge.policy import Authority, Conflict, Policy, Unauthorised
from hub.engine.merge.unsent import unsent

__all__ = [
    "Authority",
    "Conflict",
    "Decision",
    "Images",
    "Merged",
    "Policy",
    "Side",
    "Unauthorised",
    "Verdict",
    "Written",
    "alike",
    "flapping",
    "merge",
    "overlaps",
    "unsent",
]
