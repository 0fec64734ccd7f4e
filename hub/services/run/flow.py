"""A run in progress: both ends opened, the mapping compiled, and what the destination can promise."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hub.engine import mapping as mapping_engine
from hub.models import Lane, Mapping, SyncRun
from hub.sdk import (
    Capabilities,
    ConfigError,
    CursorKind,
    Destination,
    FatalError,
    HubError,
    Opened,
    Record,
    RecordError,
    Source,
)
from hub.services import connection
from hub.services.run import raised


class StoppedError(HubError):
    """The run was asked to stop: cancelled, or something it needs was paused."""

    code = "stopped"


@dataclass(slots=True)
class Flow:
    """Everything one run works with. `salt` makes digests of source data depend on the mapping version."""

    run: SyncRun
    lane: Lane
    mapping: Mapping
    compiled: mapping_engine.Compiled
    source: Source
    destination: Destination
    offers: Capabilities
    source_offers: Capabilities
    salt: bytes
    is_resumed: bool
    has_exceptions: bool
    failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    look_again: float = 0.0
    removals: int = 0
    known: int | None = None

    def fetch(self, keys: Sequence[str]) -> tuple[dict[str, Record], bool]:
        """(source records by key, whether those left out are surely not there): a broken one is there, unread."""
        found: dict[str, Record] = {}
        try:
            for record in self.source.fetch(self.mapping.source_stream, keys):
                found[record.key] = record
        except RecordError:
            return found, False
        return found, True

    @property
    def reads_everything(self) -> bool:
        """Whether this read, once complete, shows every record there is."""
        return self.run.is_full or self.source_offers.cursor is CursorKind.NONE


@contextmanager
def opened(run: SyncRun, lane: Lane) -> Iterator[Flow]:
    """Open both ends of a run. Raises ConfigError, AuthError, TransientError."""
    mapping = Mapping.objects.select_related("integration", "source__credential", "destination__credential").get(
        pk=run.mapping_id
    )
    if run.version is None:
        raise ConfigError(f"“{mapping}” has no active version. Activate one.")
    compiled = mapping_engine.compile_mapping(run.version.body)
    with connection.opened(mapping.source) as source, connection.opened(mapping.destination) as destination:
        if not isinstance(source, Source):
            raise ConfigError(f"“{mapping.source}” cannot be read from.")
        if not isinstance(destination, Destination):
            raise ConfigError(f"“{mapping.destination}” cannot be written to.")
        yield Flow(
            run=run,
            lane=lane,
            mapping=mapping,
            compiled=compiled,
            source=source,
            destination=destination,
            offers=_offers(destination, mapping.destination_stream),
            source_offers=_offers(source, mapping.source_stream),
            salt=compiled.digest.encode(),
            is_resumed=run.tries > 1,
            has_exceptions=raised.any_open(mapping),
        )


def _offers(end: Opened | Source | Destination, stream: str) -> Capabilities:
    """What a stream offers. Raises ConfigError naming the streams there are."""
    if not isinstance(end, Opened):
        raise FatalError("A connector must tell its streams.")
    known = {found.name: found.capabilities for found in end.streams()}
    if stream not in known:
        raise ConfigError(f"There is no stream “{stream}” there. Known: {', '.join(sorted(known)) or 'none'}.")
    return known[stream]
