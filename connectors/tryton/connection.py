"""A Tryton database in use: its streams, read and written, on one session."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connectors.tryton.answers import NoModelError
from connectors.tryton.client import Client
from connectors.tryton.directory import EVERYTHING, Directory
from connectors.tryton.outcomes import not_sent
from connectors.tryton.reading import Reader
from connectors.tryton.schema import Schema, describe
from connectors.tryton.streams import Plan, capabilities, plans
from connectors.tryton.ways import Caller
from connectors.tryton.writing import Writer
from hub.sdk import Change, ConfigError, Cursor, HubError, Outcome, Page, Record, Settings, Stream


class Connection:
    """An opened connection. Nothing is called before it is used."""

    def __init__(self, settings: Settings) -> None:
        config = settings.config
        self._settings = settings
        self._batch = int(config["batch"])
        if self._batch < 1:
            raise ConfigError("batch must be 1 or more.")
        self._client = Client(settings, {"language": config["language"] or "en", **(config.get("context") or {})})
        self._plans = plans(config.get("streams"))
        self._directory = Directory(self._client)
        self._readers: dict[str, Reader] = {}

    def streams(self) -> Sequence[Stream]:
        """The streams, with their fields as this Tryton has them."""
        return [self._stream(plan) for plan in self._plans.values() if self._is_there(plan)]

    def check(self) -> str:
        """Log in and count something."""
        series = self._client.series()
        context_only = True
        preferences = self._client.call("model.res.user.get_preferences", context_only).result
        parts = [f"user {self._settings.config['user']}", self._company(preferences)]
        for plan in self._plans.values():
            if self._is_there(plan):
                method = f"model.{plan.model}.search_count"
                count = self._client.call(method, [], context=EVERYTHING).result
                parts.append(f"{count:,} {plan.label[:1].lower()}{plan.label[1:]}")
                break
        return f"Tryton {series} answers; {', '.join(parts)}."

    def close(self) -> None:
        """Log out."""
        self._client.close()

    def read(self, stream: str, cursor: Cursor | None, limit: int) -> Page:
        """One page of a stream."""
        return self._reader(stream).page(cursor, limit)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Record]:
        """Records by their key."""
        return self._reader(stream).fetch(keys)

    def find(self, stream: str, external_ids: Sequence[str]) -> Iterator[tuple[str, Record]]:
        """Records by the source's key that was stored when they were created."""
        return self._reader(stream).find(external_ids)

    def apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Write changes."""
        self._plan(stream)
        return self._apply(stream, changes)

    def _apply(self, stream: str, changes: Sequence[Change]) -> Iterator[Outcome]:
        try:
            caller = Caller(self._client, self._reader(stream))
        except HubError as error:
            yield from (not_sent(change, error) for change in changes)
        else:
            yield from Writer(caller, self._batch).apply(changes)

    def _plan(self, stream: str) -> Plan:
        if stream not in self._plans:
            raise ConfigError(f"There is no stream “{stream}” here; there are {', '.join(self._plans)}.")
        return self._plans[stream]

    def _reader(self, stream: str) -> Reader:
        plan = self._plan(stream)
        if stream not in self._readers:
            schema = describe(self._client, plan)
            overlap = timedelta(seconds=float(self._settings.config["overlap"] or 0))
            self._readers[stream] = Reader(self._client, schema, self._directory, overlap)
        return self._readers[stream]

    def _stream(self, plan: Plan) -> Stream:
        schema: Schema = self._reader(plan.name).schema
        return Stream(
            name=plan.name,
            label=plan.label,
            capabilities=capabilities(plan, self._batch),
            key_fields=("id",),
            version_field="_timestamp",
            fields=schema.described(),
        )

    def _is_there(self, plan: Plan) -> bool:
        """Whether this Tryton has the model. For a declared stream it must: then the error is raised."""
        try:
            self._reader(plan.name)
        except NoModelError:
            if plan.declared:
                raise
            return False
        return True

    def _company(self, preferences: Mapping[str, Any]) -> str:
        number = self._client.context.get("company", preferences.get("company"))
        if not number:
            return "no company"
        names = self._client.call("model.company.company.read", [number], ["rec_name"]).result
        return f"company {names[0]['rec_name']}"
