"""One connection to a JSON API in use: reads, writes, finds, and proves that it works."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from connectors.rest.auth import auth_of, certificate_of
from connectors.rest.manifest import Manifest, StreamPlan
from connectors.rest.messages import message_of
from connectors.rest.overriding import left_of, overriding
from connectors.rest.parse import parse
from connectors.rest.reading import Reader
from connectors.rest.streams import streams
from connectors.rest.writing import Writer
from hub.http import HttpClient
from hub.sdk import Change, ConfigError, Cursor, Outcome, Page, Record, Settings, Stream

MOST_CONNECTIONS = 64


class RestConnection:
    """Speaks to one JSON API as its manifest describes it."""

    reads_ahead = True

    def __init__(self, settings: Settings) -> None:
        config = settings.config
        self._manifest: Manifest = parse(config["manifest"])
        self._client = HttpClient(
            base_url=config["base_url"],
            origins=settings.origins,
            auth=auth_of(settings),
            certificate=certificate_of(settings),
            headers=self._manifest.headers,
            timeout=float(config.get("timeout") or settings.timeout),
            secrets=tuple(settings.secrets.values()),
            pace=settings.pace,
            override=partial(overriding, self._manifest) if self._manifest.classes else None,
            quota=partial(left_of, self._manifest.quota) if self._manifest.quota else None,
        )
        self._reader = Reader(self._client, self._manifest)
        connections = int(config.get("connections") or self._manifest.parallel)
        self._writer = Writer(self._client, self._manifest, max(1, min(connections, MOST_CONNECTIONS)))

    def streams(self) -> Sequence[Stream]:
        """The streams of the manifest."""
        return streams(self._manifest)

    def check(self) -> str:
        """Call the manifest's check path, or read one record of its first readable stream."""
        readable = [plan for plan in self._manifest.streams.values() if plan.listing]
        if self._manifest.check or not readable:
            return self._call_harmlessly(self._manifest.check or "/")
        page = self._reader.read(readable[0], None, 1)
        found = "has a record" if page.records else "has no record yet"
        return f"{self._client.base_url} answered; {readable[0].label} can be read and {found}."

    def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
        """One page of a stream."""
        return self._reader.read(self._plan(stream), cursor, limit)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterable[Record]:
        """These records as they are now."""
        return self._reader.fetch(self._plan(stream), keys)

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterable[Outcome]:
        """Write these changes."""
        return self._writer.apply(self._plan(stream), changes)

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        """Find records by the hub's reference."""
        plan = self._plan(stream)
        search = plan.reference.search if plan.reference else None
        if search is None:
            raise ConfigError(f"{plan.label} cannot be searched: describe streams.{plan.name}.external_id.search.")
        for external_id in external_ids:
            for record in self._reader.find(plan, search, external_id):
                yield external_id, record

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _plan(self, stream: str) -> StreamPlan:
        if stream not in self._manifest.streams:
            known = ", ".join(self._manifest.streams)
            raise ConfigError(f"There is no stream “{stream}” in the manifest. Known: {known}.")
        return self._manifest.streams[stream]

    def _call_harmlessly(self, path: str) -> str:
        response = self._client.call("GET", path)
        if not response.ok:
            said = message_of(self._manifest, response)
            raise ConfigError(f"{path} answered {response.status}: {said} Correct “check” in the manifest.")
        return f"{self._client.base_url} answered {response.status} to {path}."
