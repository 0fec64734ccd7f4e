"""The page of workers and the queue, as an operator reads it."""

import pytest
from django.test import Client

from hub import queue
from hub.models import User
from hub.services import health
from tests.conftest import ClientOf

pytestmark = pytest.mark.django_db
PAGE = "/admin/hub/lane/workers/"


def _text(client: Client, address: str = PAGE) -> str:
    return client.get(address).content.decode()


class TestPage:
    def test_shows_who_is_alive_and_what_waits(self, redis_url: str, client_of: ClientOf, operator: User) -> None:
        health.beat("worker")
        queue.queue().enqueue(queue.DRAIN, kwargs={"lane_id": 1})

        page = _text(client_of(operator))

        assert "alive" in page
        assert "1 × works a lane" in page

    def test_says_how_to_start_what_is_missing(self, redis_url: str, client_of: ClientOf, operator: User) -> None:
        page = _text(client_of(operator))

        assert "No worker is alive" in page
        assert "manage.py worker" in page

    def test_still_answers_while_redis_is_away(self, redis_away: None, client_of: ClientOf, operator: User) -> None:
        page = _text(client_of(operator))

        assert "Redis does not answer" in page
        assert "Waits in the database" in page

    def test_renews_only_the_part_that_moves(self, redis_url: str, client_of: ClientOf, operator: User) -> None:
        part = _text(client_of(operator), f"{PAGE}live/")

        assert "workers-stats" in part
        assert "<html" not in part

    def test_stands_in_the_menu_of_those_who_may_see_it(
        self, redis_url: str, client_of: ClientOf, operator: User, resolver: User
    ) -> None:
        assert PAGE in _text(client_of(operator), "/admin/")
        assert PAGE not in _text(client_of(resolver), "/admin/")
