"""Decides, with the locked row in hand, whether a change is already so, may not happen, or is to be written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sql.column import Column, Kind, UnfitError
from connectors.sql.keys import key_text, key_values, settled_part
from connectors.sql.rows import Held
from connectors.sql.shape import Shape
from connectors.sql.write import Write
from hub.sdk import Answer, Change, Fields, Operation, Outcome, RecordError

Dump = Callable[[Column, Any], Any]


@dataclass(frozen=True, slots=True)
class Intent:
    """A change in the database's values. `key` is the record it is about, None when the database will name it."""

    change: Change
    values: dict[str, Any]
    key: str | None


class Judge:
    """Judges the changes of one table."""

    def __init__(self, shape: Shape, dump: Dump) -> None:
        self._shape, self._dump = shape, dump
        self._columns = {name: shape.columns[name] for name in shape.visible}
        self._texts = frozenset(name for name, column in self._columns.items() if column.kind is Kind.STRING)
        self._key_names, self._version, self._reference = shape.key_names, shape.version, shape.reference
        self._declared = shape.spec.external_id
        self._needed = [column.name for column in shape.key if not column.filled]
        self._lasting = {*shape.key_names, self._declared}
        known = shape.reference is None or shape.reference_is_key or shape.reference_is_unique
        self._new_by_key = shape.adds and shape.key_is_unique and known
        self._new_by_reference = shape.adds and shape.reference_is_unique

    def intend(self, change: Change) -> Intent | Outcome:
        """A change in the database's values, or its refusal."""
        try:
            if change.operation is Operation.CREATE:
                values = self._created(change)
                return Intent(change, values, self._new_key(values))
            return Intent(change, self._dumped(change.fields), change.key)
        except RecordError as error:
            return Outcome(change.id, Answer.REFUSED, change.key, code=error.code, message=str(error))

    def sure(self, intent: Intent) -> Write | None:
        """A write whose condition the statement itself can carry, so that the row need not be looked at first.

        A create: nothing with its key or reference is there. An update: the row has the version that the hub knows.
        """
        change, version = intent.change, self._version
        if change.operation is Operation.CREATE:
            is_sure = self._new_by_reference if intent.key is None else self._new_by_key
            return Write(change, intent.values, key=intent.key, sure=True) if is_sure else None
        apart = change.operation is not Operation.UPDATE or self._shape.deleted or not change.fields
        if apart or version is None or change.version is None or self._lasting & change.fields.keys():
            return None
        columns = (*self._shape.key, self._shape.columns[version.column])
        key = key_values(self._shape.key, change.key or "")
        known = key_values(columns[-1:], change.version)
        if key is None or known is None:
            return None
        where = {column.name: value for column, value in zip(columns, (*key, *known), strict=True)}
        return Write(change, intent.values, where, change.key, sure=True)

    def decide(self, intent: Intent, held: Held | None) -> Outcome | Write:
        """What becomes of a change, given the row it is about."""
        if intent.change.operation is Operation.CREATE:
            return self._create(intent, held)
        if intent.change.operation is Operation.UPDATE:
            return self._update(intent, held)
        return self._delete(intent.change, held)

    def _created(self, change: Change) -> dict[str, Any]:
        values, reference, version = self._dumped(change.fields), self._reference, self._version
        if reference and values.get(reference.name) is None:
            values[reference.name] = self._one(reference, change.external_id)
        if self._declared and self._declared in change.fields:
            self._check_reference(change)
        if version and version.step and values.get(version.column) is None:
            values[version.column] = version.step
        empty = [name for name in self._needed if values.get(name) is None]
        if empty:
            raise RecordError(f"a new record of {self._shape.name} needs {', '.join(empty)}", "no-key")
        return values

    def _check_reference(self, change: Change) -> None:
        """What the operator declared to hold the source's key holds the source's key and nothing else."""
        column, given = self._columns[self._declared], change.fields[self._declared]
        if given == change.external_id:
            return
        reference = key_values((column,), change.external_id)
        if given is not None and (reference is None or not column.same(column.load(reference[0]), given)):
            told = f"{column.name} holds the source's key “{change.external_id}” and cannot be mapped to “{given}”"
            raise RecordError(told, "key")

    def _new_key(self, values: Mapping[str, Any]) -> str | None:
        """The key a new record is going to have, None when the database hands it out."""
        parts = [values.get(name) for name in self._key_names]
        if None in parts:
            return None
        try:
            settled = [settled_part(column, part) for column, part in zip(self._shape.key, parts, strict=True)]
        except UnfitError as error:
            raise RecordError(str(error), "type") from None
        return settled[0] if len(settled) == 1 else key_text(self._shape.key, settled)

    def _create(self, intent: Intent, held: Held | None) -> Outcome | Write:
        if held is None:
            return Write(intent.change, intent.values, key=intent.key)
        if not held.record.deleted and self._holds(held, intent.change.fields):
            return _current(intent.change, Answer.UNCHANGED, held)
        message = f"{self._shape.name} already has a record {held.record.key}, and it says something else"
        return _current(intent.change, Answer.REFUSED, held, "exists", message)

    def _update(self, intent: Intent, held: Held | None) -> Outcome | Write:
        change, fields = intent.change, intent.change.fields
        if held is None or held.record.deleted:
            return Outcome(change.id, Answer.MISSING, change.key)
        if self._holds(held, fields):
            return _current(change, Answer.UNCHANGED, held)
        if not self._as_expected(change, held, fields):
            return _current(change, Answer.CONFLICT, held)
        lasting = {name: fields[name] for name in self._lasting if name in fields}
        if not self._holds(held, lasting):
            told = f"{', '.join(lasting)}: the key of a record is not changed"
            return _current(change, Answer.REFUSED, held, "key", told)
        plain = {name: value for name, value in intent.values.items() if name not in self._key_names}
        return Write(change, plain, held.place(), held.record.key)

    def _delete(self, change: Change, held: Held | None) -> Outcome | Write:
        if held is None or held.record.deleted:
            return Outcome(change.id, Answer.UNCHANGED, change.key)
        if not self._as_expected(change, held, change.before or {}):
            return _current(change, Answer.CONFLICT, held)
        return Write(change, {}, held.place(), held.record.key)

    def _as_expected(self, change: Change, held: Held, names: Fields) -> bool:
        """The precondition: the version that the hub knows, or else the values that it knows."""
        if self._version and change.version is not None:
            return held.record.version == change.version
        before = change.before or {}
        return self._holds(held, {name: before[name] for name in names if name in before})

    def _holds(self, held: Held, fields: Fields) -> bool:
        data, columns = held.record.data, self._columns
        return all(columns[name].same(data[name], value) for name, value in fields.items() if name in data)

    def _dumped(self, fields: Fields) -> dict[str, Any]:
        try:
            return {
                # Nearly every value is plain text in a text column: nothing about it needs a second look.
                name: value
                if type(value) is str and name in self._texts and value.isascii() and "\0" not in value
                else self._dump(self._columns[name], value)
                for name, value in fields.items()
            }
        except KeyError:
            unknown = [name for name in fields if name not in self._columns]
            raise RecordError(f"{self._shape.name} has no field {', '.join(unknown)}", "unknown-field") from None
        except UnfitError as error:
            raise RecordError(str(error), "type") from None

    def _one(self, column: Column, value: Any) -> Any:
        try:
            return self._dump(column, value)
        except UnfitError as error:
            raise RecordError(str(error), "type") from None


def _current(change: Change, answer: Answer, held: Held, code: str = "", message: str = "") -> Outcome:
    record = held.record
    return Outcome(change.id, answer, record.key, record.version, record.data, code, message)
