"""Decides, with the locked row in hand, whether a change is already so, may not happen, or is to be written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.sql.column import Column, UnfitError
from connectors.sql.keys import key_text, key_values, settled_part
from connectors.sql.rows import Held
from connectors.sql.shape import Shape
from connectors.sql.trouble import Trouble
from hub.sdk import Answer, Change, Fields, Operation, Outcome, RecordError

Dump = Callable[[Column, Any], Any]


@dataclass(slots=True)
class Write:
    """A change that is to be written: the values to set, and where. The rest is filled in on the way."""

    change: Change
    values: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None  # None: the database hands it out
    trouble: Trouble | None = None
    missed: bool = False


class Judge:
    """Judges the changes of one table."""

    def __init__(self, shape: Shape, dump: Dump) -> None:
        self._shape, self._dump = shape, dump

    def create_key(self, change: Change) -> str | None:
        """The key a new record is going to have, None when the database hands it out. Raises RecordError."""
        values = self._created(change)
        if not all(values.get(name) is not None for name in self._shape.key_names):
            return None
        try:
            settled = [settled_part(column, values[column.name]) for column in self._shape.key]
        except UnfitError as error:
            raise RecordError(str(error), "type") from None
        return settled[0] if len(settled) == 1 else key_text(self._shape.key, settled)

    def judge(self, change: Change, held: Held | None) -> Outcome | Write:
        """What becomes of a change."""
        decide = {Operation.CREATE: self._create, Operation.UPDATE: self._update, Operation.DELETE: self._delete}
        try:
            return decide[change.operation](change, held)
        except RecordError as error:
            return Outcome(change.id, Answer.REFUSED, key=change.key, code=error.code, message=str(error))

    def _create(self, change: Change, held: Held | None) -> Outcome | Write:
        values, key = self._created(change), self.create_key(change)
        if held:
            if not held.record.deleted and self._holds(held, change.fields):
                return _current(change, Answer.UNCHANGED, held)
            message = f"{self._shape.name} already has a record {held.record.key}, and it says something else"
            return _current(change, Answer.REFUSED, held, "exists", message)
        empty = [column.name for column in self._shape.key if not column.filled and values.get(column.name) is None]
        if empty:
            raise RecordError(f"a new record of {self._shape.name} needs {', '.join(empty)}", "no-key")
        return Write(change, values, key=key)

    def _created(self, change: Change) -> dict[str, Any]:
        values, reference, version = self._dumped(change.fields), self._shape.reference, self._shape.version
        if reference and values.get(reference.name) is None:
            values[reference.name] = self._one(reference, change.external_id)
        self._check_reference(change)
        if version and version.step and values.get(version.column) is None:
            values[version.column] = version.step
        return values

    def _check_reference(self, change: Change) -> None:
        """What the operator declared to hold the source's key holds the source's key and nothing else."""
        column = self._shape.reference
        given = change.fields.get(column.name) if column else None
        if column and self._shape.spec.external_id and given is not None:
            reference = key_values((column,), change.external_id)
            if reference is None or not column.same(column.load(reference[0]), given):
                told = f"{column.name} holds the source's key “{change.external_id}” and cannot be mapped to “{given}”"
                raise RecordError(told, "key")

    def _update(self, change: Change, held: Held | None) -> Outcome | Write:
        values = self._dumped(change.fields)
        if held is None or held.record.deleted:
            return Outcome(change.id, Answer.MISSING, key=change.key)
        if self._holds(held, change.fields):
            return _current(change, Answer.UNCHANGED, held)
        if not self._as_expected(change, held, change.fields):
            return _current(change, Answer.CONFLICT, held)
        lasting = {*self._shape.key_names, self._shape.spec.external_id}
        key = {name: value for name, value in change.fields.items() if name in lasting}
        if not self._holds(held, key):
            raise RecordError(f"{', '.join(key)}: the key of a record is not changed", "key")
        plain = {name: value for name, value in values.items() if name not in self._shape.key_names}
        return Write(change, plain, self._place(held), held.record.key)

    def _delete(self, change: Change, held: Held | None) -> Outcome | Write:
        if held is None or held.record.deleted:
            return Outcome(change.id, Answer.UNCHANGED, key=change.key)
        if not self._as_expected(change, held, change.before or {}):
            return _current(change, Answer.CONFLICT, held)
        return Write(change, {}, self._place(held), held.record.key)

    def _as_expected(self, change: Change, held: Held, names: Fields) -> bool:
        """The precondition: the version that the hub knows, or else the values that it knows."""
        if self._shape.version and change.version is not None:
            return held.record.version == change.version
        before = change.before or {}
        return self._holds(held, {name: before[name] for name in names if name in before})

    def _holds(self, held: Held, fields: Fields) -> bool:
        data, columns = held.record.data, self._shape.columns
        return all(columns[name].same(data[name], value) for name, value in fields.items() if name in data)

    def _place(self, held: Held) -> dict[str, Any]:
        place = dict(zip(self._shape.key_names, held.key, strict=True))
        if self._shape.version and held.version is not None:
            place[self._shape.version.column] = held.version
        return place

    def _dumped(self, fields: Fields) -> dict[str, Any]:
        unknown = [name for name in fields if name not in self._shape.visible]
        if unknown:
            raise RecordError(f"{self._shape.name} has no field {', '.join(unknown)}", "unknown-field")
        return {name: self._one(self._shape.columns[name], value) for name, value in fields.items()}

    def _one(self, column: Column, value: Any) -> Any:
        try:
            return self._dump(column, value)
        except UnfitError as error:
            raise RecordError(str(error), "type") from None


def _current(change: Change, answer: Answer, held: Held, code: str = "", message: str = "") -> Outcome:
    record = held.record
    return Outcome(change.id, answer, record.key, record.version, record.data, code, message)
