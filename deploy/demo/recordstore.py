"""Kinto: the HTTP record store in which the demo's customers are kept."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from children import HOST, Child, Children, Program
from customers import Customer, all_customers
from sqlserver import Server
from state import DemoError, State, write_private

USER = "hub"
CUSTOMERS = "/buckets/hub/collections/customers"
_BATCH = 25  # Kinto's own limit, below
_SETTINGS = """\
[server:main]
use = egg:waitress#main
host = {host}
port = {port}
threads = 8

[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.accounts kinto.plugins.default_bucket
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {uri}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {uri}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = {secret}
kinto.paginate_by = 1000
kinto.batch_max_requests = {batch}
kinto.account_create_principals = system.Everyone
kinto.bucket_create_principals = system.Authenticated
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.AccountsPolicy
"""


class Store:
    """A Kinto that answers, spoken to as the hub's user."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._password = password
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (USER, password)

    def call(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """One request; raises unless the answer is good, 404 or 412."""
        url = self.url + path
        answer = self.session.request(method, url, json=json, headers=headers, timeout=30)
        if answer.status_code not in (404, 412):
            answer.raise_for_status()
        return answer

    def seed(self) -> None:
        """Make account, collection and customers, except what is there already."""
        new = {"If-None-Match": "*"}
        account = {"data": {"password": self._password}}
        requests.put(f"{self.url}/accounts/{USER}", json=account, headers=new, timeout=30)
        self.call("PUT", "/buckets/hub", headers=new)
        self.call("PUT", CUSTOMERS, headers=new)
        for batch in _batches(all_customers()):
            self._create(batch)

    def _create(self, batch: list[Customer]) -> None:
        asked = [
            {
                "method": "PUT",
                "path": f"{CUSTOMERS}/records/{customer['id']}",
                "headers": {"If-None-Match": "*"},
                "body": {"data": customer},
            }
            for customer in batch
        ]
        answers = self.call("POST", "/batch", json={"requests": asked}).json()["responses"]
        for answer in answers:
            if answer["status"] not in (201, 412):
                raise DemoError(f"Kinto did not take a customer: {answer}")


def prepare(children: Children, state: State, server: Server, port: int) -> None:
    """Write Kinto's settings, and make its database and tables at the first start."""
    passwords = state.passwords()
    uri = server.uri("kinto", passwords["kinto_database"], "kinto")
    settings = _SETTINGS.format(host=HOST, port=port, uri=uri, secret=passwords["kinto_database"], batch=_BATCH)
    write_private(state.path("kinto.ini"), settings)
    if not state.is_done("kinto-tables"):
        server.ensure_database("kinto", owner="kinto", password=passwords["kinto_database"])
        children.run(_program(state, "kinto-setup", "migrate"))
        state.mark_done("kinto-tables")


def start(children: Children, state: State) -> Child:
    """Start Kinto; it answers some time later."""
    return children.start(_program(state, "kinto", "start"))


def await_ready(children: Children, child: Child, state: State, port: int) -> Store:
    """Wait until Kinto answers, and seed it at the first start."""
    store = Store(f"http://{HOST}:{port}/v1", state.passwords()["kinto"])
    children.await_answer(child, lambda: _answers(store))
    if not state.is_done("customers"):
        store.seed()
        state.mark_done("customers")
    return store


def _program(state: State, name: str, verb: str) -> Program:
    script = Path(sys.executable).with_name("kinto")  # `python -m kinto` does nothing
    command: list[str | Path] = [script, verb, "--ini", state.path("kinto.ini")]
    return Program(name, command, settings={"PYTHONWARNINGS": "ignore"})


def _answers(store: Store) -> bool:
    try:
        return store.session.get(store.url + "/__lbheartbeat__", timeout=5).ok
    except requests.ConnectionError:
        return False


def _batches(customers: list[Customer]) -> Iterator[list[Customer]]:
    for first in range(0, len(customers), _BATCH):
        yield customers[first : first + _BATCH]
