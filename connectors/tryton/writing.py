"""Writes many changes in one call and still knows of each what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from connectors.tryton.answers import CrashError, RefusalError
from connectors.tryton.outcomes import Item, LostError, lost, not_sent, refused
from connectors.tryton.ways import ACTIVE, Caller, Creating, Deleting, Items, Updating, Way
from hub.sdk import Answer, Change, HubError, Operation, Outcome, RecordError


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one stream, at most `batch` changes a call."""

    caller: Caller
    batch: int

    def apply(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """One outcome for each change. After a call without an answer nothing further is sent."""
        waiting = {change.id: change for change in changes}
        try:
            for outcome in self._outcomes(changes):
                waiting.pop(outcome.change_id, None)
                yield outcome
        except LostError as error:
            for item in error.items:
                waiting.pop(item.change.id, None)
                yield lost(item, error.reason)
            message = "Not sent, because an earlier call got no answer."
            yield from (Outcome(it.id, Answer.RETRY, key=it.key, message=message) for it in waiting.values())
        except HubError as error:
            yield from (not_sent(change, error) for change in waiting.values())

    def _outcomes(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        steps = {Operation.CREATE: self._creates, Operation.UPDATE: self._updates, Operation.DELETE: self._deletes}
        for operation, step in steps.items():
            group = [change for change in changes if change.operation is operation]
            for start in range(0, len(group), self.batch):
                yield from step(group[start : start + self.batch])

    def _creates(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        items, outcomes = self._items([self._with_reference(change) for change in changes])
        yield from outcomes
        yield from _settle(items, Creating(self.caller))

    def _updates(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        reachable, outcomes = _reachable(changes, Answer.MISSING)
        yield from outcomes
        items, outcomes = self._items(reachable)
        yield from outcomes
        yield from _settle([item for item in items if not _revives(item)], Updating(self.caller))
        yield from self._revive([item for item in items if _revives(item)])

    def _deletes(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        reachable, outcomes = _reachable(changes, Answer.UNCHANGED)
        yield from outcomes
        archive = self.caller.reader.schema.plan.archive_field
        values = {archive: False} if archive else {}
        way: Way = Updating(self.caller, gone=Answer.UNCHANGED) if archive else Deleting(self.caller)
        outcomes, left = way.sift([Item(change, values, change.version) for change in reachable])
        yield from outcomes
        yield from _settle(left, way)

    def _revive(self, items: Items) -> Iterator[Outcome]:
        """Update archived records: Tryton lets nothing else in them be changed until they are active again."""
        way, waiting = Updating(self.caller), {item.change.id: item for item in items}
        left = []
        for outcome in _settle([replace(item, values={ACTIVE: True}) for item in items], way):
            if outcome.answer is Answer.APPLIED:
                left.append(replace(waiting[outcome.change_id], version=outcome.version))
            else:
                yield outcome
        yield from _settle(left, way)

    def _items(self, changes: Sequence[Change]) -> tuple[list[Item], list[Outcome]]:
        """The changes as Tryton takes them, and a refusal for each that cannot be put so."""
        reader = self.caller.reader
        for name, look in reader.schema.linked.items():
            reader.directory.learn_keys(look, [change.fields.get(name) for change in changes])
        items, outcomes = [], []
        for change in changes:
            try:
                self._check_reference(change)
                items.append(Item(change, reader.schema.values(change.fields, reader.directory), change.version))
            except RecordError as error:
                outcomes.append(refused(change, error))
        return items, outcomes

    def _with_reference(self, change: Change) -> Change:
        """A create that stores the source's key in the field this stream has for it."""
        name = self.caller.reader.schema.plan.external_id
        return replace(change, fields={name: change.external_id, **change.fields}) if name else change

    def _check_reference(self, change: Change) -> None:
        """The source's key and a mapped value cannot both stand in one field: a lost answer could not be traced."""
        name = self.caller.reader.schema.plan.external_id
        if change.operation is Operation.CREATE and name and change.fields[name] != change.external_id:
            raise RecordError(
                f"{name} stores the source's key “{change.external_id}”, but the mapping sets it to"
                f" “{change.fields[name]}”. Leave {name} out of the mapping, or give the stream no external_id.",
                code="external-id",
            )


def _settle(items: Items, way: Way) -> Iterator[Outcome]:
    """Send items together. One refusal refuses all, so sift out what is known to be wrong, then halve."""
    waiting = [(list(items), False)]
    while waiting:
        part, sifted = waiting.pop()
        if not part:
            continue
        try:
            yield from _send(part, way)
        except RefusalError as refusal:
            alone = len(part) == 1
            outcomes, left = way.sift(part) if alone or not sifted else ([], part)
            yield from outcomes
            if alone:
                yield from (refused(item.change, refusal) for item in left)
            else:
                waiting += _again(left, halve=not outcomes)


def _send(items: Items, way: Way) -> list[Outcome]:
    """Send items. A crash that provably did nothing counts as a refusal: the call is over, so a look is proof."""
    try:
        return way.send(items)
    except CrashError as crash:
        if _is_untouched(items, way):
            raise RefusalError(str(crash), "crash", crash.exchange) from crash
        raise LostError(items, crash) from crash


def _is_untouched(items: Items, way: Way) -> bool:
    try:
        return way.untouched(items)
    except HubError:
        return False


def _again(items: list[Item], *, halve: bool) -> list[tuple[list[Item], bool]]:
    """What to send next, last one first; all of it is sifted."""
    cut = len(items) // 2 if halve else 0
    return [(items[cut:], True), (items[:cut], True)]


def _reachable(changes: Sequence[Change], gone: Answer) -> tuple[list[Change], list[Outcome]]:
    """The changes whose key Tryton could have given; for the others the record is not there."""
    there = [change for change in changes if _is_key(change.key)]
    absent = [Outcome(change.id, gone, key=change.key) for change in changes if not _is_key(change.key)]
    return there, absent


def _is_key(key: str | None) -> bool:
    return bool(key) and key is not None and key.isascii() and key.isdecimal()


def _revives(item: Item) -> bool:
    """Whether the change brings a record back from the archive and changes more in it."""
    was = (item.change.before or {}).get(ACTIVE)
    return was is False and item.values.get(ACTIVE) is True and len(item.values) > 1
