"""Tries a two-way mapping on real records of both sides before it is activated: what leaves must come back."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.engine import canonical, roundtrip
from hub.engine.roundtrip import Loss
from hub.models import MappingVersion, User
from hub.sdk import ConfigError, Record
from hub.services import payload, preview
from hub.services.preview import PreviewState
from hub.services.story.lens import Lens

SAMPLES = 25  # of each side
MOST_TOLD = 10
WHOLE = "the record"  # in place of a field, where a record does not come back at all


def losses(*, version: MappingVersion, here: Sequence[Record], there: Sequence[Record]) -> list[Loss]:
    """What gets lost of these records of the source and of the destination without being declared.

    Runs in a process of its own, as a preview does. Raises MappingError when the rules are wrong.
    """
    body = version.body
    maps, back = body.get("value_maps", {}), body.get("back", {})
    forth = {name: rule for name, rule in body.items() if name not in ("back", "back_filter")}
    ways = {"fields": back, "value_maps": maps}
    found = _there_and_back("source", here, (forth, ways), _undeclared(back, body["fields"]))
    again = roundtrip.returning(body)
    if again:
        only = {"fields": {name: _bare(rule) for name, rule in again.items()}, "value_maps": maps}
        found += _there_and_back("destination", there, (ways, only), _undeclared(again, back))
    return found


def refuse_loss(
    *, version: MappingVersion, here: Sequence[Record], there: Sequence[Record], by: User | None = None
) -> None:
    """Raise ConfigError with a table of what gets lost, and how to go on, when anything does.

    It shows `by` only the values that this person may see; None is who works at the host.
    """
    found = losses(version=version, here=here, there=there)
    if not found:
        return
    ends = {"source": version.mapping.source, "destination": version.mapping.destination}
    lens = payload.lens_on_draft(by, version) if by else payload.lens_of_host()
    lines = [f"{ends[one.side]}, record {one.key}: {one.field} {_told(one, lens)}" for one in found[:MOST_TOLD]]
    rest = f"\n… and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    raise ConfigError(
        "Values get lost on the way to the other side and back:\n" + "\n".join(lines) + rest + "\n"
        "Correct the rules, give the field to one side (authority), or declare the loss: "
        "“round_trip”: {“lossy”: “why”}."
    )


def _told(loss: Loss, lens: Lens) -> str:
    """How a value came back; without the values where they are hidden from whoever reads it."""
    is_whole = loss.field == WHOLE
    if lens.takes if is_whole else lens.side(loss.side)(loss.field):
        return "does not come back as it left"
    return f"is {loss.value!r} and came back as {loss.came_back!r}"


def _undeclared(rules: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    lossy = roundtrip.declared(rules, others)
    return [name for name, rule in rules.items() if name not in lossy and "reference" not in rule]


def _there_and_back(
    side: str, records: Sequence[Record], ways: tuple[Mapping[str, Any], Mapping[str, Any]], names: Sequence[str]
) -> list[Loss]:
    """Records mapped by the first way, and what came of it mapped by the second."""
    out = preview.evaluate(ways[0], [record.data for record in records])
    gone = [
        (record, result) for record, result in zip(records, out, strict=True) if result.state is PreviewState.MAPPED
    ]
    back = preview.evaluate(ways[1], [result.image for _, result in gone])
    found: list[Loss] = []
    for (record, _), result in zip(gone, back, strict=True):
        left = canonical.to_json(record.data)
        if result.state is PreviewState.MAPPED:
            found += roundtrip.losses(side, record.key, left, result.image, names)
        else:
            told = "; ".join(problem.message for problem in result.problems) or result.reason
            found.append(Loss(side, record.key, WHOLE, None, told))
    return found


def _bare(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without what only matters between two sides."""
    return {name: value for name, value in rule.items() if name not in ("authority", "conflict", "when_unauthorised")}
