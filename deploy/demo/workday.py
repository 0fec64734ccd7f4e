"""What people do to the demo's source systems in one working day: edits, deletions, mistakes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import freight
from customers import Customer, all_customers, other_place, spoil
from recordstore import CUSTOMERS, Store
from state import DemoError, State

_SEED = 20260403
_PER_ROUND = 6  # customers, besides the one with the mistyped VAT number
_ROWS_PER_ROUND = 6
ROUNDS = 150


@dataclass(frozen=True)
class Edit:
    """One edit of one customer: the new values, or None to delete it."""

    id: str
    values: dict[str, Any] | None
    remark: str = ""


def apply_round(state: State, number: int) -> Iterator[str]:
    """Make the edits of a round, each round on other records; one line told per edit.

    A round that is made a second time changes nothing.
    """
    if not 1 <= number <= ROUNDS:
        raise DemoError(f"there are rounds 1 to {ROUNDS}")
    kinto = state.read_addresses()["kinto"]
    store = Store(kinto["url"], kinto["password"])
    for edit in customer_edits(number):
        yield _edit_customer(store, edit)
    yield from _edit_airports(freight.ensure_file(state), number)


def customer_edits(number: int) -> list[Edit]:
    """The customers' edits of a round."""
    plain, with_vat = _order_of_edits()
    first = (number - 1) * _PER_ROUND
    a, b, c, d, e, gone = plain[first : first + _PER_ROUND]
    mistaken = with_vat[number - 1]
    return [
        Edit(a["id"], {"name": f"{a['name'].strip()} (umfirmiert {number})"}),
        Edit(b["id"], {"name": f"{b['name'].strip()} & Partner {number}"}),
        Edit(c["id"], _moved(c)),
        Edit(d["id"], _moved(d)),
        Edit(e["id"], {"credit_limit": str(Decimal(e["credit_limit"]) + 1500 * number)}),
        Edit(gone["id"], None),
        Edit(
            mistaken["id"],
            {"vat": spoil(mistaken["vat"])},
            "(wrong check digit: the ERP refuses it)",
        ),
    ]


def airport_edits(number: int) -> dict[str, tuple[freight.Change, str]]:
    """The freight locations' edits of a round, by code, each with a remark."""
    first = (number - 1) * _ROWS_PER_ROUND
    rows = freight.order_of_edits()[first : first + _ROWS_PER_ROUND]
    a, b, c, d, gone, mistaken = (row["icao"] for row in rows)
    name, height, city = rows[0]["name"], Decimal(rows[1]["elevation"]), rows[2]["city"]
    return {
        a: (_with(name=f"{name} (renamed {number})"), ""),
        b: (_with(elevation=f"{height + number:.0f}"), ""),
        c: (_with(city=f"Greater {city or 'Area'}"), ""),
        d: (_with(name=f"{rows[3]['name']} Freight, Terminal {number}"), ""),
        gone: (lambda _: None, ""),
        mistaken: (_with(country="USA"), "(not a country code: the database refuses it)"),
    }


def _order_of_edits() -> tuple[list[Customer], list[Customer]]:
    """Two shuffled lists without a customer in common, the second all with a VAT number."""
    everyone = all_customers()
    random.Random(_SEED).shuffle(everyone)
    with_vat = [customer for customer in everyone if customer["vat"]][:ROUNDS]
    kept = {customer["id"] for customer in with_vat}
    return [customer for customer in everyone if customer["id"] not in kept], with_vat


def _moved(customer: Customer) -> dict[str, Any]:
    postal_code, city = other_place(customer)
    return {"postal_code": postal_code, "city": city}


def _with(**values: str) -> freight.Change:
    return lambda row: row | values


def _edit_customer(store: Store, edit: Edit) -> str:
    path = f"{CUSTOMERS}/records/{edit.id}"
    found = store.call("GET", path)
    if found.status_code == 404:
        return f"kinto {edit.id} deleted already"
    now, unchanged = found.json()["data"], {"If-Match": found.headers["ETag"]}
    if edit.values is None:
        store.call("DELETE", path, headers=unchanged)
        return f"kinto {edit.id} deleted"
    told = _difference(now, edit.values)
    if told:
        store.call("PATCH", path, json={"data": edit.values}, headers=unchanged)
    return " ".join(["kinto", edit.id, told or "edited already", edit.remark]).rstrip()


def _edit_airports(file: Path, number: int) -> Iterator[str]:
    edits, now = airport_edits(number), freight.read(file)
    changes = {code: change for code, (change, _) in edits.items()}
    freight.rewrite(file, changes)
    for code, (change, remark) in edits.items():
        yield f"files {file.name} {code} {_told(now.get(code), change)} {remark}".rstrip()


def _told(row: freight.Row | None, change: freight.Change) -> str:
    if row is None:
        return "removed already"
    new = change(row)
    return "removed" if new is None else _difference(row, new) or "edited already"


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    changed = [name for name, value in new.items() if old.get(name) != value]
    return ", ".join(f"{name}: {old.get(name)!r} -> {new[name]!r}" for name in changed)
