"""Files of each kind in a real folder and in memory."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fsspec

from hub.sdk import Fields, Secret, Settings
from tests.connectors.bench import SEEDED, Bench
from tests.connectors.files.sshd import sshd

FIELDS = ("code", "city", "note")
FIRST, SECOND = "airports-1", "airports-2"


def as_csv(rows: Sequence[Fields]) -> str:
    """Rows as an export writes them, line breaks and quotes included."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    writer.writerows(dict(row) for row in rows)
    return text.getvalue()


def as_jsonl(rows: Sequence[Fields]) -> str:
    """One object a line."""
    return "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)


WRITERS = {"csv": as_csv, "jsonl": as_jsonl}


@contextmanager
def airports(scheme: str, kind: str, folder: Path) -> Iterator[Bench]:
    """Two files that together are one stream."""
    url = f"{scheme}://{folder}"
    system: Any = fsspec.filesystem(scheme)  # type: ignore[no-untyped-call]  # it has no types
    system.makedirs(str(folder), exist_ok=True)
    rows = [{"code": f"A{n}", "city": "Łódź “new”", "note": f'line one\nline "{n}"'} for n in range(1, SEEDED + 1)]
    files: dict[str, list[Fields]] = {FIRST: list(rows[:4]), SECOND: list(rows[4:])}

    def save() -> None:
        for name, held in files.items():
            system.pipe_file(f"{folder}/{name}.{kind}", WRITERS[kind](held).encode())

    def held() -> Mapping[str, Fields]:
        return {str(row["code"]): row for found in files.values() for row in found}

    def insert() -> str:
        key = f"L{len(held())}"
        files[SECOND].append({"code": key, "city": "Late", "note": ""})
        save()
        return key

    save()
    config = {"url": url, "streams": {"airports": {"pattern": f"airports-*.{kind}", "format": kind, "key": ["code"]}}}
    bench = Bench(settings=Settings(config), stream="airports", held=held, insert=insert)
    yield replace(bench, wrong_address=Settings({**config, "url": f"{url}/missing"}))
    system.rm(str(folder), recursive=True)


@contextmanager
def remote(folder: Path) -> Iterator[Bench]:
    """The same folder, reached over SFTP."""
    server = sshd()
    with airports("file", "csv", folder) as local:
        url = f"sftp://127.0.0.1:{server.port}{folder}"
        config = {**local.settings.config, "url": url, "user": server.user, "host_key": server.fingerprint}
        keys = {name: {"private_key": Secret(server.private(name))} for name in ("ed25519", "stranger")}
        yield replace(
            local,
            settings=Settings(config, keys["ed25519"]),
            wrong_address=Settings({**config, "url": f"{url}/missing"}, keys["ed25519"]),
            wrong_secret=Settings(config, keys["stranger"]),
        )


BENCHES: Mapping[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    f"{scheme}-{kind}": partial(airports, scheme, kind)
    for scheme, kind in [("file", "csv"), ("file", "jsonl"), ("memory", "csv")]
} | {"sftp-csv": remote}
