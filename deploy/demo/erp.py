"""Tryton: the ERP whose parties the demo's customers become."""

import base64
import itertools
import sys
from typing import Any

import requests
from children import HOST, Child, Children, Program
from customers import COUNTRIES
from sqlserver import Server
from state import DemoError, State, write_private

USER = "admin"
DATABASE = "erp"
_SETTINGS = """\
[database]
uri = {uri}
path = {files}

[web]
listen = {host}:{port}
"""


class Erp:
    """A Tryton that answers, spoken to over JSON-RPC as its administrator."""

    def __init__(self, url: str, password: str) -> None:
        self.url = f"{url}/{DATABASE}/rpc/"
        self._password = password
        self._numbers = itertools.count(1)
        self.session = requests.Session()
        self.session.trust_env = False

    def login(self) -> None:
        """Open a session; raises when the ERP does not know the password."""
        user, key, _ = self.call("common.db.login", USER, {"password": self._password}, "en")
        token = base64.b64encode(f"{USER}:{user}:{key}".encode()).decode()
        self.session.headers["Authorization"] = f"Session {token}"

    def call(self, method: str, *parameters: object) -> Any:
        """Call a method; a refusal, which Tryton sends with HTTP 200, is a DemoError."""
        body: Any = {"id": next(self._numbers), "method": method, "params": parameters}
        answer = self.session.post(self.url, json=body, timeout=60)
        answer.raise_for_status()
        said = answer.json()
        if "error" in said:
            raise DemoError(f"Tryton refused {method}: {said['error']}")
        return said["result"]

    def ensure_countries(self) -> None:
        """Enter the countries the customers live in, which a fresh Tryton does not know."""
        wanted = [("code", "in", list(COUNTRIES))]
        known = self.call("model.country.country.search_read", wanted, 0, None, None, ["code"], {})
        missing = set(COUNTRIES) - {country["code"] for country in known}
        new = [{"code": code, "name": COUNTRIES[code][0]} for code in sorted(missing)]
        if new:
            self.call("model.country.country.create", new, {})


def prepare(children: Children, state: State, server: Server, port: int) -> Child | None:
    """Write Tryton's settings; at the first start, begin to make its database.

    Returns the process that makes it, which takes some 20 seconds, or None.
    """
    password = state.passwords()["tryton_database"]
    settings = _SETTINGS.format(
        uri=server.uri("tryton", password), files=state.path("tryton-files"), host=HOST, port=port
    )
    write_private(state.path("tryton.conf"), settings)
    if state.is_done("erp"):
        return None
    server.drop_database(DATABASE)
    server.ensure_database(DATABASE, owner="tryton", password=password)
    administrator = state.path("tryton-password")
    write_private(administrator, state.passwords()["tryton"] + "\n")
    modules = ["--update", "ir", "res", "party", "--activate-dependencies"]
    program = _program(state, "tryton-setup", "trytond.cli.admin", *modules, "--email", "admin@erp.example")
    return children.start(Program(program.name, program.command, {"TRYTONPASSFILE": str(administrator)}))


def start(children: Children, state: State, making: Child | None) -> Child:
    """Start Tryton, once its database is made; it answers some time later."""
    if making is not None:
        children.finish(making)
    return children.start(_program(state, "tryton", "trytond.cli"))


def await_ready(children: Children, child: Child, state: State, port: int) -> None:
    """Wait until Tryton lets the administrator in, and complete it at the first start."""
    erp = Erp(f"http://{HOST}:{port}", state.passwords()["tryton"])
    children.await_answer(child, lambda: _lets_in(erp))
    if not state.is_done("erp"):
        erp.ensure_countries()
        state.mark_done("erp")


def _program(state: State, name: str, module: str, *options: str) -> Program:
    settings = ["-c", str(state.path("tryton.conf")), "-d", DATABASE]
    return Program(name, [sys.executable, "-m", module, *settings, *options])


def _lets_in(erp: Erp) -> bool:
    try:
        erp.login()
    except requests.ConnectionError:
        return False
    return True
