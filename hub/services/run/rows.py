"""Rows of links, changes and attempts as the set-based writes take them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from django.db.models import Field

from hub.engine import canonical, intent
from hub.engine.intent import State
from hub.engine.merge import Images
from hub.models import Change, LinkImage, bulk
from hub.sdk import Answer, Exchange, Outcome, PacedError

LINK_COLUMNS = {
    "destination_key": "text",
    "state": "text",
    "source_version": "text",
    "destination_version": "text",
    "source_digest": "text",
    "digest": "text",
    "refused_digest": "text",
    "ack_seq": "int",
    "updated_at": "timestamptz",
}
IMAGE_COLUMNS = {"link_id": "bigint", "sent": "jsonb", "source": "jsonb", "destination": "jsonb"}
REFUSED_COLUMNS = {"refused_digest": "text", "key_gen": "int", "updated_at": "timestamptz"}
ATTEMPT_COLUMNS = {
    "change_id": "bigint",
    "number": "int",
    "epoch": "bigint",
    "at": "timestamptz",
    "purpose": "text",
    "answer": "text",
    "code": "text",
    "status": "int",
    "milliseconds": "int",
    "request": "text",
    "response": "text",
}
CHANGE_COLUMNS = {
    "state": "text",
    "destination_key": "text",
    "after": "jsonb",
    "tries": "int",
    "due_at": "timestamptz",
    "ended_at": "timestamptz",
    "code": "text",
    "message": "text",
    "job": "text",
}


def insert(changes: Sequence[Change]) -> None:
    """Store new changes with one statement; each gets its id."""
    for change, id_ in zip(changes, bulk.reserve("hub_change", len(changes)), strict=True):
        change.pk = id_
    columns, values_of, json_at = _columns()
    fields_at, image_at = (list(columns).index(name) for name in ("fields", "image"))
    rows = [list(values_of(change)) for change in changes]
    for row in rows:
        if row[fields_at] is row[image_at]:  # of a create: it is stored once
            row[fields_at] = None
        for place in json_at:
            if (value := row[place]) is not None and type(value) is not str:
                row[place] = orjson.dumps(value).decode()
    bulk.insert("hub_change", columns=columns, rows=rows)


@cache
def _columns() -> tuple[dict[str, str], Callable[[Change], tuple[Any, ...]], list[int]]:
    """The columns of a change with their kinds, what gives the values of one, and which of them are JSON."""
    fields = Change._meta.concrete_fields
    columns = {str(field.column): _kind(field) for field in fields}
    json_at = [place for place, kind in enumerate(columns.values()) if kind == "jsonb"]
    return columns, attrgetter(*(field.attname for field in fields)), json_at


KINDS = {
    "BooleanField": "boolean",
    "JSONField": "jsonb",
    "DateTimeField": "timestamptz",
    "CharField": "text",
    "TextField": "text",
}


def _kind(field: Field[Any, Any]) -> str:
    """PostgreSQL's type of a column, for arrays."""
    return KINDS.get(field.get_internal_type(), "bigint")


def attempt(about: Change, answer: Outcome, now: datetime, purpose: str = "write") -> tuple[Any, ...]:
    exchange = answer.exchange or Exchange(response=answer.message)
    request = exchange.request
    if about.tries == 0 and answer.answer is Answer.APPLIED:
        request = request.partition("\n\n")[0]  # the rest is what the change says it sent
    return (
        about.id,
        about.tries + 1,
        about.epoch,
        now,
        purpose,
        answer.answer.value,
        answer.code[:40],
        exchange.status,
        exchange.milliseconds,
        request,
        exchange.response,
    )


def was_tried(answer: Outcome) -> bool:
    """Whether a request left for this outcome; what the hub itself held back was no try."""
    return answer.code != PacedError.code


def change(
    about: Change, answer: Outcome, state: State, due: datetime | None, now: datetime, *, is_telling: bool = True
) -> tuple[Any, ...]:
    """What became of a change. Of an answer that only says what was sent (not `is_telling`) nothing is kept."""
    return (
        about.id,
        state.value,
        (answer.key or about.destination_key) if about.side == "destination" else about.destination_key,
        as_json(canonical.to_json(answer.image)) if is_telling and answer.image is not None else None,
        about.tries + was_tried(answer),
        due,
        now if state in intent.ENDED else None,
        answer.code[:40],
        answer.message[:2000],
        (answer.job or about.job)[:255],
    )


def as_json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def image(link_id: int, images: Images) -> tuple[Any, ...]:
    """The acknowledged images of a link as the table takes them."""
    own = (images.own_source, images.own_destination)
    return (link_id, as_json(dict(images.agreed)), *(as_json(one) for one in own))


def images_of(link_ids: Sequence[int]) -> dict[int, Images]:
    """The acknowledged images of these links."""
    rows = LinkImage.objects.filter(link_id__in=link_ids).values_list("link_id", "sent", "source", "destination")
    return {id_: Images(sent, source, destination) for id_, sent, source, destination in rows} if link_ids else {}
