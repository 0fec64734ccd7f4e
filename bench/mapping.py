"""The hub's side of a benchmark, in a process of its own: `python bench/mapping.py setup|run|links CASE ADDRESS …`.

`setup` makes the mapping of a case in an empty database, `links` puts the links there that a first load would leave,
`run` executes one full run in this process and prints its seconds and the peak memory.
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.source import BODY, PAGE, record  # noqa: E402  found beside this script

REST = {"sql": False, "batch": True, "single": True}  # which destination a case writes to: the API, or the database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["setup", "links", "run"])
    parser.add_argument("case", choices=list(REST))
    parser.add_argument("address")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--profile", default="")
    given = parser.parse_args()
    prepare()
    if given.what == "setup":
        set_up(given.case, given.address, given.connections)
    elif given.what == "links":
        put_links(given.records)
    else:
        print(json.dumps(run(given.profile)))


def prepare() -> None:
    """Django, as the worker has it, without a queue to ring."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    django.setup()
    from hub import queue

    queue._enqueue = lambda job, **ids: None


def set_up(case: str, address: str, connections: int) -> None:
    """One integration, two connections, one active mapping; the destination's table where it is a database."""
    from django.core.management import call_command

    from hub.models import Connection, Integration, Mapping, MappingVersion, User

    call_command("migrate", verbosity=0)
    one, two = (User.objects.create(username=name) for name in ("one", "two"))
    integration = Integration.objects.create(name="bench", title="Bench", purpose="-", owner=one, deputy=two)
    api = {"base_url": address, "auth": "none", "manifest": manifest(case, connections)}
    here = Connection.objects.create(name="here", title="Here", connector="rest", config=api)
    kind, config = ("rest", api) if REST[case] else ("sql", table())
    there = Connection.objects.create(name="there", title="There", connector=kind, config=config)
    mapping = Mapping.objects.create(
        integration=integration, name="customers", source=here, source_stream="customers", destination=there,
        destination_stream="written" if REST[case] else "customers", page_size=PAGE, read_mode="full",
    )  # fmt: skip
    version = MappingVersion.objects.create(mapping=mapping, number=1, body=BODY, digest="1", state="active")
    mapping.active_version = version
    mapping.save()


def manifest(case: str, connections: int) -> dict[str, Any]:
    """The API as the rest connector is told of it: a stream to read and, under another name, one to write."""
    listing = {
        "path": "/customers", "records": "data",
        "pagination": {"kind": "cursor", "param": "after", "next": "next", "size_param": "limit"},
    }  # fmt: skip
    written = {
        "key": "id",
        "version": {"field": "version"},
        "item": {"path": "/customers/{key}", "record": ""},
        "create": {
            "method": "POST", "path": "/customers", "body": "$record", "record": "",
            "idempotency": {"header": "Idempotency-Key"},
        },
        "update": {
            "method": "PUT", "path": "/customers/{key}", "body": "$record", "record": "",
            "if_match": {"header": "If-Match", "format": "\"{version}\""},
        },
        "external_id": {"field": "id", "unique": True},
    }  # fmt: skip
    streams = {"customers": {"key": "id", "list": listing}, "written": written}
    batch = {"batch": {"path": "/batch", "max_items": 500}} if case == "batch" else {}
    return {"streams": streams, "parallel": connections, **batch}


def table() -> dict[str, Any]:
    """The config of the sql connector for a fresh table beside the hub's own."""
    import sqlalchemy as sa
    from django.conf import settings

    columns = ", ".join(f'"{name}" text' for name in BODY["fields"] if name != "code")
    tables = {"customers": {"table": "customers", "key": ["code"], "external_id": "code"}}
    default = settings.DATABASES["default"]
    if "postgresql" in default["ENGINE"]:
        # The hub may reach a database of its own machine when it is told that this is meant.
        place = {"host": default["HOST"], "port": int(default["PORT"] or 5432), "database": default["NAME"]}
        url = sa.URL.create("postgresql+psycopg", default["USER"], default["PASSWORD"] or None, **place)
        config = {"driver": "postgresql+psycopg", "user": default["USER"], "sslmode": "disable", **place}
    else:
        path = Path(os.environ["HUB_STATE"]) / "books.sqlite3"
        url, config = sa.URL.create("sqlite", database=str(path)), {"driver": "sqlite", "database": str(path)}
        path.touch()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"create table customers (code text primary key, {columns})"))
    return {**config, "tables": tables}


def run(profile: str) -> dict[str, float]:
    """Seconds and peak of one full run of the mapping in this process."""
    from hub import registry
    from hub.management import garbage
    from hub.models import Mapping
    from hub.services import run as runs

    for name in ("rest", "sql"):
        registry.get(name)  # a worker has them loaded; loading them is start-up, as it is on the other side
    wanted = runs.request(mapping=Mapping.objects.get(), trigger="shell", full=True)
    garbage.settle()  # as a worker does when it starts
    watch = profiler(profile)
    started = time.perf_counter()
    runs.execute_here(run=wanted)
    seconds = time.perf_counter() - started
    if watch:
        watch.disable()
        watch.dump_stats(profile)
    wanted.refresh_from_db()
    if wanted.state != "succeeded":
        raise SystemExit(f"The run {wanted.state}: {wanted.reason} {wanted.balance}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds, "peak": peak, "cpu": time.process_time(), "unchanged": wanted.unchanged,
        "written": wanted.created + wanted.updated,
    }  # fmt: skip


def profiler(path: str) -> Any:
    """A running profiler, if one is wanted."""
    if not path:
        return None
    import cProfile

    watch = cProfile.Profile()
    watch.enable()
    return watch


def put_links(count: int) -> None:
    """The links a first load would leave, a page at a time."""
    from django.utils import timezone

    from hub.engine import canonical
    from hub.engine.mapping import compile_mapping
    from hub.models import Mapping, bulk

    mapping = Mapping.objects.get()
    salt, now = compile_mapping(BODY).digest.encode(), timezone.now()
    columns = {
        "mapping_id": "bigint", "source_key": "text", "destination_key": "text", "state": "text",
        "source_digest": "text", "digest": "text", "refused_digest": "text", "ack_seq": "int",
        "updated_at": "timestamptz",
    }  # fmt: skip
    for start in range(0, count, PAGE):
        rows = [record(number) for number in range(start, min(start + PAGE, count))]
        keyed = [(row["id"], canonical.raw_digest(row, salt)) for row in rows]
        linked = [(mapping.pk, key, key, "linked", digest, digest, "", 1, now) for key, digest in keyed]
        bulk.insert("hub_link", columns=columns, rows=linked)


if __name__ == "__main__":
    main()
