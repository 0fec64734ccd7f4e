"""What the contract suite does with a connection: reads all of it, writes to it, and looks at what it shows."""

import gc
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import (
    Answer,
    Capabilities,
    Change,
    ConfigError,
    Connector,
    Cursor,
    Destination,
    HubError,
    Opened,
    Operation,
    Outcome,
    Page,
    Record,
    Settings,
    Source,
    TransientError,
    WriteCapability,
)
from tests.connectors.bench import Bench

PAGE = 3
MOST_PAGES = 200


def source(opened: Opened) -> Source:
    """The connection as a source."""
    if not isinstance(opened, Source):
        pytest.skip("not a source")
    return opened


def destination(opened: Opened) -> Destination:
    """The connection as a destination."""
    if not isinstance(opened, Destination):
        pytest.skip("not a destination")
    return opened


def pages_of(opened: Opened, stream: str, cursor: Cursor | None = None) -> list[Page]:
    """Every page from a cursor to the end."""
    pages: list[Page] = []
    for _ in range(MOST_PAGES):
        pages.append(source(opened).read(stream, cursor, PAGE))
        cursor = pages[-1].cursor
        if pages[-1].done:
            return pages
    raise AssertionError("reading never ended")


def read_all(opened: Opened, stream: str) -> list[Record]:
    """Every record that is there."""
    records = [record for page in pages_of(opened, stream) for record in page.records]
    return [record for record in records if not record.deleted]


def capabilities(opened: Opened, stream: str) -> Capabilities:
    """What a stream promises."""
    return next(found.capabilities for found in opened.streams() if found.name == stream)


def capability(opened: Opened, bench: Bench, operation: Operation) -> WriteCapability | None:
    """What the written stream promises for an operation."""
    return capabilities(opened, bench.written).of(operation)


def needs(opened: Opened, bench: Bench, operation: Operation) -> WriteCapability:
    """The promise for an operation; skips where it is not offered."""
    destination(opened)
    found = capability(opened, bench, operation)
    if found is None:
        pytest.skip(f"{operation} is not offered")
    return found


def creation(bench: Bench, number: int) -> Change:
    """A valid create."""
    fields = bench.fresh(number)
    name = f"ext-{number}"
    return Change(f"create-{number}", Operation.CREATE, name, fields, fields, idempotency_key=f"key-{number}")


def update(bench: Bench, key: str, version: str | None, image: Any) -> Change:
    """A valid update of the record with this key."""
    return Change(f"update-{key}", Operation.UPDATE, f"of-{key}", bench.edit, image, key, version)


def based_on(bench: Bench, record: Record) -> Change:
    """An update that expects the record to be as it was seen."""
    change = update(bench, record.key, record.version, {**record.data, **bench.edit})
    return replace(change, before=record.data)


def deletion(key: str, seen: Record | None = None) -> Change:
    """A delete, of the record as it was seen if that is given."""
    version = seen.version if seen else None
    before = seen.data if seen else None
    return Change(f"delete-{key}", Operation.DELETE, f"of-{key}", key=key, version=version, before=before)


def existing(opened: Opened, bench: Bench) -> Record:
    """A record of the written stream, as fetched."""
    [record] = destination(opened).fetch(bench.written, [next(iter(bench.written_held()))])
    return record


def apply(opened: Opened, bench: Bench, changes: Sequence[Change]) -> list[Outcome]:
    """Apply changes and take every outcome."""
    return list(destination(opened).apply(bench.written, changes))


def applied(outcome: Outcome) -> str:
    """The key of an applied change."""
    assert outcome.answer is Answer.APPLIED, outcome
    return outcome.key or ""


def answers_of(opened: Opened, bench: Bench, changes: Sequence[Change]) -> list[Answer]:
    """The answers to creates where they are offered; empty when the connector refuses to try at all."""
    if not isinstance(opened, Destination):
        return []
    try:
        if capability(opened, bench, Operation.CREATE) is None:
            return []
        return [outcome.answer for outcome in opened.apply(bench.written, changes)]
    except (ConfigError, TransientError):
        return []


def subset(whole: Any, part: Any) -> bool:
    """Whether `whole` holds every value of `part`."""
    return {name: whole.get(name) for name in part} == dict(part)


def everything_shown(connector: Connector, bench: Bench, settings: Settings) -> list[str]:
    """Every text that a connection lets out: itself, its sentences, its errors, its exchanges."""
    opened = connector.open(settings)
    shown = [repr(opened), repr(settings), str(vars(opened) if hasattr(opened, "__dict__") else "")]
    shown += trying(lambda: [opened.check()])
    shown += trying(lambda: map(repr, opened.streams()))
    shown += trying(lambda: [repr(source(opened).read(bench.stream, None, PAGE).cursor)])
    shown += trying(lambda: [repr(outcome) for outcome in apply(opened, bench, [creation(bench, 1)])])
    opened.close()
    return shown


def trying(call: Any) -> list[str]:
    """What a call says, or the whole story of its error."""
    try:
        return list(call())
    except HubError as error:
        return [traceback.format_exc(), repr(error), repr(vars(error))]


def open_files() -> Iterable[str]:
    """What this process has open."""
    gc.collect()
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists() or entry.is_symlink())


def settles_at(before: Iterable[str]) -> bool:
    """Whether no more is open than before, at the latest when the other side has noticed."""
    for _ in range(200):
        if len(list(open_files())) <= len(list(before)):
            return True
        time.sleep(0.01)
    return False
