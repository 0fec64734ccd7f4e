"""Whether a goal can be met at all: `python bench/floor.py [--records 50000]`, with `DATABASE_URL` of a PostgreSQL.

For each case, in one run: what the goal leaves for a record (the peer's time divided by the goal), and what a record
costs in the parts that no hub can do without, each measured alone:

- outside: fetch, parse, and COPY or POST, by the bare loop of `limits.py`,
- mapping: the mapping, the contract check and the digests, by the engine alone, from parsed records,
- evidence: each row that the case leaves behind, inserted once by one statement a table (see `evidence.py`),
- intents: each change written a second time, because it has to be durable as an intent before its request leaves.

In these parts nothing is asked of the database, nothing judged, no counts, no lease, no pause, no commit a page, and
no data is carried between them. “together” is their sum: what they take one after the other. “apart” is the longer of
Python and PostgreSQL: what they would take if all of PostgreSQL's work were done while Python does its own. Where even
that is above the goal, the goal cannot be met; where the goal lies between, it takes perfect overlap and nothing else.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.evidence import copied, settled  # noqa: E402  found beside this script
from bench.place import api, fresh, install_peer  # noqa: E402
from bench.source import BODY, record  # noqa: E402
from bench.sync import Ends  # noqa: E402

GOALS = {"sql": ("first load", 2.0), "batch": ("batch of 500", 2.5), "single": ("single, 0 ms", 8.0)}
LOOPS = {"sql": "first", "batch": "batch", "single": "single"}


@dataclass(frozen=True)
class Floor:
    """Microseconds a record: of the peer, of the hub, and of each part that cannot be left out."""

    case: str
    goal: float
    peer: float
    hub: float
    outside: float
    mapping: float
    evidence: float
    intents: float

    @property
    def allowed(self) -> float:
        return self.peer / self.goal

    @property
    def together(self) -> float:
        return self.outside + self.mapping + self.evidence + self.intents

    @property
    def apart(self) -> float:
        return max(self.outside + self.mapping, self.evidence + self.intents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="all when none is named")
    parser.add_argument("--records", type=int, default=50_000)
    given = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        sys.exit("Set DATABASE_URL to a PostgreSQL server.")
    peer = install_peer()
    print(f"{'us a record':16}{'dlt':>8}{'goal':>8}{'outside':>10}{'mapping':>10}", end="")
    print(f"{'evidence':>10}{'intents':>10}{'together':>10}{'apart':>8}{'hub':>8}")
    for case in given.cases or GOALS:
        show(measured(case, given.records, peer))


def measured(case: str, count: int, peer: Path) -> Floor:
    """One case: the peer, the hub, then the parts alone."""
    with api(count) as address, fresh("bench_peer") as theirs:
        other = Ends(case, address, theirs).other(peer)
        assert other is not None
    with api(count) as address, fresh("bench_hub") as mine:
        ends = Ends(case, address, mine)
        ends.hub("setup")
        found = ends.hub("run")
        outside = 1e6 / ends.limit(LOOPS[case], count)
        costs, intents = copied(mine["DATABASE_URL"], count), settled(mine["DATABASE_URL"], count)
    name, goal = GOALS[case]
    return Floor(
        name, goal, other["seconds"] * 1e6 / count, found["seconds"] * 1e6 / count, outside, mapped(count),
        sum(costs.values()), intents,
    )  # fmt: skip


def mapped(count: int) -> float:
    """Microseconds a record that the engine alone takes to map it and to tell it from what was known."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    django.setup()
    from hub.engine import canonical
    from hub.engine.mapping import compile_mapping
    from hub.sdk import Record

    compiled = compile_mapping(BODY)
    salt = compiled.digest.encode()
    records = [Record(str(row["id"]), row) for row in map(record, range(count))]
    started = time.perf_counter()
    for one in records:
        result = compiled.map_record(one)
        image = canonical.to_json(result.image)  # type: ignore[union-attr]  # none of these is left out or refused
        canonical.digest(image)
        canonical.raw_digest(one.data, salt)
    return (time.perf_counter() - started) * 1e6 / count


def show(floor: Floor) -> None:
    parts = (floor.outside, floor.mapping, floor.evidence, floor.intents)
    print(f"{floor.case:16}{floor.peer:8.1f}{floor.allowed:8.1f}", end="")
    print("".join(f"{part:10.1f}" for part in parts), end="")
    print(f"{floor.together:10.1f}{floor.apart:8.1f}{floor.hub:8.1f}")


if __name__ == "__main__":
    main()
