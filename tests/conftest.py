"""People and clients that most tests of the hub need."""

from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

from hub.models import User
from tests.doorbell import redis_away, redis_server, redis_url
from tests.factories import UserFactory

__all__ = ["redis_away", "redis_server", "redis_url"]  # fixtures

# A busy machine must not fail a property for being slow.
hypothesis_settings.register_profile("hub", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("hub")

ClientOf = Callable[[User], Client]


def _person(name: str, role: str) -> User:
    return UserFactory(username=name, first_name=name.title(), groups=[role])


@pytest.fixture
def owner(db: None) -> User:
    """A person with the role owner; owns nothing yet."""
    return _person("olga", "owner")


@pytest.fixture
def deputy(db: None) -> User:
    """Another person with the role owner."""
    return _person("dan", "owner")


@pytest.fixture
def resolver(db: None) -> User:
    """A person with the role resolver."""
    return _person("rita", "resolver")


@pytest.fixture
def auditor(db: None) -> User:
    """A person with the role auditor."""
    return _person("abel", "auditor")


@pytest.fixture
def administrator(db: None) -> User:
    """A person with the role administrator."""
    return _person("ada", "administrator")


@pytest.fixture
def operator(db: None) -> User:
    """A person with the role operator."""
    return _person("otto", "operator")


@pytest.fixture
def developer(db: None) -> User:
    """A person with the role developer."""
    return _person("dev", "developer")


@pytest.fixture
def stranger(db: None) -> User:
    """A person who may sign in and has no role."""
    return UserFactory(username="stan")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A SQLite file for each test process: threads and child processes can use it, and runs do not meet."""
    database = connections["default"].settings_dict
    if "sqlite" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(autouse=True)
def nobody_hears(settings: Settings) -> None:
    """The doorbell rings in vain, also where REDIS_URL names a server; `redis_url` is for tests that want it heard."""
    settings.REDIS_URL = "unix:///nowhere/redis.sock"


# Tests that share something large or start many processes stay together on one worker of `--dist loadgroup`.
TOGETHER = {
    "tests/systems/": "systems",
    "tests/journeys/": "journeys",
    "tests/hub/management/test_up": "hubs",
    "tests/hub/management/test_demo": "systems",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put such tests into their groups."""
    for item in items:
        for place, group in TOGETHER.items():
            if place in item.nodeid:
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def client_of() -> ClientOf:
    """`client_of(person)`: a browser in which this person is signed in."""

    def client_of(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return client_of
