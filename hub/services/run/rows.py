"""Rows of links, changes and attempts as the set-based writes take them."""

from datetime import datetime
from typing import Any

import orjson

from hub.engine import canonical, intent
from hub.engine.intent import State
from hub.models import Change
from hub.sdk import Exchange, Outcome

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


def attempt(about: Change, answer: Outcome, now: datetime) -> tuple[Any, ...]:
    exchange = answer.exchange or Exchange(response=answer.message)
    return (
        about.pk,
        about.tries + 1,
        about.epoch,
        now,
        "write",
        answer.answer.value,
        answer.code[:40],
        exchange.status,
        exchange.milliseconds,
        exchange.request,
        exchange.response,
    )


def change(about: Change, answer: Outcome, state: State, due: datetime | None, now: datetime) -> tuple[Any, ...]:
    return (
        about.pk,
        state.value,
        answer.key or about.destination_key,
        as_json(canonical.to_json(answer.image)) if answer.image is not None else None,
        about.tries + 1,
        due,
        now if state in intent.ENDED else None,
        answer.code[:40],
        answer.message[:2000],
        answer.job[:255],
    )


def as_json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
