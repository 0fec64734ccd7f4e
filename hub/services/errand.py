"""What people look at in other systems: read here, or, where this process may not open secrets, by a worker.

The answer travels back through Redis, sealed with the keys that the web process may open, for one minute.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from hub import queue
from hub.engine.mapping.sample import pack, unpack
from hub.models import Connection, MappingVersion, User
from hub.models import Mapping as MappingRow
from hub.sdk import (
    Capabilities,
    ConfigError,
    CursorKind,
    HubError,
    Record,
    Stream,
    StreamField,
    TransientError,
    WriteCapability,
)
from hub.services import connection as connections
from hub.services import credential
from hub.services import mapping as mappings
from hub.vault import Sealed

PATIENCE = 25.0  # seconds for which a person waits for a worker
OPERATIONS = ("create", "update", "delete")
Answer = dict[str, Any]


def streams(connection: Connection) -> list[Stream]:
    """What the connection offers to read and write. Raises a HubError."""
    if not _is_sent(connection):
        return connections.streams(connection)
    return [_stream(found) for found in _ask("streams", connection.pk, timeout=connection.timeout_seconds)["streams"]]


def sample(*, mapping: MappingRow, limit: int) -> list[Record]:
    """The first records of the mapping's source as they are now, at most `limit`. Raises a HubError."""
    if not _is_sent(mapping.source):
        return mappings.sample(mapping=mapping, limit=limit)
    found = _ask("sample", mapping.pk, limit=limit, timeout=mapping.source.timeout_seconds)["records"]
    return [Record(key, data, version) for key, version, data in found]


def activate(*, version: MappingVersion, by: User) -> None:
    """Let runs use this version, which a worker tries on both systems first, where it goes both ways.

    Raises ConfigError.
    """
    mapping = version.mapping
    is_sent = mapping.is_two_way and (_is_sent(mapping.source) or _is_sent(mapping.destination))
    if is_sent:
        _ask("both_ways", version.pk, by=by.pk)
    mappings.activate(version=version, by=by, is_tried=is_sent)


def answer(*, ticket: str, question: str, subject: int, more: Mapping[str, int]) -> None:
    """Do what was asked for, and send what came of it back; a refusal is an answer too."""
    try:
        found = ERRANDS[question](subject, more)
    except HubError as error:
        found = {"refused": str(error)}
    sealed = credential.inbound_vault().seal(json.dumps(found, default=pack), _bound_to(ticket))
    bodies = [base64.b64encode(body).decode() for body in (sealed.wrapped or b"", sealed.sealed)]
    queue.put_answer(ticket, json.dumps([sealed.scheme, sealed.key_id, *bodies]))


def _is_sent(connection: Connection) -> bool:
    """Whether this process must leave it to a worker."""
    kept = connection.credential
    return kept is not None and not credential.may_open(kept.kind)


def _ask(question: str, subject: int, **more: int) -> Answer:
    """What a worker finds. Raises ConfigError when it is refused, TransientError when nobody answers in time."""
    ticket = secrets.token_urlsafe(24)
    queue.ask_answer(ticket=ticket, question=question, subject=subject, more=more)
    told = queue.await_answer(ticket, PATIENCE)
    if told is None:
        raise TransientError("No worker answered in time. Try again; if it stays so, look whether workers are alive.")
    scheme, key_id, wrapped, sealed = json.loads(told)
    stored = Sealed(scheme, key_id, base64.b64decode(wrapped), base64.b64decode(sealed))
    found: Answer = json.loads(credential.inbound_vault().open(stored, _bound_to(ticket)), object_hook=unpack)
    if "refused" in found:
        raise ConfigError(found["refused"])
    return found


def _bound_to(ticket: str) -> str:
    return f"hub-answer\n{settings.HUB_ENVIRONMENT}\n{ticket}"


def _streams(subject: int, more: Mapping[str, int]) -> Answer:
    connection = Connection.objects.select_related("credential").get(pk=subject)
    connection.timeout_seconds = more["timeout"]
    return {"streams": [_told(stream) for stream in connections.streams(connection)]}


def _sample(subject: int, more: Mapping[str, int]) -> Answer:
    mapping = MappingRow.objects.select_related("source__credential").get(pk=subject)
    mapping.source.timeout_seconds = more["timeout"]
    found = mappings.sample(mapping=mapping, limit=more["limit"])
    return {"records": [(record.key, record.version, record.data) for record in found]}


def _both_ways(subject: int, more: Mapping[str, int]) -> Answer:
    version = MappingVersion.objects.select_related("mapping").get(pk=subject)
    mappings.try_both_ways(version, User.objects.get(pk=more["by"]))
    return {}


ERRANDS: Mapping[str, Callable[[int, Mapping[str, int]], Answer]] = {
    "streams": _streams,
    "sample": _sample,
    "both_ways": _both_ways,
}


def _told(stream: Stream) -> Answer:
    """As much of a stream as a page shows."""
    can = stream.capabilities
    fields = [(field.name, str(field.kind), field.required, field.help) for field in stream.fields]
    return {"name": stream.name, "label": stream.label, "cursor": str(can.cursor), "fields": fields,
            "may": [name for name in OPERATIONS if can.of(name)]}  # fmt: skip


def _stream(told: Answer) -> Stream:
    may: Any = {name: WriteCapability() for name in told["may"]}
    fields = tuple(StreamField(*field) for field in told["fields"])
    return Stream(told["name"], told["label"], Capabilities(cursor=CursorKind(told["cursor"]), **may), fields=fields)
