"""Every address of the desk, asked by every role, of rows given to them, not given, deleted and absent."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import reverse

from tests.permissions.address import COMMON, OPEN
from tests.permissions.ask import Came, ask
from tests.permissions.route import Route, all_names, routes
from tests.permissions.table import TABLE
from tests.permissions.world import EVERYWHERE, PEOPLE, World, build

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
ABSENT = 999_999_999
FEW = "ISN"  # who asks about what nobody can reach: the answer is the same for everybody
COLUMNS = re.compile(r" {2,}")
ANY = frozenset({"*"})
REASON = {"reason": "Because it is due.", "confirmed": "1"}


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of the table."""

    get: str
    post: str
    writes: frozenset[str]


def lines() -> dict[str, Expected]:
    """The table, by route."""
    found = {}
    for line in TABLE.splitlines():
        if line and not line.startswith("#"):
            name, *columns = COLUMNS.split(line.strip())
            get, post, writes = [*columns, ""][:3]
            tables = (f"hub_{table}" for table in writes.split(",") if table)
            found[name] = Expected(get, post, ANY if writes == "*" else frozenset(tables))
    return found


EXPECTED = lines()
ROUTES = routes()
MODELS = sorted({route.model.__name__ for route in ROUTES if route.model})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The rows and people; pages are not drawn, which takes longer than deciding about them."""

    def not_drawn(response: TemplateResponse) -> TemplateResponse:
        response.content = ""
        return response

    monkeypatch.setattr(TemplateResponse, "render", not_drawn)
    # Asked as if every button were there: whom a state keeps from a deed says nothing about rights.
    deeds = [deed for one in admin.site._registry.values() for deed in getattr(one, "deeds", ())]
    hidden = [(deed, deed.shown) for deed in deeds]
    for deed in deeds:
        object.__setattr__(deed, "shown", lambda row: True)
    logging.disable(logging.CRITICAL)
    yield build()
    for deed, shown in hidden:
        object.__setattr__(deed, "shown", shown)
    logging.disable(logging.NOTSET)


@pytest.fixture
def clients(world: World) -> dict[str, Client]:
    """Each person, signed in."""
    found = {letter: Client() for letter in PEOPLE}
    for letter, client in found.items():
        client.force_login(world.people[letter])
    return found


def data(route: Route) -> dict[str, Any]:
    """The smallest thing a page takes."""
    if route.more == ("give_access",):
        right = "view_integration" if route.name.startswith("Integration") else "view_credential"
        return {**REASON, "group": Group.objects.get(name="A group").pk, "right": right}
    return REASON


def told(route: Route, letter: str, method: str, came: Came) -> str:
    return f"{route.name} {method} by {PEOPLE[letter] or 'nobody'}: {came.status}, wrote {sorted(came.written)}"


class TestTable:
    def test_lists_every_address_and_nothing_else(self) -> None:
        assert set(EXPECTED) == {route.name for route in ROUTES}

    def test_covers_every_pattern_of_the_resolver(self) -> None:
        covered = {f"admin:{route.url_name}" for route in ROUTES} | OPEN | set(COMMON)
        deeds = {name for name in all_names() if name.endswith("_do")}
        unnamed = {
            name for name in all_names() if "object_id" in name or "(?P<url>" in name or name.startswith("admin/")
        }

        assert all_names() - covered - deeds - unnamed == set()

    def test_needs_no_line_for_inlines(self) -> None:
        assert not any(one.inlines for one in admin.site._registry.values())


@pytest.mark.parametrize("name", MODELS)
class TestEveryRole:
    def test_finds_what_the_table_says(self, name: str, world: World, clients: dict[str, Client]) -> None:
        wrong = []
        for route in [route for route in ROUTES if route.model and route.model.__name__ == name]:
            expected = EXPECTED[route.name]
            for rows, is_inside in ((world.inside, True), (world.outside, False)):
                pk = rows[route.model].pk  # type: ignore[index]
                for letter, client in clients.items():
                    wrong += _differences(route, letter, client, (pk, expected, is_inside))
                if not route.is_of_row or rows[route.model] is world.outside[route.model]:  # type: ignore[index]
                    break
        assert not wrong, "\n".join(wrong)

    def test_finds_nothing_where_a_row_is_absent_or_deleted(
        self, name: str, world: World, clients: dict[str, Client]
    ) -> None:
        wrong = []
        for route in [route for route in ROUTES if route.is_of_row and route.model and route.model.__name__ == name]:
            row, none_such = world.inside[route.model], EXPECTED[route.name]  # type: ignore[index]
            for method, letters in (("get", none_such.get), ("post", none_such.post)):
                wanted = "n" if set(letters) == {"n"} else "-"
                for letter in FEW:
                    with transaction.atomic():
                        gone = [ask(clients[letter], method, route.address(ABSENT), data(route))]
                        type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")
                        gone.append(ask(clients[letter], method, route.address(row.pk), data(route)))
                        transaction.set_rollback(True)
                    wrong += [
                        told(route, letter, method, came) for came in gone if came.letter != wanted or came.written
                    ]
        assert not wrong, "\n".join(wrong)

    def test_changes_nothing_by_a_list_that_its_page_would_not_change(
        self, name: str, world: World, clients: dict[str, Client]
    ) -> None:
        wrong = []
        for route in [route for route in ROUTES if route.more and route.model and route.model.__name__ == name]:
            listed = reverse(f"admin:{route.url_name.removesuffix('_do')}_changelist")
            for letter, client in clients.items():
                for rows in (world.inside, world.outside):
                    row = rows[route.model]  # type: ignore[index]
                    chosen = {**data(route), "action": route.more[0], "_selected_action": [row.pk]}
                    came = ask(client, "post", listed, chosen)
                    is_theirs = rows is world.inside or letter in EVERYWHERE
                    may = EXPECTED[route.name].post[list(PEOPLE).index(letter)] == "o" and is_theirs
                    if came.written and not may:
                        wrong.append(told(route, letter, "list", came))
        assert not wrong, "\n".join(wrong)


def _differences(route: Route, letter: str, client: Client, what: tuple[Any, Expected, bool]) -> list[str]:
    pk, expected, is_inside = what
    found = []
    for method, letters in (("get", expected.get), ("post", expected.post)):
        wanted = letters[list(PEOPLE).index(letter)]
        if not is_inside and letter not in EVERYWHERE and set(letters) != {"n"}:
            wanted = "-"
        came = ask(client, method, route.address(pk), data(route) if method == "post" else {})
        writes = expected.writes if method == "post" and wanted == "o" else frozenset()
        is_as_told = came.written == writes or (writes == ANY and bool(came.written))
        if came.letter != wanted or not is_as_told or (came.written and not came.is_told):
            found.append(f"{told(route, letter, method, came)}; expected {wanted}, {sorted(writes)}")
    return found


class TestOtherAddresses:
    def test_lead_to_the_sign_in_page(self, world: World) -> None:
        stranger = Client()
        for route in ROUTES:
            address = route.address(ABSENT)
            for method in ("get", "post"):
                assert ask(stranger, method, address, REASON).letter == "L", f"{method} {address}"

    @pytest.mark.parametrize("name", sorted(COMMON))
    def test_of_no_table_are_as_written(self, name: str, world: World, clients: dict[str, Client]) -> None:
        arguments = {"admin:view_on_site": ["1", "1"], "admin:app_list": ["hub"]}.get(name, [])
        if name in {"mfa_edit_webauthn", "mfa_remove_webauthn"}:
            arguments = ["1"]
        address = reverse(name, args=arguments)

        assert "".join(ask(client, "get", address, {}).letter for client in (Client(), clients["N"])) == COMMON[name]
