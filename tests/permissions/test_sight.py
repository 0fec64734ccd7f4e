"""What was not given to somebody is named on no page of theirs: in no list, filter, choice of a form, or search."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from tests.permissions.route import routes
from tests.permissions.table import TABLE
from tests.permissions.world import EVERYWHERE, INSIDE, OUTSIDE, PEOPLE, World, build

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
SCOPED = sorted(set(PEOPLE) - EVERYWHERE)
FORMS = "IODC"  # between them they open every form
SHOWN = ("changelist", "add", "change", "edit", "delete", "history", "live", "cards", "slots")


@pytest.fixture
def world() -> World:
    return build()


def signed_in(world: World, letter: str) -> Client:
    client = Client()
    client.force_login(world.people[letter])
    return client


def pages(world: World) -> Iterator[str]:
    """Every page about the rows that were given, and every list."""
    for route in routes():
        if route.model and (route.more or route.name.split()[-1] in SHOWN):
            yield route.address(world.inside[route.model].pk)


class TestOutOfReach:
    @pytest.mark.parametrize("letter", FORMS)
    def test_is_named_on_no_page(self, letter: str, world: World) -> None:
        client = signed_in(world, letter)

        named = [page for page in pages(world) if OUTSIDE in client.get(page).content.decode()]

        assert named == []

    @pytest.mark.parametrize("letter", SCOPED)
    def test_is_found_by_no_search(self, letter: str, world: World) -> None:
        client = signed_in(world, letter)
        lists = [route.address() for route in routes() if route.name.endswith("changelist")]

        found = [
            page
            for page in [*lists, reverse("admin:search")]
            for parameter in ("q", "s")
            if f">{OUTSIDE}" in client.get(page, {parameter: OUTSIDE}).content.decode()
        ]

        assert found == []

    def test_is_named_where_it_was_given(self, world: World) -> None:
        client = signed_in(world, "I")

        named = [page for page in pages(world) if INSIDE in client.get(page).content.decode()]

        assert len(named) > 40

    @pytest.mark.parametrize("letter", FORMS)
    def test_is_accepted_by_no_form(self, letter: str, world: World) -> None:
        client = signed_in(world, letter)
        rows = {model.__name__: row for model, row in world.outside.items()}
        inside = {model.__name__: row for model, row in world.inside.items()}
        sent = {
            "integration": inside["Integration"].pk, "name": "fresh", "title": "Fresh", "source": rows["Connection"].pk,
            "source_stream": "a", "destination": rows["Connection"].pk, "destination_stream": "b",
            "connection": rows["Connection"].pk, "credential": rows["Credential"].pk, "mapping": rows["Mapping"].pk,
            "webhook": rows["Webhook"].pk, "page_size": 100, "position": 1, "reason": "Because.",
        }  # fmt: skip
        before = {
            model: set(model._default_manager.values_list("pk", flat=True))
            for model in world.inside
            if model.__name__ != "AuditEvent"
        }

        for line in TABLE.splitlines():
            if " add " in line:
                model = line.split()[0]
                client.post(next(one.address() for one in routes() if one.name == f"{model} add"), sent)

        assert before == {model: set(model._default_manager.values_list("pk", flat=True)) for model in before}
