"""Asks one address as one person, and tells what came of it: the answer, and what was written."""

import re
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.test import Client

WRITES = re.compile(r'^\s*(?:insert into|update|delete from)\s+"?(\w+)', re.IGNORECASE)
# A session, and what evidence is made of, are not what was asked for.
ASIDE = {"django_session", "hub_auditevent", "hub_captureactor", "hub_capturedrow"}
OUTSIDE = "inside a database transaction"
LETTERS = {200: "o", 302: "o", 401: "u", 403: "x", 404: "-", 405: "n", 400: "b"}


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a request: one letter, the status, the tables written, and whether an audit event was among them."""

    letter: str
    status: int
    written: frozenset[str]
    is_told: bool


def ask(client: Client, method: str, address: str, data: dict[str, Any]) -> Came:
    """Ask, look at what was written, and take it back."""
    written: set[str] = set()

    def watch(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if (found := WRITES.match(sql)) and (sql.startswith("INSERT") or context["cursor"].rowcount):
            written.add(found[1].lower())
        return done

    with transaction.atomic(), connection.execute_wrapper(watch):
        try:
            answer = getattr(client, method)(address, data)
        except RuntimeError as error:
            # What asks another system was let through so far: it does that outside of transactions only.
            if OUTSIDE not in str(error):
                raise
            return Came("o", 200, frozenset(), is_told=False)
        finally:
            transaction.set_rollback(True)
    letter = LETTERS.get(answer.status_code, "?")
    if answer.status_code == 302 and "/login/" in answer["Location"]:
        letter = "L"
    changed = frozenset(table for table in written - ASIDE if "historical" not in table)
    return Came(letter, answer.status_code, changed, is_told="hub_auditevent" in written)
