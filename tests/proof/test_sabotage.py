"""One rule of the hub is broken on purpose; if the harness does not notice, it proves nothing (8.2.8).

The promises that must be seen to break: I1, I5, I7, I8, I9, I11, I14.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hub import failpoint
from hub.engine import intent, merge, resolve
from hub.models import Checkpoint, Lane, SyncRun
from hub.sdk import Answer
from hub.services.run import commit, lease, limits, page, removal
from hub.services.run.twoway import propose
from tests.proof import both_ways
from tests.proof.breaks import BREAKS
from tests.proof.scenarios import SCENARIOS as ONE_WAY
from tests.proof.stage import simulated
from tests.proof.world import World

Sabotage = Callable[[pytest.MonkeyPatch], None]
SCENARIOS = ONE_WAY | both_ways.SCENARIOS


@pytest.fixture(autouse=True)
def _simulated(transactional_db: None) -> Iterator[None]:
    with simulated():
        yield


def probe_without_waiting(patch: pytest.MonkeyPatch) -> None:
    """“Not found” is taken for “did not happen” before the request can no longer land."""
    patch.setattr(resolve, "landed_at", lambda doubt, offered, landing: doubt.lost_at)


def resend_after_ttl(patch: pytest.MonkeyPatch) -> None:
    """The same key is sent again after the destination has forgotten it."""
    patch.setattr(resolve, "is_keyed", lambda doubt, offered, landing, now: offered.key is not None)


def no_epoch_check(patch: pytest.MonkeyPatch) -> None:
    """A worker that slept past its lease goes on as if nothing had been."""
    patch.setattr(Lane, "hold", lambda lane: None)
    patch.setattr(lease, "secure", lambda lane, deadline: None)


def checkpoint_before_rows(patch: pytest.MonkeyPatch) -> None:
    """The position is committed as soon as a page is read."""
    refuse_standstill = limits.refuse_standstill

    def early(flow: Any, found: Any) -> None:
        refuse_standstill(flow, found)
        told = {"cursor": found.cursor, "updated_at": flow.run.queued_at, "complete_at": flow.run.queued_at}
        Checkpoint.objects.update_or_create(mapping=flow.mapping, defaults=told)
        SyncRun.objects.filter(pk=flow.run.pk).update(cursor=found.cursor, read_complete=found.done)

    patch.setattr(limits, "refuse_standstill", early)


def retry_ambiguous_writes(patch: pytest.MonkeyPatch) -> None:
    """Silence is taken for “it did not happen”."""
    patch.setitem(intent.AFTER, Answer.UNKNOWN, intent.State.RETRY_WAIT)


def absence_from_an_incomplete_read(patch: pytest.MonkeyPatch) -> None:
    """What a page shift hid is taken for deleted."""
    patch.setattr(removal, "_confirmed", lambda flow, links: [link.source_key for link in links])


def supersede_while_unresolved(patch: pytest.MonkeyPatch) -> None:
    """A newer change takes the place of one that may still land."""
    patch.setattr(page, "UNRESOLVED", frozenset())
    patch.setattr(commit, "UNRESOLVED", frozenset())


def one_base_for_both_sides(patch: pytest.MonkeyPatch) -> None:
    """What a side makes of a value by itself is taken for somebody's edit there: echoes are not suppressed."""
    patch.setattr(merge.Images, "destination", property(lambda images: images.agreed))


def no_precondition_at_the_source(patch: pytest.MonkeyPatch) -> None:
    """What goes back to the source is written whatever became of the record there."""
    planned = propose._planned

    def blind(pair: Any, side: str, *told: Any, record: Any, **more: Any) -> Any:
        return planned(pair, side, *told, record=None if side == "source" else record, **more)

    patch.setattr(propose, "_planned", blind)


# What is broken, the scenario that meets it, and how that is broken itself (None: it is left alone).
CASES: dict[str, tuple[Sabotage, str, tuple[str, str] | None]] = {
    "probe without waiting": (probe_without_waiting, "lost answers, marker", None),
    "resend after ttl": (resend_after_ttl, "forgotten key", None),
    "no epoch check": (no_epoch_check, "lost requests, marker", ("freeze", "send.before")),
    "checkpoint before rows": (checkpoint_before_rows, "update", ("kill", "page.sorted")),
    "retry ambiguous writes": (retry_ambiguous_writes, "lost answers, marker", None),
    "supersede while unresolved": (supersede_while_unresolved, "late copy", None),
    "absence from an incomplete read": (absence_from_an_incomplete_read, "shifting pages", None),
    "one base for both sides": (one_base_for_both_sides, "both ways, a form of its own", None),
    "no precondition at the source": (no_precondition_at_the_source, "both ways, edited meanwhile", None),
}


@pytest.mark.parametrize("name", CASES)
def test_of_this_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage, scenario, broken = CASES[name]
    assert _told(scenario, broken) == []

    sabotage(monkeypatch)

    assert _told(scenario, broken) != []


def _told(scenario: str, broken: tuple[str, str] | None) -> list[str]:
    """What the judge says of this scenario."""
    life = SCENARIOS[scenario]
    world: World = life.begin()
    if broken:
        BREAKS[broken[0]](world, broken[1], 1)
    life.during(world)
    failpoint.disarm()
    world.quiet()
    return life.agreement(world)
