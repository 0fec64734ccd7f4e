"""What evidence is made of: its canonical form, hashes, chain and signatures, and one file that checks them alone."""

from hub.evidence.tree import Tree
from hub.evidence.verifier import (
    GOOD,
    LATE,
    NOTHING_BEFORE,
    SELECTION,
    TAMPERED,
    Finding,
    Verifier,
    canonical,
    leaf_hash,
    manifest_text,
    read_anchors,
    root_of,
    seal_hash,
    selection_start,
    signed_text,
    verify_lines,
)

__all__ = [
    "GOOD",
    "LATE",
    "NOTHING_BEFORE",
    "SELECTION",
    "TAMPERED",
    "Finding",
    "Tree",
    "Verifier",
    "canonical",
    "leaf_hash",
    "manifest_text",
    "read_anchors",
    "root_of",
    "seal_hash",
    "selection_start",
    "signed_text",
    "verify_lines",
]
