"""The hub beside dlt and beside the machine's limits, in one run: `python bench/sync.py [CASE …] [--records N]`."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.place import api, fresh, install_peer, tell, timed  # noqa: E402  found beside this script
from bench.table import Row, show  # noqa: E402

LATENCY, CONNECTIONS = 0.02, 32


@dataclass(frozen=True)
class Bench:
    """What a round works with: how many records, the peer's Python (None: without it), where to put a profile."""

    records: int
    peer: Path | None
    profile: str = ""


@dataclass(frozen=True)
class Ends:
    """One case: its API, and the environment of its database, which names a folder of its own as well."""

    case: str
    address: str
    environment: dict[str, str]
    connections: int = 1

    def hub(self, what: str, *options: object) -> dict[str, float]:
        """A process of the hub's side."""
        command = [sys.executable, ROOT / "bench/mapping.py", what, self.case, self.address, *options]
        return timed(command, self.environment, str(ROOT))

    def other(self, python: Path | None) -> dict[str, float] | None:
        """A process of the peer's side."""
        if python is None:
            return None
        case, folder = "merge" if self.case == "sql" else self.case, self.environment["HUB_STATE"]
        # It wants a password even where the server does not.
        place = self.environment["DATABASE_URL"].replace("postgres@", "postgres:unused@")
        return timed([python, ROOT / "bench/peer.py", case, self.address, folder, place], {}, folder)

    def limit(self, loop: str, count: int) -> float:
        """Records a second of the bare loop."""
        command = [sys.executable, ROOT / "bench/limits.py", loop, self.address, count, self.connections]
        return count / timed(command, self.environment, str(ROOT))["seconds"]


def merge(bench: Bench) -> list[Row]:
    """A first load, a second read in which nothing changed, and one in which one record in a hundred did."""
    count, rows = bench.records, []
    with api(count) as address, fresh("bench_hub") as mine, fresh("bench_peer") as theirs:
        hub, peer = Ends("sql", address, mine), Ends("sql", address, theirs)
        hub.hub("setup")
        for case, goal, edition, written in (
            ("first load", "2", 0, count), ("unchanged", "8", 0, 0), ("1 % changed", "5", 1, count // 100),
        ):  # fmt: skip
            tell(address, f"/edition?number={edition}&share=100", "POST")
            other, found = peer.other(bench.peer), hub.hub("run", "--profile", bench.profile)
            assert found["written"] == written, found
            loop = "first" if case == "first load" else "unchanged"
            rows.append(Row(case, goal, count, found, other, peer.limit(loop, count)))
    return rows


def million(bench: Bench) -> list[Row]:
    """Ten times as many known records, none changed; their links are put there directly."""
    count = bench.records * 10
    with api(count) as address, fresh("bench_hub") as mine:
        hub = Ends("sql", address, mine)
        hub.hub("setup")
        hub.hub("links", "--records", count)
        found = hub.hub("run", "--profile", bench.profile)
        assert found["unchanged"] == count, found
        return [Row("unchanged", "8", count, found, None, hub.limit("unchanged", count))]


def batch(bench: Bench) -> list[Row]:
    """Every record new, written to another API 500 a request."""
    return _posted(bench, "batch", "2.5", bench.records // 2)


def single(bench: Bench) -> list[Row]:
    """Every record new, written to another API one a request, intents committed first."""
    return _posted(bench, "single", "8", bench.records // 5)


def _posted(bench: Bench, case: str, goal: str, count: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as two, api(count) as address:
        other = Ends(case, address, {"DATABASE_URL": "", "HUB_STATE": two}).other(bench.peer)
        assert other is None or tell(address, "/count")["count"] == count
    with api(count) as address, fresh("bench_hub") as mine:
        hub = Ends(case, address, mine)
        found = _written(hub, count, bench)
        return [Row(f"{case}, 0 ms", goal, count, found, other, hub.limit(case, count))]


def latency(bench: Bench) -> list[Row]:
    """One a request at an API that takes 20 ms, over 32 connections; the limit is connections / latency."""
    count = bench.records // 10
    with api(count, LATENCY) as address, fresh("bench_hub") as mine:
        found = _written(Ends("single", address, mine, CONNECTIONS), count, bench)
        return [Row("single, 20 ms, 32 connections", "", count, found, None, CONNECTIONS / LATENCY)]


def _written(hub: Ends, count: int, bench: Bench) -> dict[str, float]:
    hub.hub("setup", "--connections", hub.connections)
    found = hub.hub("run", "--profile", bench.profile)
    assert tell(hub.address, "/count")["count"] == found["written"] == count, found
    return found


CASES: dict[str, Callable[[Bench], list[Row]]] = {
    "merge": merge, "million": million, "batch": batch, "single": single, "latency": latency,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all when none is named")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true", help="without dlt: the hub beside the limits only")
    parser.add_argument("--profile", default="", help="a file for cProfile's account of the hub's last run")
    given = parser.parse_args()
    bench = Bench(given.records, None if given.no_peer else install_peer(), given.profile)
    chosen = given.cases or list(CASES)
    show([[row for case in chosen for row in CASES[case](bench)] for _ in range(given.rounds)])


if __name__ == "__main__":
    main()
