"""Puts what became of a change into the hub's words."""

from collections.abc import Mapping, Sequence

from connectors.sql.judge import Intent, Write
from connectors.sql.shape import Shape
from connectors.sql.trouble import Trouble, Verdict
from hub.sdk import Answer, Change, Exchange, Operation, Outcome, Record

WORDS = {Operation.CREATE: "insert into", Operation.UPDATE: "update", Operation.DELETE: "delete from"}


def answer_all(group: Sequence[Intent], trouble: Trouble) -> list[Outcome]:
    """The same answer for each change: their transaction was undone. Raises what no record can answer for."""
    if trouble.verdict is Verdict.SETTING:
        raise trouble.error()
    return [_outcome(intent.change, trouble.answer, trouble) for intent in group]


def unknown(group: Sequence[Intent], trouble: Trouble) -> list[Outcome]:
    """Nobody knows whether the commit arrived."""
    silence = Trouble(trouble.verdict, "commit-lost", f"no answer to the commit: {trouble.message}")
    return [_outcome(intent.change, Answer.UNKNOWN, silence) for intent in group]


def _outcome(change: Change, answer: Answer, trouble: Trouble) -> Outcome:
    return Outcome(change.id, answer, key=change.key, code=trouble.code, message=trouble.message)


def answer_write(shape: Shape, write: Write, images: Mapping[str, Record], took: int) -> Outcome:
    """The answer to a change that was sent to the database, `took` milliseconds with its whole batch."""
    change, now = write.change, images.get(write.change.id)
    told = write.trouble.message if write.trouble else "no row was changed" if write.missed else "done"
    exchange = Exchange(_request(shape, write), told, None, took)
    if write.trouble:
        code = write.trouble.code
        return Outcome(change.id, Answer.REFUSED, change.key, None, None, code, told, exchange=exchange)
    if write.missed:
        return _missed(change, now, exchange)
    if now is None:
        return Outcome(change.id, Answer.APPLIED, write.key, exchange=exchange)
    return Outcome(change.id, Answer.APPLIED, now.key, now.version, now.data, exchange=exchange)


def _missed(change: Change, now: Record | None, exchange: Exchange) -> Outcome:
    """The database took the statement and changed nothing: a trigger, a rule, or somebody else in between."""
    if now is not None:
        return Outcome(change.id, Answer.CONFLICT, now.key, now.version, now.data, exchange=exchange)
    told = "the database took the statement and changed nothing"
    return Outcome(change.id, Answer.REFUSED, change.key, code="ignored", message=told, exchange=exchange)


def _request(shape: Shape, write: Write) -> str:
    """The statement without its values, which the change shows better."""
    names = f" ({', '.join(sorted(write.values))})" if write.values else ""
    compared = f" by {', '.join(sorted(write.where))}" if write.where else ""
    return f"{WORDS[write.change.operation]} {shape.name}{names}{compared}"
