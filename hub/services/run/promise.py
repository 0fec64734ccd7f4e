"""Refuses to write where the mapping asks for what the destination does not offer: better no run than half of one."""

from collections.abc import Sequence

from hub.engine.plan import Planned
from hub.models import Mapping, Semantics
from hub.sdk import Capabilities, ConfigError


def refuse_contradictions(mapping: Mapping, offers: Capabilities) -> None:
    """Raises ConfigError when what `mapping` is for cannot be done with what its destination `offers`."""
    where = f"“{mapping.destination_stream}” of “{mapping.destination}”"
    if not (offers.create or offers.update or offers.delete):
        raise ConfigError(f"{where} can only be read. Choose another stream, or describe how it is written.")
    if mapping.semantics == Semantics.FACT and offers.create is None:
        raise ConfigError(f"Facts are appended, and {where} offers no create. Choose another stream or semantics.")
    if mapping.semantics != Semantics.FACT and offers.update is None:
        raise ConfigError(
            f"{where} offers no update, so a record that changes could never be written. Choose another stream, "
            "describe how it is updated, or make the mapping one of facts."
        )
    if mapping.verify_after is not None and not _reads_by_key(offers):
        raise ConfigError(f"{where} cannot be read by key, so nothing can be read back. Empty “read back after”.")


def refuse_unoffered(mapping: Mapping, offers: Capabilities, planned: Sequence[Planned]) -> None:
    """Raises ConfigError when one of these writes is of a kind that is not offered. Nothing has been committed yet."""
    for operation in {one.operation for one in planned}:
        if offers.of(operation) is None:
            first = next(one for one in planned if one.operation is operation)
            raise ConfigError(
                f"“{mapping.destination_stream}” of “{mapping.destination}” offers no {operation}, which "
                f"{first.source_key} needs. Nothing of this page was written. Describe the {operation} in the "
                "connection, or leave such records out with a filter."
            )


def _reads_by_key(offers: Capabilities) -> bool:
    return all(one.read_back.by_key for one in (offers.create, offers.update) if one)
