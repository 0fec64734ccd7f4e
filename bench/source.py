"""A source of customers of 12 fields and about 600 bytes, made as fast as they are read."""

from collections.abc import Iterator
from typing import Any

import orjson

PAGE = 500
FIELDS = {
    name: {"steps": [{"path": name}]}
    for name in ("name", "street", "city", "country", "vat", "email", "phone", "limit", "currency", "segment", "note")
}
BODY = {"fields": {"code": {"steps": [{"path": "id"}]}, **FIELDS}}


template = (
    b'{"id":"C-%08d","name":"Customer %d of edition %d","street":"%d Long Road of the Northern Harbour District",'
    b'"city":"City %d","country":"DE","vat":"DE%09d","email":"purchasing.department.%d@customer-%d.example",'
    b'"phone":"+49 40 %08d","limit":"%d.00","currency":"EUR","segment":"WHOLESALE","note":"' + b"n" * 250 + b'"}'
)


def values(number: int, edition: int) -> tuple[int, ...]:
    """What fills the template."""
    return (
        number, number, edition, number % 300, number % 997, number, number, number, number, number % 90000,
    )  # fmt: skip


def record(number: int, edition: int = 0) -> dict[str, Any]:
    """A customer of 12 fields and about 600 bytes."""
    return {
        "id": f"C-{number:08d}",
        "name": f"Customer {number} of edition {edition}",
        "street": f"{number % 300} Long Road of the Northern Harbour District",
        "city": f"City {number % 997}",
        "country": "DE",
        "vat": f"DE{number:09d}",
        "email": f"purchasing.department.{number}@customer-{number}.example",
        "phone": f"+49 40 {number:08d}",
        "limit": f"{number % 90000}.00",
        "currency": "EUR",
        "segment": "WHOLESALE",
        "note": "n" * 250,
    }


def page_bytes(start: int, stop: int, edition: int, share: int = 1) -> bytes:
    """A page as an API would answer it, of which one record in `share` is of `edition` and the rest of the first."""
    editions = ((number, 0 if number % share else edition) for number in range(start, stop))
    return b"[%s]" % b",".join(template % values(number, of) for number, of in editions)


class Generated:
    """A source that answers pages made beforehand, so that making them is not measured twice."""

    def __init__(self, count: int, edition: int = 0) -> None:
        self.count, self.edition = count, edition

    def read(self, stream: str, cursor: dict[str, Any] | None, limit: int) -> Any:
        from hub.sdk import Page, Record

        start = (cursor or {}).get("at", 0)
        stop = min(start + limit, self.count)
        raw = page_bytes(start, stop, self.edition)
        records = [Record(data["id"], data, None) for data in orjson.loads(raw)]
        return Page(records, {"at": stop}, done=stop >= self.count)

    def fetch(self, stream: str, keys: Any) -> Iterator[Any]:
        return iter(())

    def apply(self, stream: str, changes: Any) -> Iterator[Any]:
        from hub.sdk import Answer, Outcome

        return (Outcome(change.id, Answer.APPLIED, key=change.external_id, version="1") for change in changes)

    def find(self, stream: str, external_ids: Any) -> Iterator[Any]:
        return iter(())

    def streams(self) -> list[Any]:
        from hub.sdk import Batch, Capabilities, ConditionalWrite, ExternalId, ReadBack, Stream, WriteCapability

        write = WriteCapability(
            conditional=ConditionalWrite(create=True),
            external_id=ExternalId("code"),
            read_back=ReadBack(by_external_id=True),
            batch=Batch(500),
        )
        return [Stream("customers", "Customers", Capabilities(write, write, write, fetch_by_key=False))]

    def check(self) -> str:
        return ""

    def close(self) -> None:
        pass
