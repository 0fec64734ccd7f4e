"""What evidence is made of: its canonical form, hashes, chain and signatures, and one file that checks them alone."""

from hub.evidence.verifier import (
    LATE,
    NOTHING_BEFORE,
    Finding,
    Verifier,
    canonical,
    leaf_hash,
    manifest_text,
    path_of,
    read_anchors,
    root_of,
    seal_hash,
    signed_text,
    verify_lines,
)

__all__ = [
    "LATE",
    "NOTHING_BEFORE",
    "Finding",
    "Verifier",
    "canonical",
    "leaf_hash",
    "manifest_text",
    "path_of",
    "read_anchors",
    "root_of",
    "seal_hash",
    "signed_text",
    "verify_lines",
]
