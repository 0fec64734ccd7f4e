"""Exports of evidence: chosen events or captured rows, with proofs for machines or as a table for people."""

from hub.services.export.asked import (
    KEPT,
    LEAST_REASON,
    WAITING,
    ExportError,
    ask,
    check_key,
    fetch,
    noted,
    remove,
    ring_waiting,
    tidy,
    write,
)
from hub.services.export.chosen import Chosen
from hub.services.export.file import save

__all__ = [
    "KEPT",
    "LEAST_REASON",
    "WAITING",
    "Chosen",
    "ExportError",
    "ask",
    "check_key",
    "fetch",
    "noted",
    "remove",
    "ring_waiting",
    "save",
    "tidy",
    "write",
]
