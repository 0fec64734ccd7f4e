"""Sorts pairs of records: what agrees, what must be written on which side, and what a person must see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.engine import canonical, plan
from hub.engine.intent import UNRESOLVED
from hub.engine.mapping import Excluded, Mapped, Rejected
from hub.engine.merge import Images, Merged, Side, merge
from hub.models import DeletePolicy, ExceptionKind, LinkState
from hub.sdk import Fields, Record
from hub.services.hint import UNSETTLED
from hub.services.run import raised
from hub.services.run.flow import Flow
from hub.services.run.piles import UNLINKED, Sorted
from hub.services.run.raised import Raised
from hub.services.run.twoway import propose, questions
from hub.services.run.twoway.known import Known, look
from hub.services.run.twoway.pair import Pair, Paired
from hub.services.run.twoway.propose import Both

Seen = tuple[int, str, str, str | None, str | None]


@dataclass(slots=True)
class Found(Sorted):
    """A page of pairs, sorted.

    `linked` are (link, state, fingerprint of the source's data, both versions) of records that agree, `images` what
    is acknowledged of them without a write, `buried` the links of records that are gone on both sides.
    """

    linked: list[Seen] = field(default_factory=list)
    images: list[tuple[int, Images]] = field(default_factory=list)
    buried: list[int] = field(default_factory=list)

    def leave_out(self, key: str) -> None:
        """Count a record that is none of the mapping's business."""
        self.excluded += 1
        self.agreed.append(key)

    def ask(self, question: Raised) -> None:
        """Leave a record to a person."""
        self.raised.append(question)


@dataclass(frozen=True, slots=True)
class _Sorting:
    """One page being sorted."""

    flow: Flow
    known: Known
    found: Found

    def take(self, pair: Pair) -> None:
        """Put one pair into the pile it belongs to."""
        found, key = self.found, pair.key
        waiting = self.known.open_changes.get(key)
        if key in self.known.strangers or (waiting and waiting[1] in UNRESOLVED):
            found.held += 1
            found.hints[key] = UNSETTLED
            return
        if waiting:
            found.superseded[key] = waiting[0]
        result = self.known.mapped.get(key)
        if isinstance(result, Rejected) and pair.source:
            found.ask(raised.rejected(replace(pair.source, key=key), result))
        elif isinstance(result, Mapped):
            self._mapped(pair, result)
        else:
            self._sided(pair, None)

    def _mapped(self, pair: Pair, mapped: Mapped) -> None:
        references = self.known.references
        missing = [name for name, wanted in mapped.references.items() if wanted not in references]
        if missing and pair.source:
            self.found.ask(raised.unlinked(replace(pair.source, key=pair.key), mapped, missing))
            self.found.hints[pair.key] = UNLINKED
            return
        keys = {name: references[wanted] for name, wanted in mapped.references.items()}
        self._sided(pair, canonical.to_json({**mapped.image, **keys}))

    def _sided(self, pair: Pair, here: Fields | None) -> None:
        """By which sides have the record; the filter counts as not having it."""
        state = pair.link.state if pair.link else LinkState.PENDING
        if here is None and pair.destination is None:
            self._nowhere(pair)
        elif state == LinkState.DELETED and self._is_late(pair, here):
            self.found.leave_out(pair.key)
        elif here is not None and pair.destination is not None and pair.link is not None:
            self._both(pair, here, pair.destination)
        elif state == LinkState.LINKED:
            self._one_sided(pair, here)
        elif state == LinkState.GONE:
            self.found.leave_out(pair.key)
        else:
            self._new(pair, here)

    def _is_late(self, pair: Pair, here: Fields | None) -> bool:
        """Whether this is an old state of a record that was deleted since: version and fields it had when it was."""
        link, images = pair.link, self.known.images.get(pair.link.id) if pair.link else None
        if link is None or images is None or (here is not None and pair.destination is not None):
            return False
        if here is not None and pair.source:
            is_old, known, present = pair.source.version == link.source_version, images.source, here
        else:
            there = self._there(pair.destination, images)
            is_old = pair.destination is not None and pair.destination.version == link.destination_version
            known, present = images.destination, there
        return is_old and not any(Side(known, present).has_changed(name) for name in present)

    def _nowhere(self, pair: Pair) -> None:
        if pair.link and pair.link.state in (LinkState.LINKED, LinkState.GONE):
            self.found.buried.append(pair.link.id)
        self.found.leave_out(pair.key)

    def _new(self, pair: Pair, here: Fields | None) -> None:
        """A record that only one side has, and that was never on the other, or was made anew."""
        made: plan.Planned | Rejected | Excluded
        if here is not None:
            made = propose.create_destination(self.flow, pair, here)
        else:
            made = propose.create_source(self.flow, pair, self._there(pair.destination, None))
        self._plan(pair, made)

    def _both(self, pair: Pair, here: Fields, record: Record) -> None:
        link = pair.link
        if link is None:
            return
        images = self.known.images.get(link.id)
        there = self._there(record, images)
        both = Both(pair, here, there, self._merged(pair, here, there, images))
        extra = self._restored(pair) if link.state == LinkState.GONE else ("", {})
        made = self._write(both, extra)
        if made is None:
            self._settled(both, images)
            return
        if both.merged.to_destination and both.merged.to_source:
            self.found.hints[pair.key] = UNSETTLED
            self.flow.again.add(pair.key)
        if both.merged.asked and not isinstance(made, Rejected):
            self.found.questions.append(questions.conflict(self.flow, both, images))
        self._plan(pair, made)

    def _write(self, both: Both, extra: tuple[str, Fields]) -> plan.Planned | Rejected | None:
        """The next write of a pair: the destination's first, because that is where lost answers are expected."""
        side, fields = extra
        if both.merged.to_destination or side == "destination":
            return propose.update_destination(self.flow, both, fields if side == "destination" else {})
        if both.merged.to_source or side == "source":
            return propose.update_source(self.flow, both, fields if side == "source" else {})
        return None

    def _settled(self, both: Both, images: Images | None) -> None:
        """Nothing is to be written: it agrees, or a person is asked."""
        pair, merged, link = both.pair, both.merged, both.pair.link
        if link is None:
            return
        names = [*merged.acknowledged, *merged.to_source]  # what the way back does not change is acknowledged as it is
        if names:
            known = images or Images({})
            self.found.images.append((link.id, known.with_fields(names, both.here, both.here, both.there)))
        if merged.asked:
            self.found.ask(questions.conflict(self.flow, both, images))
            return
        self.found.unchanged += 1
        self.found.agreed.append(pair.key)
        digest = canonical.raw_digest(pair.source.data, self.flow.salt) if pair.source else ""
        versions = [record.version if record else None for record in (pair.source, pair.destination)]
        self.found.linked.append((link.id, LinkState.LINKED.value, digest, versions[0], versions[1]))

    def _one_sided(self, pair: Pair, here: Fields | None) -> None:
        """A linked record that is gone on one side. Whoever edited it on the other is asked, whatever the policy."""
        gone, other = ("destination", "source") if here is not None else ("source", "destination")
        images = self.known.images.get(pair.link.id) if pair.link else None
        there = self._there(pair.destination, images)
        present = here if here is not None else there
        known = getattr(images, other) if images else None
        names = [name for name in self.flow.compiled.policies if Side(known, present).has_changed(name)]
        policy, archive = self._policy(gone)
        is_kept_out = gone == "source" and pair.source is not None  # by the filter: it is not to be made again
        if is_kept_out and policy == DeletePolicy.RESTORE:
            policy = DeletePolicy.EXCEPTION
        if names or policy == DeletePolicy.EXCEPTION or not self._can(policy, other, archive):
            self.found.ask(questions.deletion(self.flow, pair, gone, names, present))
        elif policy == DeletePolicy.IGNORE:
            self.found.leave_out(pair.key)
            self.found.forgotten += [pair.link.id] if pair.link else []
        elif policy == DeletePolicy.RESTORE:
            self._new(pair, here)
        else:
            before = present if other == "destination" else self._raw(pair.source, archive)
            self._plan(pair, propose.removal(pair, other, before, archive if policy == DeletePolicy.ARCHIVE else None))

    def _policy(self, gone: str) -> tuple[str, Mapping[str, Any]]:
        mapping = self.flow.mapping
        if gone == "source":
            return mapping.delete_policy, mapping.archive_fields
        return mapping.back_delete_policy, mapping.back_archive_fields

    def _can(self, policy: str, side: str, archive: Mapping[str, Any]) -> bool:
        """Whether the side that has the record still can do what the policy asks."""
        if policy == DeletePolicy.DELETE:
            return self.flow.end(side).offers.delete is not None
        return policy != DeletePolicy.ARCHIVE or bool(archive)

    def _raw(self, record: Record | None, names: Mapping[str, Any]) -> Fields:
        data = canonical.to_json(record.data) if record else {}
        return {name: data.get(name) for name in names}

    def _restored(self, pair: Pair) -> tuple[str, Fields]:
        """(side, fields) that take back the archiving of a record that both sides have again."""
        for side, record in (("destination", pair.destination), ("source", pair.source)):
            archive = self._policy("source" if side == "destination" else "destination")[1]
            data = canonical.to_json(record.data) if record else {}
            turned = {name: not value for name, value in archive.items() if isinstance(value, bool)}
            if turned and all(data.get(name) == archive[name] for name in turned):
                return side, turned
        return "", {}

    def _there(self, record: Record | None, images: Images | None) -> Fields:
        """The destination's record in the mapping's form: the fields the mapping names."""
        data = canonical.to_json(record.data) if record else {}
        known = images.destination if images else {}
        return {name: data.get(name) for name in self.flow.compiled.policies if name in data or name in known}

    def _merged(self, pair: Pair, here: Fields, there: Fields, images: Images | None) -> Merged:
        compiled, clocks = self.flow.compiled, self.flow.compiled.clocks
        at = {
            side: clocks.at(side, record.data) if clocks and (record := pair.record(side)) else None
            for side in ("source", "destination")
        }
        return merge(
            list(compiled.policies),
            compiled.policies,
            Side(images.source if images else None, here, at["source"]),
            Side(images.destination if images else None, there, at["destination"]),
            clocks.skew if clocks else 0.0,
        )

    def _plan(self, pair: Pair, made: plan.Planned | Rejected | Excluded) -> None:
        """Queue a write, unless it cannot be made, was refused as it is, or only goes back and forth."""
        link = pair.link
        if isinstance(made, Rejected):
            self.found.ask(questions.not_back(pair, made))
        elif isinstance(made, Excluded):
            self.found.leave_out(pair.key)
        elif link and made.digest == link.refused_digest and pair.key in self.known.refused:
            self.found.still_refused.append(pair.key)
        elif names := self.known.flapping(pair.key, made):
            self.found.ask(questions.flapping(self.flow, pair.key, names))
        else:
            self.found.planned.append(made)


def sort(flow: Flow, paired: Paired) -> Found:
    """Decide for every pair. Reads the database, writes nothing."""
    found = Found()
    sorting = _Sorting(flow, look(flow, paired.pairs), found)
    for pair in paired.pairs:
        sorting.take(pair)
    for key in paired.broken:
        found.ask(
            Raised(ExceptionKind.UNREADABLE, key, "One side of this record cannot be read now.", code="unreadable")
        )
    found.seen = [pair.link.id for pair in paired.pairs if pair.link]
    return found
