"""What a sweep costs beside a growing history: `python bench/sweep.py [--changes 1000000]`; on DATABASE_URL's server.

The sweeper looks every few seconds for anything due. What is settled must not make that dearer: the figure is the
time of a sweep with so many settled changes behind it, over the time with none. Goal: flat (below 1.5).
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MAPPINGS, WAITING, SWEEPS = 50, 200, 31
# Copies of one settled change, each of a record of its own, over all mappings.
SETTLED = """
insert into hub_change ({names}, source_key, mapping_id)
select {names}, 'k' || n, (select min(id) from hub_mapping) + n % {mappings} from {series} cross join hub_change
where hub_change.source_key = 'settled'
"""
SERIES = {
    "postgresql": "generate_series(1, {count}) as s(n)",
    "sqlite": "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {count}) select n from s)",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help="measure in the database that is named, an empty one")
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(measured(given.changes)))
        return
    from bench.place import fresh, timed

    with fresh("bench_sweep") as environment:
        command = [sys.executable, __file__, "--inside", "--changes", given.changes]
        found = timed(command, environment, str(ROOT))
    for name in ("sweep", "due"):
        empty, full = found[f"{name} empty"], found[f"{name} full"]
        print(f"{name:6} none settled {empty:6.1f} ms   {given.changes:,} settled {full:6.1f} ms   {full / empty:.2f}")


def measured(count: int) -> dict[str, float]:
    """Milliseconds of a sweep, and of a lane's question what is due, before and after so many settled changes."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from hub import queue
    from hub.models import Change

    call_command("migrate", verbosity=0)
    queue._enqueue = lambda job, **ids: None
    furnish()
    found = {f"{name} empty": took for name, took in times().items()}
    with connection.cursor() as cursor:
        names = [field.column for field in Change._meta.concrete_fields]
        rest = ", ".join(name for name in names if name not in ("id", "source_key", "mapping_id"))
        series = SERIES[connection.vendor].format(count=count)
        cursor.execute(SETTLED.format(names=rest, mappings=MAPPINGS, series=series))
        cursor.execute("analyze")
    return found | {f"{name} full": took for name, took in times().items()}


def furnish() -> None:
    """Mappings, each with a run behind it, and some changes that wait for a later moment or are due."""
    from datetime import timedelta

    from hub import clock
    from hub.models import Change, Connection, Integration, Lane, Link, Mapping, SyncRun, User

    one, two = (User.objects.create(username=name) for name in ("one", "two"))
    integration = Integration.objects.create(name="bench", title="bench", owner=one, deputy=two)
    ends = [Connection.objects.create(name=name, title=name, connector="rest", config={}) for name in ("from", "to")]
    now = clock.now()
    for number in range(MAPPINGS):
        mapping = Mapping.objects.create(
            integration=integration, name=f"m{number}", source=ends[0], source_stream="s", destination=ends[1],
            destination_stream="d",
        )  # fmt: skip
        Lane.objects.create(mapping=mapping, slice=0)
        run = SyncRun.objects.create(
            mapping=mapping, integration=integration, trigger="person", state="succeeded", queued_at=now
        )
        for each in range(WAITING // MAPPINGS):
            link = Link.objects.create(mapping=mapping, source_key=f"w{each}", updated_at=now)
            due = now + timedelta(hours=1) if each % 2 else None
            Change.objects.create(
                run=run, mapping=mapping, link=link, source_key=f"w{each}", operation="update", state="retry_wait",
                due_at=due, bucket=each,
            )  # fmt: skip
    Change.objects.create(
        run=run, mapping=mapping, source_key="settled", operation="update", state="applied", sent_at=now, ended_at=now
    )


def times() -> dict[str, float]:
    """Medians, in milliseconds."""
    from hub import clock
    from hub.models import Lane
    from hub.services import sweep
    from hub.services.run import pick

    def ask() -> None:
        list(pick.due(lane, 1, clock.now())[:500])

    def look() -> None:
        Lane.objects.update(rung_at=None)
        assert sweep.sweep(clock.now()) == MAPPINGS

    lane = Lane.objects.select_related("mapping").order_by("id")[0]
    return {"sweep": _median(look), "due": _median(ask)}


def _median(work) -> float:  # type: ignore[no-untyped-def]
    seconds = []
    for _ in range(SWEEPS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return median(seconds) * 1000


if __name__ == "__main__":
    main()
