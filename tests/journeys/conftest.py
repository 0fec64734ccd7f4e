"""A real browser, a live server, and a small integration between real files and a real database."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from hub.models import Integration, Mapping, User
from hub.services import mapping as mappings
from tests.factories import ConnectionFactory, IntegrationFactory, MappingFactory, UserFactory
from tests.journeys.watch import Watch

# The browser's driver keeps an event loop in this thread, in which Django would otherwise refuse its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PASSWORD = "a-password-for-trying-1"
RATES = 40
REFUSED, MISSPELT = "R-017", "R-023"
BODY = {
    "fields": {
        "code": {"steps": [{"path": "code"}, {"trim": True}], "required": True},
        "carrier": {"steps": [{"path": "carrier"}], "required": True},
        "price": {"steps": [{"path": "price"}, {"decimal": {"places": 2}}], "required": True},
        "currency": {"steps": [{"path": "currency"}], "required": True},
    }
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser against a live server."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.django_db(transaction=True))


def chromium() -> str:
    """The path of a browser: HUB_CHROMIUM, or one that is installed; empty when there is none."""
    named = os.environ.get("HUB_CHROMIUM", "")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in found if path), "")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all journeys."""
    path = chromium()
    if not path:
        pytest.skip("No browser: install chromium, or name one in HUB_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, live_server: Any, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser that knows nobody yet. Parametrize `context` indirectly for a narrow or a dark one."""
    context = browser.new_context(base_url=live_server.url, **getattr(request, "param", {}))
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def watch(context: BrowserContext, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Watch]:
    """What the browser did wrong: requests to other hosts, refused by the policy, errors. Must be nothing."""
    watch = Watch(context, live_server.url)
    yield watch
    assert watch.problems == []


@pytest.fixture
def olga(db: None) -> User:
    """The owner, who signs in for the first time."""
    person = UserFactory(username="olga", first_name="Olga", last_name="Berg", groups=["Integration owner"])
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(page: Page, name: str) -> None:
    """Open the hub as somebody who was never here, and sign in."""
    page.goto("/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url("/admin/")


@pytest.fixture(autouse=True)
def no_doorbell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are played by the tests, so nobody has to hear the bell."""
    monkeypatch.setattr("hub.queue._enqueue", lambda job, **ids: None)


@pytest.fixture
def rates(olga: User, tmp_path: Path) -> Mapping:
    """Freight rates from a file to a database, which refuses one of them; another is misspelt in the file."""
    write_rates(tmp_path / "rates.csv")
    database = tmp_path / "logistics.sqlite3"
    with sqlite3.connect(database) as logistics:
        logistics.execute(
            "create table rates (code text primary key, carrier text not null, currency text not null, "
            "price numeric not null constraint price_is_positive check (price > 0))"
        )
    logistics.close()
    mapping = MappingFactory(
        integration=_integration(olga),
        name="rates",
        title="Rates",
        source=_files(tmp_path),
        source_stream="rates",
        destination=_logistics(database),
        destination_stream="rates",
        read_mode="full",
        page_size=10,
    )
    mappings.activate(version=mappings.save_draft(mapping=mapping, body=BODY, by=olga), by=olga)
    mapping.refresh_from_db()
    return mapping


def write_rates(path: Path, *, raised: str = "") -> None:
    """The carrier's file; with `raised`, that rate costs more than before."""
    lines = ["code,carrier,price,currency"]
    for number in range(1, RATES + 1):
        code = f"R-{number:03}"
        price = {REFUSED: "-5.00", MISSPELT: "12,5o", raised: "99.90"}.get(code, f"{10 + number}.50")
        lines.append(f'{code},Müller & Söhne,"{price}",EUR')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _integration(owner: User) -> Integration:
    return IntegrationFactory(
        name="freight",
        title="Freight rates to logistics",
        purpose="Logistics prices every consignment with the carriers' rates of today.",
        owner=owner,
        deputy=UserFactory(username="dan", first_name="Dan"),
    )


def _files(folder: Path) -> Any:
    stream = {"pattern": "rates.csv", "key": ["code"], "columns": ["code", "carrier", "price", "currency"]}
    return ConnectionFactory(
        name="carrier",
        title="Files of the carrier",
        connector="files",
        config={"url": f"file://{folder}", "streams": {"rates": stream}},
    )


def _logistics(database: Path) -> Any:
    table = {
        "table": "rates",
        "key": ["code"],
        "columns": ["code", "carrier", "price", "currency"],
        "external_id": "code",
    }
    return ConnectionFactory(
        name="logistics",
        title="Logistics database",
        connector="sql",
        config={"driver": "sqlite", "database": str(database), "tables": {"rates": table}},
    )
