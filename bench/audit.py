"""What the audit trail costs, and how fast it is proven: `python bench/audit.py [--events 1000000]` on DATABASE_URL.

In one run: events written by 8 threads without and with a sealer beside them (PostgreSQL; one thread on SQLite), a bulk
update of 10,000 governed rows and single saves without and with the triggers, then so many events sealed and verified,
in the database and as an export by the stand-alone file. Goal: a million verified in at most 60 s.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WRITERS, SECONDS, ROWS, SAVES = 8, 8.0, 10_000, 300
# Copies of one event, each with a number and a name of its own.
COPIES = """
insert into hub_auditevent ({names}, uid, subject_name)
select {names}, {uid}, 'subject ' || n from {series} cross join (select * from hub_auditevent order by id limit 1) one
"""
DIALECTS = {
    "postgresql": ("gen_random_uuid()", "generate_series(1, {count}) as s(n)"),
    "sqlite": (
        "lower(hex(randomblob(16)))",
        "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {count}) select n from s)",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help="measure in the database that is named, an empty one")
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(measured(given.events)))
        return
    from bench.place import fresh, timed

    with fresh("bench_audit") as environment:
        found = timed([sys.executable, __file__, "--inside", "--events", given.events], environment, str(ROOT))
    for name, value in found.items():
        print(f"{name:44}{value:14,.1f}")


def measured(count: int) -> dict[str, float]:
    """Everything, by what it is called."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return {**written(), **governed(), **proven(count)}


class Watch:
    """Seconds of some work by the clock, and of the processor alone, which do not count what else the machine does."""

    def __init__(self, work: Callable[[], Any]) -> None:
        clock, processor = time.perf_counter(), time.process_time()
        work()
        self.seconds, self.processor = time.perf_counter() - clock, time.process_time() - processor

    def told(self, what: str, count: int) -> dict[str, float]:
        return {
            f"s, {what}": self.seconds,
            f"s of the processor, {what}": self.processor,
            f"entries/s {what}": count / self.seconds,
        }


def timed_call(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def written() -> dict[str, float]:
    """Events a second, each in a transaction of its own, without and with a sealer beside them."""
    from hub.services.audit.seal import seal

    plain = rate_of_writing(lambda: None)
    beside = rate_of_writing(seal)
    return {"events/s, nobody seals": plain, "events/s, sealed each second": beside, "share": beside / plain}


def rate_of_writing(chore: Callable[[], Any]) -> float:
    from django.db import connection, connections

    from hub.models import Integration, User
    from hub.services import audit

    ada, _ = User.objects.get_or_create(username="ada")
    rose, _ = User.objects.get_or_create(username="rose")
    row, _ = Integration.objects.get_or_create(name="bench", defaults={"title": "Bench", "owner": ada, "deputy": rose})
    end, counts = time.perf_counter() + SECONDS, []

    def write() -> None:
        done = 0
        while time.perf_counter() < end:
            audit.record(actor=ada, action="integration.change", subject=row, detail={"title": ["a", "b"]}, reason="x")
            done += 1
        counts.append(done)
        connections.close_all()

    writers = [threading.Thread(target=write) for _ in range(WRITERS if connection.vendor == "postgresql" else 1)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        chore()
        time.sleep(1)
    for writer in writers:
        writer.join()
    return sum(counts) / SECONDS


def governed() -> dict[str, float]:
    """Milliseconds of writing governed rows, without and with the triggers and the name of who writes."""
    from django.db import connection, transaction

    from hub import provenance
    from hub.models import Connection, guard

    Connection.objects.bulk_create(
        [Connection(name=f"c-{number}", title="x", connector="toy") for number in range(ROWS)], batch_size=500
    )
    one = Connection.objects.get(name="c-1")

    def save() -> None:
        for number in range(SAVES):
            with transaction.atomic():
                one.title = f"saved {number}"
                one.save()

    found: dict[str, float] = {}
    for name, put in (("unguarded", guard.remove), ("guarded", guard.install)):
        put(connection)
        with provenance.acting(provenance.Provenance(actor="ada", method="session")):
            bulk = timed_call(lambda name=name: Connection.objects.update(title=name))  # type: ignore[misc]
            found[f"ms, 10,000 rows by one update, {name}"] = bulk * 1000
            found[f"ms, one row saved, {name}"] = timed_call(save) / SAVES * 1000
    return found


def proven(count: int) -> dict[str, float]:
    """Entries a second: sealed, verified in the database, exported, and verified by the file alone."""
    from django.db import connection

    from hub.evidence import verify_lines
    from hub.models import AuditEvent, SealedEntry
    from hub.services import audit
    from hub.services.audit.seal import seal
    from hub.services.audit.verify import export, verify

    names = ", ".join(
        f'"{field.column}"' for field in AuditEvent._meta.fields if field.name not in ("id", "uid", "subject_name")
    )
    uid, series = DIALECTS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(COPIES.format(names=names, uid=uid, series=series.format(count=count)))
        cursor.execute("analyze")

    def seal_all() -> None:
        while seal():
            pass

    waiting = AuditEvent.objects.count() - SealedEntry.objects.count()
    sealing = Watch(seal_all)
    total = SealedEntry.objects.count()
    verifying = Watch(lambda: exit_unless_good(verify()))
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.jsonl"
        with bundle.open("w") as to:
            exporting = Watch(lambda: export(to))
        with bundle.open() as texts:
            alone = Watch(lambda: exit_unless_good(verify_lines(texts, audit.public_keys())))
        size = bundle.stat().st_size
    return {
        "entries": total,
        "MB of export": size / 1e6,
        **sealing.told("sealed", waiting),
        **verifying.told("verified in the database", total),
        **exporting.told("exported", total),
        **alone.told("verified by the file alone", total),
    }


def exit_unless_good(found: Any) -> None:
    if found.code:
        sys.exit(f"{found.code}: {found.told} at {found.position}")


if __name__ == "__main__":
    main()
