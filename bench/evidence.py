"""What the history of a first load costs the database alone: `python bench/evidence.py [--records 50000]`, PostgreSQL.

After a first load each table that it filled is filled once more, as a copy with the same indexes, from the rows there
are: one statement a table, no client, no request, nothing decided. A hub that keeps the same evidence cannot load
faster than that, whatever its Python does; the last line says how fast that would be, beside the hub's own rate.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.place import api, fresh  # noqa: E402  found beside this script
from bench.sync import Ends  # noqa: E402

TABLES = ("hub_change", "hub_attempt", "hub_link", "hub_linkimage")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    count = parser.parse_args().records
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        sys.exit("Set DATABASE_URL to a PostgreSQL server.")
    with api(count) as address, fresh("bench_hub") as mine:
        hub = Ends("sql", address, mine)
        hub.hub("setup")
        found = hub.hub("run")
        costs = copied(mine["DATABASE_URL"], count, (*TABLES, "customers"))
    for table, cost in costs.items():
        print(f"{table:16}{cost:8.1f} us a record")
    total = sum(costs.values())
    print(f"all of it       {total:8.1f} us: at most {1e6 / total:,.0f}/s; the hub {count / found['seconds']:,.0f}/s")


def copied(address: str, count: int, tables: Sequence[str] = TABLES) -> dict[str, float]:
    """Microseconds a record to fill a copy of each table."""
    import psycopg

    costs = {}
    with psycopg.connect(address, autocommit=True) as database:
        for table in tables:
            database.execute(f"create table copied (like {table} including all)")
            started = time.perf_counter()
            database.execute(f"insert into copied select * from {table}")
            costs[table] = (time.perf_counter() - started) * 1e6 / count
            database.execute("drop table copied")
    return costs


def settled(address: str, count: int) -> float:
    """Microseconds a record to write each change a second time: an intent, durable before the request, gets its end.

    One statement for all of them, where a hub needs one and a commit for each page.
    """
    import psycopg

    with psycopg.connect(address, autocommit=True) as database:
        database.execute("create table copied (like hub_change including all)")
        database.execute("insert into copied select * from hub_change")
        database.execute("update copied set state = 'sending', sent_at = null, ended_at = null, after = null")
        database.execute("vacuum full analyze copied")
        started = time.perf_counter()
        database.execute(
            "update copied set state = o.state, sent_at = o.sent_at, ended_at = o.ended_at, after = o.after, "
            "destination_key = o.destination_key, link_id = o.link_id from hub_change o where o.id = copied.id"
        )
        taken = (time.perf_counter() - started) * 1e6 / count
        database.execute("drop table copied")
    return taken


if __name__ == "__main__":
    main()
