"""Measures the run loop against bare loops in one run: unchanged records, single and batch writes, peak memory."""

import argparse
import hashlib
import http.server
import json
import os
import resource
import socketserver
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = 500
FIELDS = {
    name: {"steps": [{"path": name}]}
    for name in ("name", "street", "city", "country", "vat", "email", "phone", "limit", "currency", "segment", "note")
}
BODY = {"fields": {"code": {"steps": [{"path": "id"}]}, **FIELDS}}


def record(number: int, edition: int = 0) -> dict[str, Any]:
    """A customer of 12 fields and about 600 bytes."""
    return {
        "id": f"C-{number:08d}",
        "name": f"Customer {number} of edition {edition}",
        "street": f"{number % 300} Long Road of the Northern Harbour District",
        "city": f"City {number % 997}",
        "country": "DE",
        "vat": f"DE{number:09d}",
        "email": f"purchasing.department.{number}@customer-{number}.example",
        "phone": f"+49 40 {number:08d}",
        "limit": f"{number % 90000}.00",
        "currency": "EUR",
        "segment": "WHOLESALE",
        "note": "n" * 250,
    }


def page_bytes(start: int, stop: int, edition: int) -> bytes:
    """A page as an API would answer it."""
    import orjson

    return orjson.dumps([record(number, edition) for number in range(start, stop)])


class Generated:
    """A source that answers pages made beforehand, so that making them is not measured twice."""

    def __init__(self, count: int, edition: int = 0) -> None:
        self.count, self.edition = count, edition

    def read(self, stream: str, cursor: dict[str, Any] | None, limit: int) -> Any:
        import orjson

        from hub.sdk import Page, Record

        start = (cursor or {}).get("at", 0)
        stop = min(start + limit, self.count)
        raw = page_bytes(start, stop, self.edition)
        records = [Record(data["id"], data, None) for data in orjson.loads(raw)]
        return Page(records, {"at": stop}, done=stop >= self.count)

    def fetch(self, stream: str, keys: Any) -> Iterator[Any]:
        return iter(())

    def apply(self, stream: str, changes: Any) -> Iterator[Any]:
        from hub.sdk import Answer, Outcome

        return (Outcome(change.id, Answer.APPLIED, key=change.external_id, version="1") for change in changes)

    def find(self, stream: str, external_ids: Any) -> Iterator[Any]:
        return iter(())

    def streams(self) -> list[Any]:
        from hub.sdk import Batch, Capabilities, ConditionalWrite, ExternalId, ReadBack, Stream, WriteCapability

        write = WriteCapability(
            conditional=ConditionalWrite(create=True),
            external_id=ExternalId("code"),
            read_back=ReadBack(by_external_id=True),
            batch=Batch(500),
        )
        return [Stream("customers", "Customers", Capabilities(write, write, write, fetch_by_key=False))]

    def check(self) -> str:
        return ""

    def close(self) -> None:
        pass


