"""The statements that write rows: for many rows at once where the database can, else for one row at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import NullType

from connectors.sql.column import Kind, texts
from connectors.sql.dialect import Dialect
from connectors.sql.rows import Row, RowReader
from connectors.sql.shape import Shape
from connectors.sql.write import Form, Write
from hub.sdk import Operation

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Statements:
    """Builds the statements of one table. Parameters are v0, v1, … to set and w0, w1, … to compare."""

    def __init__(self, shape: Shape, dialect: Dialect) -> None:
        self._shape, self._dialect = shape, dialect
        self._rows = RowReader(shape, dialect)
        self._key = [self._compared(name) for name in shape.key_names]

    @property
    def conditional(self) -> bool:
        """Whether many rows can be written under a version each, in one statement that says which it found."""
        version = self._shape.version
        if version is None or self._dialect.given is None:
            return False
        kinds = self._dialect.given_kinds - self._dialect.as_text
        return all(column.kind in kinds for column in (*self._shape.key, self._shape.columns[version.column]))

    def by_form(self, writes: Iterable[Write], *, telling: bool = True) -> list[tuple[Form, list[Write]]]:
        """The writes of each form, in the order in which the forms first appear.

        `telling`: updates may have the database give the rows back. It cannot where the driver knows no such value.
        """
        found: dict[tuple[object, ...], tuple[Form, list[Write]]] = {}
        for write in writes:
            spelled = (write.change.operation, write.sure, write.key is None, *write.values, None, *write.where)
            if spelled not in found:
                found[spelled] = (self._form(write, telling=telling), [])
            write.form, same = found[spelled]
            same.append(write)
        return list(found.values())

    def _form(self, write: Write, *, telling: bool) -> Form:
        creates = write.change.operation is Operation.CREATE
        returning = creates and write.key is None and not self._shape.reference_is_unique and not write.sure
        form = Form(write.change.operation, tuple(write.values), tuple(write.where), returning, write.sure, write.sure)
        may = telling and form.operation is Operation.UPDATE and self._shape.tells and self._dialect.given is not None
        return replace(form, telling=True) if may and self._listable(form) else form

    def sure(self, connection: sa.Connection, form: Form, writes: Sequence[Write]) -> list[Row]:
        """Write what meets its condition, by as few statements as can be; gives the rows that did, as they are now."""
        if self._dialect.given is not None:
            if len(writes) > 1 and not self._listable(form):
                return []
            statement, parameters = self.build(form, writes)
            return [tuple(row) for row in connection.execute(statement, parameters)]
        return self._many(connection, form, writes)

    def _many(self, connection: sa.Connection, form: Form, writes: Sequence[Write]) -> list[Row]:
        """The same where no list is taken: with a place for each value of each row."""
        source = {name: sa.bindparam(name, type_=NullType()) for name in _numbered("v", form.sets)}
        compiled = self._statement(form, source, None).compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        names = [form.sets[int(name[1:])] for name in compiled.positiontup]
        place, most = f"({', '.join('?' * len(names))})", max(1, self._dialect.most_parameters // len(names))
        rows: list[Row] = []
        for start in range(0, len(writes), most):
            some = writes[start : start + most]
            text = str(compiled).replace(place, ", ".join([place] * len(some)), 1)
            flat = tuple(write.values[name] for write in some for name in names)
            rows += connection.exec_driver_sql(text, flat).fetchall()
        return rows

    def build(self, form: Form, writes: Sequence[Write]) -> tuple[sa.Executable, Parameters]:
        """The statement for these writes of one form, and its parameters."""
        given = self._given(form, writes) if len(writes) > 1 else None
        if given is not None:
            return self._statement(form, given.c, given), {}
        source = {
            name: sa.bindparam(name, type_=NullType())
            for name in (*_numbered("v", form.sets), *_numbered("w", form.where))
        }
        rows = [_parameters(form, write) for write in writes]
        return self._statement(form, source, None), rows if len(rows) > 1 else rows[0]

    def _listable(self, form: Form) -> bool:
        names, kinds = (*form.sets, *form.where), self._dialect.given_kinds
        return bool(names) and all(self._shape.columns[name].kind in kinds for name in names)

    def _given(self, form: Form, writes: Sequence[Write]) -> sa.FromClause | None:
        if self._dialect.given is None or not self._listable(form):
            return None
        names = {**_numbered("v", form.sets), **_numbered("w", form.where)}
        columns = {parameter: self._shape.columns[name] for parameter, name in names.items()}
        sets = {p: texts([write.values[name] for write in writes]) for p, name in _numbered("v", form.sets).items()}
        where = {p: texts([write.where[name] for write in writes]) for p, name in _numbered("w", form.where).items()}
        return self._dialect.given(columns, sets | where)

    def _statement(self, form: Form, source: Any, given: sa.FromClause | None) -> sa.Executable:
        if form.operation is Operation.CREATE:
            return self._insert(form, source, given)
        where = [self._compared(name) == source[f"w{i}"] for i, name in enumerate(form.where)]
        if form.operation is Operation.DELETE and self._shape.deleted is None:
            return sa.delete(self._shape.table).where(*where)
        statement = sa.update(self._shape.table).where(*where).values(self._set(form, source))
        return statement.returning(*self._rows.selected()) if form.telling else statement

    def _insert(self, form: Form, source: Any, given: sa.FromClause | None) -> sa.Executable:
        columns = [self._shape.table.c[name] for name in form.sets]
        values = [source[f"v{i}"] for i in range(len(columns))]
        if form.sure and self._dialect.insert:
            new = self._dialect.insert(self._shape.table).on_conflict_do_nothing().returning(*self._rows.selected())
            return _filled(new, columns, values, given)
        statement = _filled(sa.insert(self._shape.table), columns, values, given)
        return statement.returning(*self._key) if form.returning else statement

    def _set(self, form: Form, source: Any) -> dict[str, Any]:
        values = {name: source[f"v{i}"] for i, name in enumerate(form.sets)}
        version = self._shape.version
        if version and version.step and version.column not in values:
            values[version.column] = self._shape.table.c[version.column] + version.step
        if form.operation is Operation.DELETE:
            values.update(self._mark())
        return values

    def _mark(self) -> dict[str, Any]:
        """What marks a row as deleted."""
        spec = self._shape.deleted
        if spec is None:
            return {}
        if spec.value is not None:
            return {spec.column: spec.value}
        marks = {Kind.DATETIME: sa.func.now(), Kind.DATE: sa.func.current_date(), Kind.INTEGER: 1}
        return {spec.column: marks.get(self._shape.columns[spec.column].kind, sa.true())}

    def _compared(self, name: str) -> sa.ColumnElement[Any]:
        return self._rows.expression(self._shape.columns[name])


def _filled(insert: sa.Insert, columns: list[Any], values: list[Any], given: sa.FromClause | None) -> sa.Insert:
    """An insert with the values of one row, or those of many that are given."""
    if given is not None:
        return insert.from_select(columns, sa.select(*values))
    return insert.values({column.name: value for column, value in zip(columns, values, strict=True)})


def _numbered(letter: str, names: Sequence[str]) -> dict[str, str]:
    """Column names by parameter; a column's own name may hold characters that a parameter's may not."""
    return {f"{letter}{number}": name for number, name in enumerate(names)}


def _parameters(form: Form, write: Write) -> dict[str, Any]:
    sets = {parameter: write.values[name] for parameter, name in _numbered("v", form.sets).items()}
    return sets | {parameter: write.where[name] for parameter, name in _numbered("w", form.where).items()}
