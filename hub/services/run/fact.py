"""FACT: appended once by natural key, never changed, never removed. Facts commute: a stuck one blocks only itself."""

from dataclasses import replace

from hub.engine import plan
from hub.models import Change, ExceptionKind, KnownLink, LinkState, Semantics
from hub.services.run import rebase
from hub.services.run.flow import Flow
from hub.services.run.piles import OpenChanges, Sorted, Surroundings
from hub.services.run.raised import Raised


def is_appended(flow: Flow) -> bool:
    """Whether records of this mapping are facts."""
    return flow.mapping.semantics == Semantics.FACT


def queued(waiting: OpenChanges) -> dict[str, str]:
    """The digest of each of these facts that is on its way."""
    ids = [id_ for id_, _ in waiting.values()]
    return dict(Change.objects.filter(pk__in=ids).values_list("source_key", "digest")) if ids else {}


def take(wanted: plan.Wanted, link: KnownLink | None, known: Surroundings, found: Sorted) -> None:
    """Append a fact that is new; ask about one that changed since it was appended."""
    key = wanted.source_key
    on_its_way = found.facts.get(key)
    if link is not None and link.state == LinkState.LINKED:
        _compare(wanted, link, found)
    elif on_its_way is not None:
        _meet_again(wanted, on_its_way, found)
    elif link is not None and wanted.digest == link.refused_digest and key in known.open_refusals:
        found.still_refused.append(key)
    elif link is not None and wanted.digest == link.refused_digest and link.source_digest == wanted.source_digest:
        found.excluded += 1  # a person has skipped it
    else:
        found.planned.append(plan.plan_write(wanted, replace(rebase.known(link), destination_key=None), None))
        found.facts[key] = wanted.digest


def _compare(wanted: plan.Wanted, link: KnownLink, found: Sorted) -> None:
    reads_as_appended = link.source_digest == wanted.source_digest or wanted.source_key in found.appended
    if link.digest == wanted.digest or reads_as_appended:
        found.unchanged += 1
        if link.digest == wanted.digest:
            found.agreed.append(wanted.source_key)
        if link.digest == wanted.digest or link.source_digest != wanted.source_digest:
            found.touched.append((link.id, wanted.source_digest, wanted.source_version, link.digest))
    else:
        found.raised.append(_changed(wanted, f"appended as {link.destination_key}"))


def _meet_again(wanted: plan.Wanted, digest: str, found: Sorted) -> None:
    if digest == wanted.digest:
        found.excluded += 1
    else:
        found.raised.append(_changed(wanted, "on its way to the destination"))


def _changed(wanted: plan.Wanted, where: str) -> Raised:
    return Raised(
        ExceptionKind.FACT_CHANGED,
        wanted.source_key,
        f"This fact was {where} and reads otherwise at the source now. A fact is appended once and never changed: "
        "correct it at the source by a new fact, or skip this to keep what was appended.",
        code="fact-changed",
        evidence={"source": wanted.image, "source_digest": wanted.source_digest},
    )
