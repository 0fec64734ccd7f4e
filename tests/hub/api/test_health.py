"""Health: what a load balancer is told."""

import pytest
from django.test import Client

from hub.services import health

pytestmark = pytest.mark.django_db


class TestHealthz:
    def test_tells_anybody_that_the_process_lives(self, client: Client, redis_away: None) -> None:
        answer = client.get("/healthz")

        assert (answer.status_code, answer.content) == (200, b"alive\n")


class TestReadyz:
    def test_is_503_and_names_what_is_missing(self, client: Client, redis_url: str) -> None:
        health.beat("scheduler")

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "missing": ["no worker is alive"]}

    def test_is_200_when_everything_is_there(self, client: Client, redis_url: str) -> None:
        health.beat("scheduler")
        health.beat("worker")

        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": []})

    def test_changes_nothing_and_so_takes_no_post(self, client: Client) -> None:
        assert client.post("/readyz").status_code == 405

    def test_is_kept_by_nobody(self, client: Client, redis_away: None) -> None:
        assert "no-store" in client.get("/readyz").headers["Cache-Control"]
