"""The table of a comparison: medians over all rounds, each figure beside the others of its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HEADINGS = ("case", "records", "hub/s", "dlt/s", "limit/s", "hub:dlt", "whole", "goal", "of limit", "MB", "dlt MB",
            "spread")  # fmt: skip
WIDTHS = (32, 10, 9, 9, 9, 9, 7, 6, 10, 6, 8, 8)


@dataclass(frozen=True)
class Row:
    """One case of one round: what each side told of itself, and the records a second of the bare loop."""

    case: str
    goal: str
    count: int
    hub: dict[str, float]
    peer: dict[str, float] | None
    limit: float

    @property
    def rate(self) -> float:
        """Records a second in the hub's loop, without the start of its process."""
        return self.count / self.hub["seconds"]


def show(rounds: Sequence[Sequence[Row]]) -> None:
    """Print the table. Where the peer was not run, its rate of the case of the same name stands in."""
    print(_line(HEADINGS))
    known: dict[str, float] = {}
    for same in zip(*rounds, strict=True):
        row = same[0]
        peers = [each.peer for each in same if each.peer]
        if peers:
            known[row.case] = median(row.count / peer["seconds"] for peer in peers)
        print(_line(_cells(same, known.get(row.case), peers)))


def _cells(same: Sequence[Row], other: float | None, peers: Sequence[dict[str, float]]) -> tuple[str, ...]:
    row, rates = same[0], [each.rate for each in same]
    rate, limit, wall = median(rates), median(each.limit for each in same), median(each.hub["wall"] for each in same)
    return (
        row.case,
        f"{row.count:,}",
        f"{rate:,.0f}",
        f"{other:,.0f}" if other else "-",
        f"{limit:,.0f}",
        f"{rate / other:.2f}" if other else "-",
        f"{median(peer['wall'] for peer in peers) / wall:.2f}" if peers else "-",
        row.goal,
        f"{rate / limit:.2f}",
        f"{median(each.hub['peak'] for each in same):.0f}",
        f"{median(peer['peak'] for peer in peers):.0f}" if peers else "-",
        f"{(max(rates) - min(rates)) / rate:.0%}",
    )


def _line(cells: Sequence[str]) -> str:
    first, *rest = zip(cells, WIDTHS, strict=True)
    return first[0].ljust(first[1]) + "".join(cell.rjust(width) for cell, width in rest)
