"""The writes a merged record needs, on either side: what is sent, against which state, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.engine import canonical, plan
from hub.engine.mapping import Excluded, Mapped, Problem, ProblemKind, Rejected
from hub.engine.merge import Authority, Merged
from hub.sdk import Fields, Operation, Record
from hub.services.run import reference
from hub.services.run.acknowledge import SETTLED
from hub.services.run.flow import Flow
from hub.services.run.twoway.pair import Pair

Decisions = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Both:
    """A record of both sides in the mapping's form, with what was decided."""

    pair: Pair
    here: Fields
    there: Fields
    merged: Merged

    @property
    def is_whole(self) -> bool:
        """Whether one write ends it: nothing is asked, and nothing is to be written to the other side as well."""
        return not self.merged.asked and not (self.merged.to_destination and self.merged.to_source)


def update_destination(flow: Flow, both: Both, extra: Fields) -> plan.Planned:
    """The update of the destination's record; `extra` are fields beyond the mapping (an archiving taken back)."""
    fields = {**both.merged.to_destination, **extra}
    record = both.pair.destination
    image = {**{name: value for name, value in both.there.items() if value is not None}, **fields}
    digest = canonical.raw_digest(both.pair.source.data, flow.salt) if both.pair.source and both.is_whole else ""
    return _planned(
        both.pair, "destination", Operation.UPDATE, fields,
        image=image, before=dict(both.there), source_digest=digest, record=record, other=both.pair.source,
        decisions=_decided(both, fields),
    )  # fmt: skip


def update_source(flow: Flow, both: Both, extra: Fields) -> plan.Planned | Rejected | None:
    """The update of the source's record by the way back; None when it comes out as it is."""
    wanted = back(flow, both.pair, {**both.there, **both.merged.to_source})
    present = back(flow, both.pair, {**both.there, **{name: both.here.get(name) for name in both.merged.to_source}})
    if isinstance(wanted, Rejected):
        return wanted
    known = present if isinstance(present, dict) else {}
    data = canonical.to_json(both.pair.source.data) if both.pair.source else {}
    fields = {name: value for name, value in wanted.items() if name not in known or known[name] != value} | dict(extra)
    fields = {name: value for name, value in fields.items() if name not in data or data[name] != value}
    if not fields:
        return None
    return _planned(
        both.pair, "source", Operation.UPDATE, fields,
        image={**data, **fields}, before={name: data.get(name) for name in fields},
        source_digest=SETTLED if both.is_whole else "", record=both.pair.source, other=both.pair.destination,
        decisions=_decided(both, both.merged.to_source),
    )  # fmt: skip


def create_destination(flow: Flow, pair: Pair, here: Fields) -> plan.Planned:
    """The destination's record of one that only the source has. Fields that belong to the destination are not sent."""
    policies = flow.compiled.policies
    fields = {name: value for name, value in here.items() if policies[name].authority is not Authority.DESTINATION}
    digest = canonical.raw_digest(pair.source.data, flow.salt) if pair.source else ""
    return _planned(
        pair, "destination", Operation.CREATE, fields,
        image=dict(fields), before=None, source_digest=digest, record=None, other=pair.source,
        decisions=_created(here, "new at the source"),
    )  # fmt: skip


def create_source(flow: Flow, pair: Pair, there: Fields) -> plan.Planned | Rejected | Excluded:
    """The source's record of one that only the destination has, by the way back."""
    found = flow.compiled.back
    if found is None:
        return Excluded("the mapping has no way back")
    result = found.map_record(Record(pair.key, {**(pair.destination.data if pair.destination else {}), **there}))
    if not isinstance(result, Mapped):
        return result
    fields = _with_references(flow, result)
    if isinstance(fields, Rejected):
        return fields
    return _planned(
        pair, "source", Operation.CREATE, fields,
        image=dict(fields), before=None, source_digest=SETTLED, record=None, other=pair.destination,
        decisions=_created(there, "new at the destination"),
    )  # fmt: skip


def removal(pair: Pair, side: str, before: Fields, archive: Mapping[str, Any] | None) -> plan.Planned:
    """The deletion at `side` of a record that is gone at the other, or, with archive fields, its archiving."""
    gone = "source" if side == "destination" else "destination"
    fields = dict(archive or {})
    names = fields or {"": None}
    return _planned(
        pair, side, Operation.DELETE if archive is None else Operation.UPDATE, fields,
        image={**before, **fields}, before=dict(before), source_digest="", record=pair.record(side), other=None,
        decisions={name: {"rule": f"deleted at the {gone}", "value": value} for name, value in names.items()},
        is_archive=archive is not None,
    )  # fmt: skip


def back(flow: Flow, pair: Pair, there: Fields) -> dict[str, Any] | Rejected:
    """What the way back makes of a destination's record with these mapped fields, as JSON."""
    rules = flow.compiled.back
    if rules is None:
        return {}
    data = pair.destination.data if pair.destination else {}
    result = rules.image_of(Record(pair.key, {**data, **there}))
    return result if isinstance(result, Rejected) else _with_references(flow, result)


def _with_references(flow: Flow, mapped: Mapped) -> dict[str, Any] | Rejected:
    """The fields, with the source's keys of the records they refer to."""
    found = reference.resolve_back(flow, set(mapped.references.values()))
    missing = [(name, *pair) for name, pair in mapped.references.items() if pair not in found]
    if missing:
        told = [f"{name} refers to {key} of “{other}”, which is not linked yet" for name, other, key in missing]
        return Rejected(tuple(Problem(missing[0][0], ProblemKind.MISSING_VALUE, text) for text in told))
    keys = {name: found[pair] for name, pair in mapped.references.items()}
    return canonical.to_json({**mapped.image, **keys})


def _created(image: Fields, rule: str) -> Decisions:
    return {name: {"rule": rule, "value": value} for name, value in image.items()} or {"": {"rule": rule}}


def _decided(both: Both, written: Fields) -> Decisions:
    """What a change remembers of the decisions: written fields, those acknowledged with them, and those asked about."""
    merged = both.merged
    told: Decisions = {name: {"rule": "restored"} for name in written}
    for name, why in merged.why({**merged.to_destination, **merged.to_source}).items():
        if name in written:
            told[name] = {**why, "value": written[name]}
            if name in merged.to_destination and name in merged.to_source:
                told[name]["pending"] = True
    for name in merged.acknowledged:
        told[name] = {"rule": "agreed", "own": [both.here.get(name), both.there.get(name)]}
    return told | {one.name: {"rule": one.rule, "asked": True} for one in merged.asked}


def _planned(  # noqa: PLR0913  one keyword for each thing a write is made of
    pair: Pair, side: str, operation: Operation, fields: Fields, *,
    image: Fields, before: Fields | None, source_digest: str, record: Record | None, other: Record | None,
    decisions: Decisions, is_archive: bool = False,
) -> plan.Planned:  # fmt: skip
    link = pair.link
    there = pair.destination.key if pair.destination else link.destination_key if link else None
    is_new_there = side == "destination" and operation is Operation.CREATE
    return plan.Planned(
        source_key=pair.key,
        operation=operation,
        image=image,
        fields=fields,
        before=before,
        digest=canonical.digest({"": operation.value, **fields}, side.encode()),
        source_digest=source_digest,
        source_version=other.version if other else None,
        link_id=link.id if link else None,
        destination_key=None if is_new_there else there,
        precondition=record.version if record else None,
        ack_seq=link.ack_seq if link else 0,
        is_archive=is_archive,
        side=side,
        decisions=decisions,
        key_gen=link.key_gen if link else 0,
        quiet_until=link.quiet_until if link else None,
    )
