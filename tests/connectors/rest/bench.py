"""Where the JSON connector is tried: a store with Kinto's rules, and a shop with each usual kind of paging."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.rest import CONNECTOR
from hub.sdk import Secret, Settings
from tests.connectors.bench import SEEDED, Bench, Table
from tests.connectors.rest.kinto_store import PASSWORD, USER, KintoStore
from tests.connectors.rest.listener import listening
from tests.connectors.rest.real_kinto import RealKinto
from tests.connectors.rest.shop_store import TOKEN, ShopStore

SAMPLES = Path(__file__).parents[3] / "connectors" / "rest" / "samples"
CLOSED = "http://127.0.0.1:1"
OWN_OF_KINTO = {"id", "last_modified"}
PAGINATIONS: Mapping[str, Mapping[str, Any]] = {
    "page": {"kind": "page", "param": "page", "size_param": "per_page"},
    "offset": {"kind": "offset", "param": "offset", "size_param": "per_page"},
    "cursor": {"kind": "cursor", "param": "cursor", "next": "meta.next", "size_param": "per_page"},
    "link": {"kind": "link", "size_param": "per_page"},
    "keyset": {"kind": "keyset", "param": "after_id", "field": "id", "size_param": "per_page", "more": "has_more"},
    "own-size": {"kind": "link"},
}


def sample(name: str) -> dict[str, Any]:
    """One of the connector's own sample manifests."""
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def settings(manifest: Any, base_url: str, secrets: Mapping[str, str], **config: Any) -> Settings:
    """What the connector is opened with."""
    config |= {"base_url": base_url, "manifest": manifest}
    opened = {name: Secret(value) for name, value in secrets.items()}
    return Settings(config, opened, CONNECTOR.origins(config), timeout=5.0)


def kinto_settings(base_url: str, manifest: Any = None, password: str = PASSWORD) -> Settings:
    """Settings for the store with Kinto's rules."""
    return settings(manifest or sample("kinto"), f"{base_url}/v1", {"password": password}, auth="basic", user=USER)


def shop_settings(base_url: str, manifest: Any = None, token: str = TOKEN) -> Settings:
    """Settings for the shop."""
    return settings(manifest or sample("shop"), f"{base_url}/api", {"token": token}, auth="bearer")


@contextmanager
def kinto(_folder: Path, manifest: Any = None) -> Iterator[Bench]:
    """The store with Kinto's rules."""
    store = KintoStore()
    for number in range(SEEDED):
        store.put(f"seed-{number}", _customer(number))
    with listening(store.answer) as base_url:
        yield Bench(
            settings=kinto_settings(base_url, manifest),
            stream="customers",
            held=lambda: {key: dict(row) for key, row in store.rows.items()},
            insert=lambda: str(store.put(f"late-{len(store.rows)}", _customer(99))["id"]),
            fresh=lambda number: {"id": f"new-{number}", **_customer(100 + number)},
            edit={"name": "Renamed", "city": "Kempten"},
            bad={"name": ""},
            touch=lambda key: _touch_customer(store, key),
            wrong_address=kinto_settings(CLOSED, manifest),
            wrong_secret=kinto_settings(base_url, manifest, "wrong-pässword"),
        )


@contextmanager
def real_kinto(_folder: Path, **more: Any) -> Iterator[Bench]:
    """The Kinto at HUB_TEST_KINTO (http://user:password@host:port/v1), in a collection made for one test."""
    where = urlsplit(os.environ["HUB_TEST_KINTO"])
    system = RealKinto(
        f"{where.scheme}://{where.hostname}:{where.port}{where.path}", where.username or "", where.password or ""
    )
    manifest = json.loads(json.dumps(sample("kinto")).replace("/buckets/hub/collections/customers", system.collection))
    for number in range(SEEDED):
        system.put(f"seed-{number}", _customer(number))
    try:
        yield Bench(
            settings=_real_settings(system, {**manifest, **more}, system.password),
            stream="customers",
            held=system.held,
            insert=lambda: system.put(f"late-{len(system.held())}", _customer(99)),
            fresh=lambda number: {"id": f"new-{number}", **_customer(100 + number)},
            edit={"name": "Renamed", "city": "Kempten"},
            bad={"id": "somebody-else"},
            touch=lambda key: system.patch(key, {"city": "elsewhere"}),
            wrong_address=kinto_settings(CLOSED, manifest),
            wrong_secret=_real_settings(system, manifest, "wrong-pässword"),
        )
    finally:
        system.drop()


def _real_settings(system: RealKinto, manifest: Any, password: str) -> Settings:
    return settings(manifest, system.base_url, {"password": password}, auth="basic", user=system.user)


@contextmanager
def shop(_folder: Path, pagination: str) -> Iterator[Bench]:
    """The shop, read with one kind of paging."""
    store, manifest = ShopStore(), sample("shop")
    manifest["check"] = ""
    manifest["streams"]["orders"]["list"]["pagination"] = PAGINATIONS[pagination]
    for number in range(SEEDED):
        store.add(_order(number))
    with listening(store.answer) as base_url:
        yield Bench(
            settings=shop_settings(base_url, manifest),
            stream="orders",
            held=lambda: _orders(store),
            insert=lambda: str(store.add(_order(99))["id"]),
            fresh=lambda number: _order(100 + number),
            edit={"customer": "Renamed", "quantity": 5},
            bad={"quantity": -1},
            touch=lambda key: _touch_order(store, int(key)),
            absent="999999",
            wrong_address=shop_settings(CLOSED, manifest),
            wrong_secret=shop_settings(base_url, manifest, "wrong-tök&n"),
        )


def _customer(number: int) -> dict[str, Any]:
    return {"name": f"Kunde {number} “Ö”", "city": "Lindau", "rank": number}


def _order(number: int) -> dict[str, Any]:
    return {"customer": f"Kundin {number}", "quantity": number + 1}


def _touch_customer(store: KintoStore, key: str) -> None:
    store.put(key, {**store.rows[key], "city": "elsewhere"})


def _touch_order(store: ShopStore, key: int) -> None:
    store.save(key, {**store.rows[key], "customer": "somebody else"})


def _orders(store: ShopStore) -> Table:
    return {str(key): dict(row) for key, row in store.rows.items()}


def _batched() -> dict[str, Any]:
    return {**sample("kinto"), "batch": {"path": "/batch", "max_items": 25}}


def _parallel() -> dict[str, Any]:
    return {**sample("kinto"), "parallel": 4}


Entering = Callable[[Path], AbstractContextManager[Bench]]
BENCHES: Mapping[str, Entering] = {
    "kinto": kinto,
    "kinto-batch": partial(kinto, manifest=_batched()),
    "kinto-parallel": partial(kinto, manifest=_parallel()),
    **{f"shop-{name}": partial(shop, pagination=name) for name in PAGINATIONS},
}
if os.environ.get("HUB_TEST_KINTO"):
    batch = {"path": "/batch", "max_items": 25}
    BENCHES = {**BENCHES, "real-kinto": real_kinto, "real-kinto-batch": partial(real_kinto, batch=batch)}
