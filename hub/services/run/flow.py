"""A run in progress: both ends opened, the mapping compiled, and what the destination can promise."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db.models import F, Max

from hub.engine import lane as lanes
from hub.engine import mapping as mapping_engine
from hub.models import Connection, Lane, Mapping, SyncRun
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
from hub.services import connection, miss
from hub.services.run import promise, raised
from hub.services.run.turn import Turn


class StoppedError(HubError):
    """The run was asked to stop: cancelled, or something it needs was paused."""

    code = "stopped"


@dataclass(frozen=True, slots=True)
class End:
    """One side of a mapping as a run writes it: the account, the stream, the system, and what that can promise.

    The system is a Destination as far as it may be written: that of a one-way mapping's source may be none.
    """

    connection: Connection
    stream: str
    system: Destination
    offers: Capabilities

    @property
    def landing(self) -> int:
        """Seconds a request may still take effect after the hub gave up on it, unless the stream says otherwise."""
        return self.connection.landing_seconds

    @property
    def deadline(self) -> int:
        """Seconds one request may take."""
        return self.connection.timeout_seconds


@dataclass(slots=True)
class Flow:
    """Everything one run works with. `salt` makes digests of source data depend on the mapping version.

    `slices` is the number of lanes as last looked up. `has_open` says that changes of this mapping may be open, so
    that a page must be compared with them. `newest` is the last change this run has made. `former` are the rules of
    earlier versions once they were asked for, and whether these gave facts other keys.
    """

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
    look_for_hints: float = 0.0
    removals: int = 0
    portion: int = 0
    turn: Turn | None = None
    look_for_pause: float = 0.0
    is_stopped: bool = False
    known: int | None = None
    slices: int = 1
    has_open: bool = True
    newest: int = 0
    next_drain: float = 0.0
    next_ring: float = 0.0
    is_cancelled: bool = False  # as last looked up
    counts_missed: bool = False  # whether a webhook should have told of what a page finds changed
    ends: dict[str, End] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    former: list[tuple[mapping_engine.Compiled, bool]] | None = None

    def is_ours(self, key: str) -> bool:
        """Whether a record falls into the lane that is held here."""
        return self.slices == 1 or lanes.slice_of(key, self.slices) == self.lane.slice

    def fetch(self, keys: Sequence[str]) -> tuple[dict[str, Record], bool]:
        """(source records by key, whether those left out are surely not there): a broken one is there, unread."""
        found: dict[str, Record] = {}
        try:
            for record in self.source.fetch(self.mapping.source_stream, keys):
                found[record.key] = record
        except RecordError:
            return found, False
        return found, True

    def fetch_each(self, keys: Sequence[str]) -> tuple[dict[str, Record], set[str]]:
        """(source records by key, keys that cannot be read now): one that is broken does not hide the others."""
        found, is_whole = self.fetch(keys)
        broken: set[str] = set()
        for key in () if is_whole else [key for key in keys if key not in found]:
            alone, is_readable = self.fetch([key])
            found |= alone
            if not is_readable:
                broken.add(key)
        return found, broken

    @property
    def is_two_way(self) -> bool:
        """Whether either end may be written."""
        return self.mapping.is_two_way

    def end(self, side: str) -> End:
        """The end that a change with this `side` is written to."""
        found = self.ends.get(side)
        if found is None:
            found = self.ends[side] = self._end(side)
        return found

    def _end(self, side: str) -> End:
        if side == "destination":
            return End(self.mapping.destination, self.mapping.destination_stream, self.destination, self.offers)
        if not isinstance(self.source, Destination):
            raise ConfigError(f"“{self.mapping.source}” cannot be written to.")
        return End(self.mapping.source, self.mapping.source_stream, self.source, self.source_offers)

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
        offers = _offers(destination, mapping.destination_stream)
        promise.refuse_contradictions(mapping, offers)
        newest = _newest(run)
        yield Flow(
            run=run,
            lane=lane,
            mapping=mapping,
            compiled=compiled,
            source=source,
            destination=destination,
            offers=offers,
            source_offers=_offers(source, mapping.source_stream),
            salt=compiled.digest.encode(),
            is_resumed=newest > run.accounted_to,
            has_exceptions=raised.any_open(mapping),
            slices=1 if mapping.is_two_way else mapping.slices,
            newest=newest,
            counts_missed=miss.is_counted(run),
        )


def _newest(run: SyncRun) -> int:
    """The last change a run made before it was taken up again; none for one that only looks and is never stored."""
    if not run.pk:
        return 0
    # Of a bare column PostgreSQL would walk the whole table from its end, looking for the first one of this run.
    return run.changes.order_by().aggregate(newest=Max(F("id") + 0))["newest"] or 0


def _offers(end: Opened | Source | Destination, stream: str) -> Capabilities:
    """What a stream offers. Raises ConfigError naming the streams there are."""
    if not isinstance(end, Opened):
        raise FatalError("A connector must tell its streams.")
    known = {found.name: found.capabilities for found in end.streams()}
    if stream not in known:
        raise ConfigError(f"There is no stream “{stream}” there. Known: {', '.join(sorted(known)) or 'none'}.")
    return known[stream]