# --- the hub's side -----------------------------------------------------------------------------------
def hub_mapping(source: Generated, destination: tuple[str, dict[str, Any]] | None) -> Any:
    """A mapping from the generated source to `destination` (connector, config), or to one that takes everything."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    django.setup()
    from django.core.management import call_command

    from hub import queue, registry
    from hub.models import Connection, Integration, Mapping, MappingVersion, User
    from hub.sdk import Connector

    call_command("migrate", verbosity=0)
    queue._enqueue = lambda job, **ids: None
    real = registry.get
    plate = Connector("generated", "Generated", "", (), lambda settings: source, lambda config: ())
    registry.get = lambda name: plate if name == "generated" else real(name)
    one, two = (User.objects.create(username=name) for name in ("one", "two"))
    integration = Integration.objects.create(name="bench", title="Bench", purpose="-", owner=one, deputy=two)
    here = Connection.objects.create(name="here", title="Here", connector="generated")
    kind, config = destination or ("generated", {})
    there = Connection.objects.create(name="there", title="There", connector=kind, config=config)
    mapping = Mapping.objects.create(
        integration=integration, name="customers", source=here, source_stream="customers", destination=there,
        destination_stream="customers", page_size=PAGE, read_mode="full",
    )  # fmt: skip
    version = MappingVersion.objects.create(mapping=mapping, number=1, body=BODY, digest="1", state="active")
    mapping.active_version = version
    mapping.save()
    return mapping


def hub_run(mapping: Any) -> tuple[float, Any]:
    """(seconds, run) of one full run in this process."""
    from hub.services import run as runs

    run = runs.request(mapping=mapping, trigger="shell", full=True)
    started = time.perf_counter()
    runs.execute_here(run=run)
    seconds = time.perf_counter() - started
    run.refresh_from_db()
    if run.state != "succeeded":
        raise SystemExit(f"The run {run.state}: {run.reason}")
    return seconds, run


def case_unchanged(count: int) -> dict[str, float]:
    """A first load, then a full run in which nothing changed, then the bare loop over the same links."""
    source = Generated(count)
    mapping = hub_mapping(source, None)
    load, _ = hub_run(mapping)
    seconds, run = hub_run(mapping)
    assert run.unchanged == count, run.balance
    peak = peak_mb()
    return {"rate": count / seconds, "limit": count / bare_skip(mapping, source), "load": count / load, "peak": peak}


def case_memory(count: int) -> dict[str, float]:
    """A full run over `count` known records, whose links are put there directly: a first load would take minutes."""
    source = Generated(count)
    mapping = hub_mapping(source, None)
    put_links(mapping, source)
    seconds, run = hub_run(mapping)
    assert run.unchanged == count, run.balance
    return {"rate": count / seconds, "limit": count / bare_skip(mapping, source), "peak": peak_mb()}


def put_links(mapping: Any, source: Generated) -> None:
    """The links a first load would leave, a page at a time."""
    from django.utils import timezone

    from hub.engine import canonical
    from hub.engine.mapping import compile_mapping
    from hub.models import bulk

    salt, now = compile_mapping(BODY).digest.encode(), timezone.now()
    columns = {
        "mapping_id": "bigint", "source_key": "text", "destination_key": "text", "state": "text",
        "source_digest": "text", "digest": "text", "refused_digest": "text", "ack_seq": "int",
        "updated_at": "timestamptz",
    }  # fmt: skip
    for start in range(0, source.count, PAGE):
        rows = [record(number) for number in range(start, min(start + PAGE, source.count))]
        keyed = [(row["id"], canonical.raw_digest(row, salt)) for row in rows]
        linked = [(mapping.pk, key, key, "linked", digest, digest, "", 1, now) for key, digest in keyed]
        bulk.insert("hub_link", columns=columns, rows=linked)


def bare_skip(mapping: Any, source: Generated) -> float:
    """Seconds of parse, digest and look-up alone: the limit of the unchanged path."""
    import orjson

    from hub.models import Link

    started = time.perf_counter()
    for start in range(0, source.count, PAGE):
        rows = orjson.loads(page_bytes(start, min(start + PAGE, source.count), source.edition))
        known = Link.objects.for_page(mapping.pk, [row["id"] for row in rows])
        for row in rows:
            digest = hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
            if known[row["id"]].source_digest == digest:
                raise SystemExit("A digest without the mapping's salt must differ.")
    return time.perf_counter() - started


def case_single(count: int) -> dict[str, float]:
    """Every record changed, one request each."""
    with store_server() as address:
        source = Generated(count)
        mapping = hub_mapping(source, ("rest", rest_config(address)))
        hub_run(mapping)
        source.edition = 1
        seconds, run = hub_run(mapping)
        assert run.updated == count, run.balance
        return {"rate": count / seconds, "limit": count / bare_puts(address, count), "peak": peak_mb()}


def bare_puts(address: str, count: int) -> float:
    """Seconds of the same requests by a bare session."""
    import requests

    session = requests.Session()
    session.trust_env = False
    versions = {}
    for row in session.get(f"{address}/customers", timeout=60).json()["data"]:
        versions[row["id"]] = row["version"]
    started = time.perf_counter()
    for number in range(count):
        row = record(number, 2)
        body = json.dumps(row)
        headers = {"If-Match": f'"{versions[row["id"]]}"', "Content-Type": "application/json"}
        session.put(f"{address}/customers/{row['id']}", data=body, headers=headers, timeout=30).raise_for_status()
    return time.perf_counter() - started


def rest_config(address: str) -> dict[str, Any]:
    """The config of the rest connector for the little store below."""
    manifest = json.loads((ROOT / "bench" / "store.json").read_text())
    return {"base_url": address, "auth": "none", "manifest": manifest}


class Store(http.server.BaseHTTPRequestHandler):
    """A record store with versions and conditional writes, in memory: small on purpose, it is not what is measured."""

    protocol_version = "HTTP/1.1"
    rows: dict[str, tuple[dict[str, Any], int]] = {}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if len(parts) == 1:
            self._answer(200, {"data": [{**data, "version": version} for data, version in self.rows.values()]})
        elif parts[1] in self.rows:
            data, version = self.rows[parts[1]]
            self._answer(200, {**data, "version": version})
        else:
            self._answer(404, {"message": "absent"})

    def do_PUT(self) -> None:
        key = self.path.rsplit("/", 1)[1]
        data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known, version = self.rows.get(key, ({}, 0))
        wanted = self.headers.get("If-Match")
        if (wanted and wanted.strip('"') != str(version)) or (self.headers.get("If-None-Match") and known):
            self._answer(412, {"message": "modified"})
            return
        self.rows[key] = ({**known, **data, "id": key}, version + 1)
        self._answer(200, {**self.rows[key][0], "version": version + 1})


class store_server:  # noqa: N801  reads as a verb where it is used
    """The store in a process of its own, so that its work does not share the hub's interpreter."""

    def __enter__(self) -> str:
        self.child = subprocess.Popen([sys.executable, __file__, "store"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.child.stdout
        return self.child.stdout.readline().strip()

    def __exit__(self, *problem: object) -> None:
        self.child.terminate()
        self.child.wait()


def serve_store() -> None:
    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True

    Store.disable_nagle_algorithm = True
    server = Server(("127.0.0.1", 0), Store)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def case_batch(count: int) -> dict[str, float]:
    """Every record changed, written in batches to an SQL database."""
    config, engine = sql_destination()
    source = Generated(count)
    mapping = hub_mapping(source, ("sql", config))
    hub_run(mapping)
    source.edition = 1
    seconds, run = hub_run(mapping)
    assert run.updated == count, run.balance
    return {"rate": count / seconds, "limit": count / bare_upserts(engine, count), "peak": peak_mb()}


def sql_destination() -> tuple[dict[str, Any], Any]:
    """(config of the sql connector, SQLAlchemy engine) of a fresh table beside the hub's own database."""
    import sqlalchemy as sa

    columns = ", ".join(f"{name} text" for name in FIELDS if name != "limit")
    ddl = f'create table customers (code text primary key, {columns}, "limit" text)'
    folder = Path(os.environ["HUB_STATE"])
    path = folder / "books.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sa.text(ddl))
    tables = {"customers": {"table": "customers", "key": ["code"], "external_id": "code"}}
    return {"driver": "sqlite", "database": str(path), "tables": tables}, engine


def bare_upserts(engine: Any, count: int) -> float:
    """Seconds of the same updates, one transaction a page, nothing else."""
    import sqlalchemy as sa

    names = list(FIELDS)
    sets = ", ".join(f'"{name}" = :{name}' for name in names)
    statement = sa.text(f"update customers set {sets} where code = :id")
    started = time.perf_counter()
    for start in range(0, count, PAGE):
        with engine.begin() as connection:
            connection.execute(statement, [record(number, 2) for number in range(start, min(start + PAGE, count))])
    return time.perf_counter() - started


def peak_mb() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


CASES: dict[str, Callable[[int], dict[str, float]]] = {
    "unchanged": case_unchanged,
    "memory": case_memory,
    "single": case_single,
    "batch": case_batch,
}


def measured(case: str, count: int) -> dict[str, float]:
    """One case in a process of its own, on a database of its own."""
    with tempfile.TemporaryDirectory() as folder, database(folder) as url:
        env = {**os.environ, "HUB_STATE": folder, **url, "REDIS_URL": "redis://127.0.0.1:1/0", "HUB_LOG_LEVEL": "ERROR"}
        done = subprocess.run(
            [sys.executable, __file__, "case", case, str(count)],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{case} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class database:  # noqa: N801  reads as a verb where it is used
    """An empty database: an SQLite file, or a fresh one on the server in DATABASE_URL."""

    def __init__(self, folder: str) -> None:
        self.url = os.environ.get("DATABASE_URL", "")

    def __enter__(self) -> dict[str, str]:
        if not self.url.startswith("postgres"):
            return {"DATABASE_URL": ""}
        self._admin("drop database if exists hub_bench", "create database hub_bench")
        return {"DATABASE_URL": self.url.rsplit("/", 1)[0] + "/hub_bench"}

    def __exit__(self, *problem: object) -> None:
        if self.url.startswith("postgres"):
            self._admin("drop database if exists hub_bench with (force)")

    def _admin(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def report(count: int) -> None:
    """Run all cases and print them beside their limits."""
    print(f"{'case':<12}{'records':>10}{'hub/s':>10}{'limit/s':>10}{'ratio':>7}{'peak MB':>9}")
    plan = [
        ("unchanged", count),
        ("single", count // 20),
        ("batch", count // 2),
        ("memory", count),
        ("memory", count * 10),
    ]
    peaks = []
    for case, size in plan:
        found = measured(case, size)
        ratio = found["rate"] / found["limit"]
        print(f"{case:<12}{size:>10,}{found['rate']:>10,.0f}{found['limit']:>10,.0f}{ratio:>7.2f}{found['peak']:>9.0f}")
        peaks += [found["peak"]] if case == "memory" else []
        if "load" in found:
            print(f"{'  first load':<12}{size:>10,}{found['load']:>10,.0f}")
    print(f"peak memory grows by {peaks[1] - peaks[0]:.0f} MB from {count:,} to {count * 10:,} records")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", default="report", choices=["report", "case", "store"])
    parser.add_argument("case", nargs="?")
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--records", type=int, default=100_000)
    given = parser.parse_args()
    if given.what == "store":
        serve_store()
    elif given.what == "case":
        print(json.dumps(CASES[given.case](given.count)))
    else:
        report(given.records)


if __name__ == "__main__":
    main()
