"""How one change becomes one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.rest.manifest import StreamPlan, Write
from connectors.rest.template import fill_body, fill_path, key_text, key_values
from hub.sdk import Change, ConfigError, Operation


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of one change. `key` is what is known of the record's key before anybody answered."""

    change: Change
    write: Write
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    key: str | None


def ask(plan: StreamPlan, change: Change) -> Ask:
    """The request for a change. Raises RecordError when the record lacks what its address needs."""
    write = write_of(plan, change.operation)
    key = change.key if change.key is not None else _new_key(plan, change)
    known = {"external_id": change.external_id, "idempotency_key": change.idempotency_key}
    known |= key_values(key, plan.key) if key is not None else {}
    record = {**change.fields, **_extra(plan, write, change)}
    body = record if write.body == "$record" else _body(write, change, known, record)
    return Ask(change, write, write.method, fill_path(write.path, known), _headers(write, change), body, key)


def _new_key(plan: StreamPlan, change: Change) -> str | None:
    """The key that a record names itself; the usual one is a field of what is sent."""
    if len(plan.key) == 1 and "." not in plan.key[0] and plan.key[0] in change.fields:
        return key_text(change.fields, plan.key)
    return key_text({**change.image, **change.fields}, plan.key)


def _body(write: Write, change: Change, known: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
    image = {**change.image, **record}
    return fill_body(write.body, {**known, "version": change.version, "record": record, "image": image})


def write_of(plan: StreamPlan, operation: Operation) -> Write:
    """How this stream is written. Raises ConfigError when the manifest does not say."""
    found = {"create": plan.create, "update": plan.update, "delete": plan.delete}[operation]
    if found is None:
        raise ConfigError(f"{plan.label} offers no {operation}: streams.{plan.name}.{operation} is not described.")
    return found


def _extra(plan: StreamPlan, write: Write, change: Change) -> dict[str, Any]:
    """Fields that the mapping does not know: the hub's reference, and a version that travels in the body."""
    extra: dict[str, Any] = {}
    if plan.reference and change.operation is Operation.CREATE:
        extra[plan.reference.field] = change.external_id
    if write.if_match and write.if_match.field and change.version is not None:
        extra[write.if_match.field] = int(change.version) if change.version.isdigit() else change.version
    return extra


def _headers(write: Write, change: Change) -> dict[str, str]:
    headers = dict(write.headers)
    if write.if_match and write.if_match.header and change.version is not None:
        headers[write.if_match.header] = write.if_match.format.replace("{version}", change.version)
    if write.if_none_match:
        headers["If-None-Match"] = "*"
    if write.idempotency and change.idempotency_key:
        headers[write.idempotency.header] = change.idempotency_key[: write.idempotency.max_length]
    return headers
