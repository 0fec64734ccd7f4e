"""Puts what became of a change into the hub's words."""

from collections.abc import Mapping, Sequence

from connectors.sql.judge import Intent
from connectors.sql.shape import Shape
from connectors.sql.trouble import Trouble
from connectors.sql.write import Write
from hub.sdk import Answer, Change, Exchange, Operation, Outcome, Record

WORDS = {Operation.CREATE: "insert into", Operation.UPDATE: "update", Operation.DELETE: "delete from"}


def answer_all(group: Sequence[Intent], trouble: Trouble) -> list[Outcome]:
    """The same answer for each change: their transaction was undone."""
    return [_outcome(intent.change, trouble.answer, trouble) for intent in group]


def unknown(group: Sequence[Intent], trouble: Trouble) -> list[Outcome]:
    """Nobody knows whether the commit arrived."""
    silence = Trouble(trouble.verdict, "commit-lost", f"no answer to the commit: {trouble.message}")
    return [_outcome(intent.change, Answer.UNKNOWN, silence) for intent in group]


def _outcome(change: Change, answer: Answer, trouble: Trouble) -> Outcome:
    return Outcome(change.id, answer, key=change.key, code=trouble.code, message=trouble.message)


class Answers:
    """Answers to the changes of one transaction that were sent to the database; `took` milliseconds in all."""

    def __init__(self, shape: Shape, images: Mapping[str, Record], took: int) -> None:
        self._shape, self._images, self._took = shape, images, took
        self._done: dict[tuple[int, str], Exchange] = {}

    def of(self, write: Write) -> Outcome:
        """What became of one write."""
        change, now = write.change, self._images.get(write.change.id)
        if write.trouble:
            code, told = write.trouble.code, write.trouble.message
            exchange = self._exchange(write, told)
            return Outcome(change.id, Answer.REFUSED, change.key, None, None, code, told, exchange=exchange)
        if write.missed:
            return self._missed(write, now)
        exchange = self._exchange(write, "done")
        if now is None:
            return Outcome(change.id, Answer.APPLIED, write.new_key or write.key, exchange=exchange)
        return Outcome(change.id, Answer.APPLIED, now.key, now.version, now.data, exchange=exchange)

    def _missed(self, write: Write, now: Record | None) -> Outcome:
        """The database took the statement and changed nothing: a trigger, a rule, or somebody else in between."""
        told = "the database took the statement and changed nothing"
        change, exchange = write.change, self._exchange(write, told)
        if now is None:
            return Outcome(change.id, Answer.REFUSED, change.key, code="ignored", message=told, exchange=exchange)
        return Outcome(change.id, Answer.CONFLICT, now.key, now.version, now.data, exchange=exchange)

    def _exchange(self, write: Write, told: str) -> Exchange:
        """The statement without its values, which the change shows better; one object for all that are alike."""
        alike = (id(write.form), told)
        if alike not in self._done:
            self._done[alike] = Exchange(_request(self._shape, write), told, None, self._took)
        return self._done[alike]


def _request(shape: Shape, write: Write) -> str:
    names = f" ({', '.join(write.values)})" if write.values else ""
    compared = f" by {', '.join(write.where)}" if write.where else ""
    return f"{WORDS[write.change.operation]} {shape.name}{names}{compared}"
