"""The sql connector's writing beside a bare COPY and `executemany`: `python bench/connector.py [--records N]`.

The table is that of the case `merge`, empty at first. The connector creates every record, then updates one column of
each under the value that it had. With DATABASE_URL of a PostgreSQL it runs there, otherwise in SQLite.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.source import FIELDS, record  # noqa: E402  found beside this script
from connectors.sql import CONNECTOR  # noqa: E402
from hub.http import Zone  # noqa: E402
from hub.http.zone import install, networks_of  # noqa: E402
from hub.sdk import Answer, Change, Destination, Operation, Secret, Settings  # noqa: E402

NAMES = list(FIELDS)
TABLE = f"(code text primary key, {', '.join(f'{chr(34)}{name}{chr(34)} text' for name in NAMES)})"
INSERT = f"insert into bench_bare values ({', '.join(['%s'] * (len(NAMES) + 1))})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=500)
    given = parser.parse_args()
    rows = [_row(number) for number in range(given.records)]
    server = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as folder:
        postgres = server.startswith("postgres")
        rates = _bare_postgres(rows, server) if postgres else _bare_sqlite(rows, folder)
        settings = _server(server) if postgres else _file(folder)
        rates |= _connector(rows, settings, given.batch)
    limit = rates["executemany"]
    for name, rate in rates.items():
        print(f"{name:22}{rate:>10,.0f}/s{rate / limit:>8.2f} of executemany")


def _row(number: int) -> dict[str, Any]:
    found = record(number)
    return {"code": found["id"], **{name: str(found[name]) for name in NAMES}}


def _rate(count: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def _bare_postgres(rows: Sequence[dict[str, Any]], server: str) -> dict[str, float]:
    import psycopg

    with psycopg.connect(server) as database:

        def copy() -> None:
            with database.cursor().copy("copy bench_bare from stdin") as lines:
                for row in rows:
                    lines.write_row(tuple(row.values()))
            database.commit()

        def many() -> None:
            for some in _parts(rows, 500):
                database.cursor().executemany(INSERT, [tuple(row.values()) for row in some])
                database.commit()

        rates = {}
        for name, work in {"copy": copy, "executemany": many}.items():
            database.execute(f"drop table if exists bench_bare; create table bench_bare {TABLE}")
            database.commit()
            rates[name] = _rate(len(rows), work)
        database.execute(f"drop table bench_bare; drop table if exists bench_rows; create table bench_rows {TABLE}")
        return rates


def _bare_sqlite(rows: Sequence[dict[str, Any]], folder: str) -> dict[str, float]:
    database = sqlite3.connect(Path(folder) / "bench.sqlite3")
    database.execute("pragma journal_mode=wal")
    database.execute(f"create table bench_bare {TABLE}")
    database.execute(f"create table bench_rows {TABLE}")

    def many() -> None:
        for some in _parts(rows, 500):
            database.executemany(INSERT.replace("%s", "?"), [tuple(row.values()) for row in some])
            database.commit()

    rates = {"executemany": _rate(len(rows), many)}
    database.close()
    return rates


def _connector(rows: Sequence[dict[str, Any]], settings: Settings, size: int) -> dict[str, float]:
    opened = CONNECTOR.open(settings)
    assert isinstance(opened, Destination)
    changed = [{**row, "city": f"{row['city']} II"} for row in rows]
    creates = [Change(f"c{n}", Operation.CREATE, row["code"], row, row) for n, row in enumerate(rows)]
    updates = [
        Change(f"u{n}", Operation.UPDATE, row["code"], {"city": row["city"]}, row, row["code"], None, old)
        for n, (row, old) in enumerate(zip(changed, rows, strict=True))
    ]

    def apply(changes: Sequence[Change]) -> None:
        for some in _parts(changes, size):
            assert all(outcome.answer is Answer.APPLIED for outcome in opened.apply("rows", some))

    found = {f"connector {word}": _rate(len(rows), lambda some=some: apply(some)) for word, some in  # type: ignore[misc]
             (("creates", creates), ("updates", updates))}  # fmt: skip
    opened.close()
    return found


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _server(url: str) -> Settings:
    import sqlalchemy as sa

    install([Zone("bench", networks_of(["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]))])
    parts = sa.make_url(url)
    place = {"host": parts.host, "port": parts.port or 5432, "database": parts.database, "user": parts.username}
    secrets = {"password": Secret(parts.password)} if isinstance(parts.password, str) else {}
    return _settings({"driver": "postgresql+psycopg", "sslmode": "disable", **place}, secrets)


def _file(folder: str) -> Settings:
    return _settings({"driver": "sqlite", "database": f"{folder}/bench.sqlite3"}, {})


def _settings(config: dict[str, Any], secrets: dict[str, Secret]) -> Settings:
    tables = {"rows": {"table": "bench_rows", "key": ["code"], "external_id": "code"}}
    return Settings(config={**config, "tables": tables}, secrets=secrets)


if __name__ == "__main__":
    main()
