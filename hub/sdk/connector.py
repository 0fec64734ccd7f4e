"""What a connector must be able to do. A connector is one folder that offers one `CONNECTOR`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from hub.sdk.capabilities import Capabilities
from hub.sdk.change import Change, Job, Outcome
from hub.sdk.config import ConfigField
from hub.sdk.pace import Pace
from hub.sdk.record import Cursor, Page, Record
from hub.sdk.secret import Secret
from hub.sdk.token import TokenSource


@dataclass(frozen=True, slots=True)
class StreamField:
    """One field of a stream, for people who write mappings.

    `kind` is a JSON Schema type, or `decimal`, `date` or `datetime`.
    """

    name: str
    kind: str = "string"
    required: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record a connection offers: its name, what it can promise, and its known fields."""

    name: str
    label: str
    capabilities: Capabilities
    key_fields: tuple[str, ...] = ()
    version_field: str = ""
    fields: tuple[StreamField, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connector is opened with: checked config, opened secrets, and where it may call.

    `origins` are the `scheme://host:port` (or file and database locations) this connection is allowed
    to reach; `timeout` is the total deadline of one request in seconds. `pace` is asked before each
    request and told after it: give it to the HttpClient (None: nothing holds requests back). `tokens` gives
    the access tokens of an OAuth2 credential; None when the credential is of another kind.
    """

    config: Mapping[str, Any]
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    timeout: float = 30.0
    pace: Pace | None = None
    tokens: TokenSource | None = None


@runtime_checkable
class Source(Protocol):
    """Reads records.

    A source with an attribute `reads_ahead = True` may be asked for its next page in a thread, while other methods of
    the connection are in use.
    """

    def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
        """Read one page of at most `limit` records, from the start (None) or after `cursor`.

        Raises AuthError, ConfigError, TransientError, SilenceError (a read that got no answer) or FatalError.
        A bad item is a Fault on the page, never an error for the page.
        """
        ...

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterable[Record]:
        """Read these records as they are now. A record that does not exist is left out or comes as `deleted`."""
        ...


@runtime_checkable
class Destination(Protocol):
    """Writes records, and finds again what it wrote."""

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterable[Outcome]:
        """Apply each change and yield one outcome for each, in any order.

        `changes` is an `Orders`: a connector that writes one by one looks at its `is_stopped` before each.
        Must not raise for one bad item. A change without an outcome (the iterator raised or ended
        early) is taken as UNKNOWN if it may have left, so yield outcomes as they become known. A write in several
        calls yields STEP after each call but the last: the hub commits it before it asks for the next outcome.
        """
        ...

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterable[Record]:
        """Read these records as they are now, by the destination's key; missing ones are left out."""
        ...

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterable[tuple[str, Record]]:
        """Find records by the reference the hub stored at create: (external_id, record), several if ambiguous."""
        ...


@runtime_checkable
class Poller(Protocol):
    """A destination that can say what became of what it took for later."""

    def poll(self, stream: str, jobs: Sequence[Job]) -> Iterable[Outcome]:
        """One outcome for each job: ACCEPTED while it is at work (with `retry_after` if it said when to ask again).

        UNKNOWN says that the destination does not know the job (any more); RETRY that it could not be asked now.
        """
        ...


@runtime_checkable
class Opened(Protocol):
    """A connection in use: it can say what it offers, prove that it works, and be closed."""

    def streams(self) -> Sequence[Stream]:
        """The streams this connection offers, from config or from the system itself."""
        ...

    def check(self) -> str:
        """Call the system harmlessly and return one sentence of what answered. Raises a HubError."""
        ...

    def close(self) -> None:
        """Release everything that was opened."""
        ...


@dataclass(frozen=True, slots=True)
class Connector:
    """The plate on a connector's door.

    `name` is its folder, `label` and `summary` are for people, `fields` is what it asks for.
    `open` gives a connection in use, which is a Source, a Destination or both. It must not call out.
    `origins` derives from a checked config the places the connection will reach. `is_paced_by_call`: it does not ask
    `Settings.pace` itself, so the hub asks before each call of a method, as a driver or a file system has no requests.
    """

    name: str
    label: str
    summary: str
    fields: tuple[ConfigField, ...]
    open: Callable[[Settings], Opened]
    origins: Callable[[Mapping[str, Any]], tuple[str, ...]]
    is_paced_by_call: bool = False
