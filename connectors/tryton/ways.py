"""The three ways to write in Tryton: each sends many items in one call that does all of them or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from connectors.tryton.answers import CrashError
from connectors.tryton.client import Client, Reply
from connectors.tryton.outcomes import Item, LostError, overtaken, taken
from connectors.tryton.reading import Reader
from hub.sdk import Answer, Exchange, HubError, Outcome, Record, SilenceError

ACTIVE = "active"  # Tryton's own name for it, in every model whose records can be archived
Items = Sequence[Item]
NOTHING_HELD: Mapping[str, Record] = MappingProxyType({})
Sifted = tuple[list[Outcome], list[Item]]


class Way(Protocol):
    """One way to write."""

    def send(self, items: Items) -> list[Outcome]:
        """Send the items in one call. Raises RefusalError, LostError, or a HubError when nothing was done."""
        ...

    def sift(self, items: Items) -> Sifted:
        """Look which of the items cannot succeed as things are now, and which are left."""
        ...

    def untouched(self, items: Items) -> bool:
        """Whether a look proves that nothing was done for any of the items."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls a method of one model for some items."""

    client: Client
    reader: Reader

    def write(self, method: str, items: Items, *params: Any) -> Reply:
        """Call a method that writes, on condition that every record still has the version of its item."""
        model = self.reader.schema.plan.model
        stamps = {f"{model},{item.key}": item.version for item in items if item.version}
        context = {"_timestamp": stamps} if stamps else None
        try:
            return self.client.call(f"model.{model}.{method}", *params, context=context, safe=False)
        except CrashError:
            raise
        except SilenceError as error:
            raise LostError(items, error) from error

    def held(self, keys: Sequence[str]) -> dict[str, Record]:
        """What was just written, read back in one call; nothing when that fails, for the writing is done."""
        try:
            return {record.key: record for record in self.reader.fetch(keys)}
        except HubError:
            return {}

    def sift(self, items: Items, gone: Answer) -> Sifted:
        """Set aside what is not there (`gone` is the answer for it) and what somebody else changed.

        For a deletion, a record that counts as deleted because it is archived is not there either.
        """
        now = {record.key: record for record in self.reader.fetch([item.key for item in items])}
        outcomes, left = [], []
        for item in items:
            record = now.get(item.key)
            if record is None or (record.deleted and gone is Answer.UNCHANGED):
                outcomes.append(Outcome(item.change.id, gone, key=item.key))
            elif item.version and item.version != record.version:
                outcomes.append(overtaken(item.change, record))
            else:
                left.append(item)
        return outcomes, left

    def untouched(self, items: Items) -> bool:
        """Whether every record is still there with the version its item knew."""
        _, left = self.sift(items, Answer.MISSING)
        return len(left) == len(items) and all(item.version for item in items)

    def done(
        self, items: Items, keys: Sequence[str], reply: Reply, held: Mapping[str, Record] = NOTHING_HELD
    ) -> list[Outcome]:
        """The outcomes of a call that was accepted, each with what Tryton now holds."""
        return [
            Outcome(
                item.change.id,
                Answer.APPLIED,
                key=key,
                version=held[key].version if key in held else None,
                image=held[key].data if key in held else None,
                exchange=self._account(item, len(items), reply),
            )
            for item, key in zip(items, keys, strict=True)
        ]

    def _account(self, item: Item, count: int, reply: Reply) -> Exchange:
        """What was exchanged for this item: of a call for many, only its own part."""
        if count == 1:
            return reply.exchange
        head = reply.exchange.request.split("\n", 1)[0]
        request = f"{head} (one of {count} records in one call)\n{item.change.operation} {item.key}\n{item.shown()}"
        return replace(reply.exchange, request=self.client.shown(request))


@dataclass(frozen=True, slots=True)
class Creating:
    """New records. A record cannot be born archived, so that is done afterwards."""

    caller: Caller

    def send(self, items: Items) -> list[Outcome]:
        """Create all of them."""
        rows = [{name: value for name, value in item.values.items() if not _archives(name, value)} for item in items]
        reply = self.caller.write("create", items, rows)
        keys = [str(key) for key in reply.result]
        self._archive([key for key, item in zip(keys, items, strict=True) if item.values.get(ACTIVE) is False])
        return self.caller.done(items, keys, reply, self.caller.held(keys))

    def sift(self, items: Items) -> Sifted:
        """Set aside those whose external id is taken."""
        reader = self.caller.reader
        if not reader.schema.plan.external_id:  # nothing is unique here, so nothing can be taken
            return [], list(items)
        holders = dict(reader.find([item.change.external_id for item in items]))
        outcomes, left = [], []
        for item in items:
            holder = holders.get(item.change.external_id)
            if holder:
                outcomes.append(taken(item.change, holder))
            else:
                left.append(item)
        return outcomes, left

    def untouched(self, items: Items) -> bool:
        """Whether the external ids of all of them are still free."""
        outcomes, _ = self.sift(items)
        return bool(self.caller.reader.schema.plan.external_id) and not outcomes

    def _archive(self, keys: Sequence[str]) -> None:
        """Archive new records; whether it worked is seen in what is read back."""
        if not keys:
            return
        try:
            self.caller.write("write", [], [int(key) for key in keys], {ACTIVE: False})
        except (HubError, LostError):
            return


@dataclass(frozen=True, slots=True)
class Updating:
    """Changed records."""

    caller: Caller
    gone: Answer = Answer.MISSING

    def send(self, items: Items) -> list[Outcome]:
        """Write all of them, each its own values."""
        params = [param for item in items for param in ([int(item.key)], item.values)]
        reply = self.caller.write("write", items, *params)
        keys = [item.key for item in items]
        return self.caller.done(items, keys, reply, self.caller.held(keys))

    def sift(self, items: Items) -> Sifted:
        """Set aside what is not there or was changed."""
        return self.caller.sift(items, self.gone)

    def untouched(self, items: Items) -> bool:
        """Whether none was written."""
        return self.caller.untouched(items)


@dataclass(frozen=True, slots=True)
class Deleting:
    """Deleted records. Tryton takes the deletion of what is not there without a word."""

    caller: Caller

    def send(self, items: Items) -> list[Outcome]:
        """Delete all of them."""
        reply = self.caller.write("delete", items, [int(item.key) for item in items])
        return self.caller.done(items, [item.key for item in items], reply)

    def sift(self, items: Items) -> Sifted:
        """Set aside what is not there or was changed."""
        return self.caller.sift(items, Answer.UNCHANGED)

    def untouched(self, items: Items) -> bool:
        """Whether none was deleted."""
        return self.caller.untouched(items)


def _archives(name: str, value: Any) -> bool:
    return name == ACTIVE and value is False
