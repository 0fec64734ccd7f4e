"""What the preview process and its parent say to each other: sample records in, one line each out."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hub.engine.canonical import to_json
from hub.engine.mapping.compiled import Compiled, Excluded, Mapped
from hub.engine.mapping.compiler import compile_mapping
from hub.engine.mapping.findings import MappingError
from hub.sdk import Record

MAX_LINE = 262_144  # characters written about one record

# A key no record has (NUL is refused everywhere) marks what JSON has no type for.
_MARK = "\0"
_READERS: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


def pack(value: Any) -> Any:
    """For json.dumps(default=…): how a value without JSON type travels to the preview process."""
    if isinstance(value, Decimal):
        return {_MARK: ["decimal", str(value)]}
    if isinstance(value, datetime):
        return {_MARK: ["datetime", value.isoformat()]}
    if isinstance(value, date):
        return {_MARK: ["date", value.isoformat()]}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be previewed")


def unpack(found: dict[str, Any]) -> Any:
    """For json.loads(object_hook=…): the value that `pack` packed."""
    if found.keys() != {_MARK}:
        return found
    kind, text = found[_MARK]
    return _READERS[kind](text)


def answers(question: str) -> Iterator[str]:
    """JSON lines for the question {"body": …, "records": […]}.

    The first is {"ready": true}, or {"findings": […]} when the body is wrong; then one follows for each record.
    """
    asked = json.loads(question, object_hook=unpack)
    try:
        compiled = compile_mapping(asked["body"])
    except MappingError as error:
        yield json.dumps({"findings": error.findings})
        return
    yield json.dumps({"ready": True})
    for data in asked["records"]:
        line = json.dumps(_answer(compiled, data))
        yield line if len(line) <= MAX_LINE else json.dumps({"too_large": len(line)})


def _answer(compiled: Compiled, data: dict[str, Any]) -> dict[str, Any]:
    """What becomes of one record."""
    result = compiled.map_record(Record(key="", data=data))
    if isinstance(result, Mapped):
        return {"image": to_json(result.image), "references": result.references}
    if isinstance(result, Excluded):
        return {"reason": result.reason}
    return {"problems": [[problem.field, problem.kind, problem.message] for problem in result.problems]}
