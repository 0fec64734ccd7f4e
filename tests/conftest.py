"""People and clients that most tests of the hub need."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from hub import provenance
from hub.http.zone import Zone, install, networks_of
from hub.models import User, guard
from tests import doors
from tests.doorbell import redis_away, redis_server, redis_url
from tests.factories import UserFactory

__all__ = ["redis_away", "redis_server", "redis_url"]  # fixtures

# A busy machine must not fail a property for being slow. CI tries the same examples each time, so that what fails there
# fails here too; everybody else looks for new ones.
hypothesis_settings.register_profile(
    "hub", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
hypothesis_settings.load_profile("hub")

ClientOf = Callable[[User], Client]


def _person(name: str, *roles: str) -> User:
    return UserFactory(username=name, first_name=name.title(), groups=roles)


@pytest.fixture
def owner(db: None) -> User:
    """A person with the role Integration owner; owns nothing yet."""
    return _person("olga", "Integration owner")


@pytest.fixture
def deputy(db: None) -> User:
    """Another person with the role Integration owner."""
    return _person("dan", "Integration owner")


@pytest.fixture
def resolver(db: None) -> User:
    """A person with the role Resolver, everywhere."""
    return _person("rita", "Resolver", "Whole hub")


@pytest.fixture
def auditor(db: None) -> User:
    """A person with the role Auditor."""
    return _person("abel", "Auditor")


@pytest.fixture
def administrator(db: None) -> User:
    """A person who sets up and operates everything, and gives others their roles."""
    return _person("ada", "Integration owner", "Operator", "Credential admin", "Security admin", "Whole hub")


@pytest.fixture
def operator(db: None) -> User:
    """A person with the role Operator, everywhere."""
    return _person("otto", "Operator", "Whole hub")


@pytest.fixture
def developer(db: None) -> User:
    """A person with the role Developer, everywhere."""
    return _person("dev", "Developer", "Whole hub")


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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody uses: whom a test has left connected is sent away at the end.

    The triggers that refuse to empty evidence are taken down, so that tests can empty it; their own put them up.
    """
    with django_db_blocker.unblock():
        guard.remove(connection)
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def nobody_hears(settings: Settings, state_folder: Path) -> None:
    """The doorbell rings in vain, also where REDIS_URL names a server; `redis_url` is for tests that want it heard.

    The state folder is the tests' own, and what it says of the database is forgotten: each test has a new one.
    """
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    settings.HUB_STATE = state_folder
    (state_folder / "incarnation").unlink(missing_ok=True)


doors.watch()


@pytest.fixture(autouse=True)
def nobody_takes_another_way_out() -> Iterator[None]:
    """Every connection is opened by hub.http, or by one of the few that may besides."""
    yield
    found = doors.elsewhere.copy()
    doors.elsewhere.clear()
    assert found == [], "opened past hub.http"


THIS_MACHINE = Zone("tests", networks_of(["127.0.0.0/8", "::1/128"]), allow_http=True)


@pytest.fixture(autouse=True)
def this_machine_may_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of tests are here: this zone is open beside those of the database, as far as this process goes.

    The server that keeps the hub's own tables may keep those of a test's system too. A process that a test starts has
    no part in this: what it is to reach stands as a row in its database (`tests.factories.open_this_machine`).
    """
    monkeypatch.setattr("hub.services.zone.declared", lambda: (THIS_MACHINE,))
    monkeypatch.setattr("hub.services.zone.own_servers", tuple)
    install([THIS_MACHINE])


@pytest.fixture
def no_zone(this_machine_may_be_reached: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new hub is: nothing is open but what a test opens."""
    monkeypatch.setattr("hub.services.zone.declared", tuple)
    install([])


@pytest.fixture(autouse=True)
def nobody_acts() -> Iterator[None]:
    """What a command says of who acts holds for its process, which in tests goes on."""
    with provenance.acting(None):
        yield


@pytest.fixture(autouse=True)
def only_the_host_tells_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests travel with the host's clock; a database cannot follow them, so nobody goes by that."""
    monkeypatch.setattr("hub.clock.compare", lambda *moments: None)


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder for all tests of this process."""
    return tmp_path_factory.mktemp("state")


# Tests that share something large or start many processes stay together on one worker. Groups begin first, so that
# none of them is what everybody waits for at the end.
TOGETHER = {
    "tests/chaos/": "storms",
    "tests/canary/": "canary",
    "tests/systems/": "systems",
    "tests/journeys/": "journeys",
    "tests/hub/management/test_up": "hubs",
    "tests/hub/management/test_demo": "systems",
}


class Together(LoadScopeScheduling):
    """Hands out tests one by one, but those that belong together to one worker.

    It stands for `--dist loadgroup`, whose marks pytest 9.2 no longer lets through (pytest-xdist, issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((group for place, group in TOGETHER.items() if place in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """How pytest-xdist, where it is used, spreads the tests over its workers."""
    return Together(config, log)


@pytest.fixture
def client_of() -> ClientOf:
    """`client_of(person)`: a browser in which this person is signed in."""

    def client_of(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return client_of
