"""I21: secrets go where they are used, and nowhere else: planted, driven through everything, looked for everywhere."""

import base64
import json
import secrets
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.canary import scene, sink, system
from tests.canary.driver import Driver
from tests.canary.secret import SHORT, forms, found_in, key_file, needle, word
from tests.canary.system import parrot
from tests.hubs import Hub, own_servers
from tests.processes import until

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
SINKS = {"database": sink.database, "redis": sink.redis, "files": sink.files, "processes": sink.processes}


@pytest.fixture(scope="module")
def planted() -> dict[str, str]:
    """One secret of each sort."""
    return {
        "password": word(),
        "bearer": word(),
        "header key": word(),
        "cookie": word(),
        "short": word(SHORT),
        "query key": word(),
        "client secret": word(),
        "access token": word(),
        "certificate key": key_file(),
        "ssh key": key_file(),
        "database": word(),
        "webhook": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        "webhook token": word(),
    }


@pytest.fixture(scope="module")
def driven(planted: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A whole hub in which everything was done with the secrets, and which goes on running."""
    folder = tmp_path_factory.mktemp("canary")
    (folder / "things.csv").write_text("id,name\n1,One\n2,Two\n")
    with own_servers(1) as servers, parrot() as address:
        hub = Hub(folder / "state", HUB_LOG_LEVEL="DEBUG", HUB_RATE_LIMITS="off", **servers)
        try:
            driver = Driver(hub.started())
            driver.begin()
            _apply(driver, folder / "zone.json", scene.ZONE, by="sigrid")
            _apply(driver, folder / "hub.json", scene.configuration(folder, address), "ada", scene.environment(planted))
            system.GIVEN["access_token"] = planted["access token"]
            scene.use(driver, planted)
            until(lambda: _is_idle(driver), lambda: "the worker has not looked at everything")
            yield driver
        finally:
            hub.end()


def _apply(
    driver: Driver, file: Path, configuration: dict[str, Any], by: str, given: Mapping[str, str] | None = None
) -> None:
    file.write_text(json.dumps(configuration))
    told = driver.command("apply", str(file), "--yes", "--by", by, **(given or {}))
    assert "Applied" in told, told


def _is_idle(driver: Driver) -> bool:
    """Whether every connection was tested and nothing new happens: what is refused again and again waits longer."""
    ask = (
        "from hub.models import *; print(ConnectionCheck.objects.filter(state='asked').count(), "
        "Attempt.objects.count(), SyncRun.objects.exclude(state='queued').count())"
    )
    before, now = (driver.command("shell", "-v0", "-c", ask, told="look whether all is done").split() for _ in (1, 2))
    return now[-3] == "0" and now == before


def test_everything_was_used(driven: Driver) -> None:
    """A search proves nothing where nothing happened."""
    ask = (
        "import json; from hub.models import *; print(json.dumps([Attempt.objects.count(), "
        "ConnectionCheck.objects.exclude(state='asked').count(), Delivery.objects.count(), "
        "AuditEvent.objects.filter(action='credential.use').count()]))"
    )
    attempts, checks, deliveries, uses = json.loads(driven.command("shell", "-v0", "-c", ask).splitlines()[-1])

    assert attempts >= 20
    assert checks >= 20
    assert deliveries >= 2
    assert uses >= 15
    assert len(driven.flows) > 200


@pytest.mark.parametrize("name", SINKS)
def test_no_secret_lies_in(name: str, driven: Driver, planted: dict[str, str]) -> None:
    found = {(where, *what) for where, blob in SINKS[name](driven.hub) for what in found_in(blob, planted)}

    assert found == set()


def test_no_secret_was_ever_answered_or_printed(driven: Driver, planted: dict[str, str]) -> None:
    found = {(where, *what) for where, blob in driven.heard for what in found_in(blob, planted)}

    assert found == set()


class TestTheSearch:
    """What it would find if it were there."""

    @pytest.mark.parametrize("kind", ["long", "short", "key file"])
    def test_finds_every_form_within_other_bytes(self, kind: str) -> None:
        secret = {"long": word(), "short": word(SHORT), "key file": key_file()}[kind]
        for form, bytes_ in forms(needle(secret)).items():
            assert (("it", form)) in set(found_in(b"\x00before " + bytes_ + b" after\xff", {"it": secret})), form

    def test_finds_what_is_encoded_together_with_what_stands_before_it(self) -> None:
        secret = word()
        for before in ("", "a", "ab", "hub:"):
            blob = base64.b64encode(f"{before}{secret} and more".encode())
            assert any(form.startswith("base64") for _, form in found_in(blob, {"it": secret})), before

    def test_finds_nothing_where_there_is_nothing(self) -> None:
        assert not list(found_in(b"nothing to see here" * 100, {"it": word(), "other": key_file()}))


class TestAPlantedLeak:
    """In each place; last, because the hub is spoilt by it."""

    def test_in_a_table_is_found(self, driven: Driver, planted: dict[str, str]) -> None:
        leak = "import os; from hub.models import Integration; Integration.objects.update(purpose=os.environ['LEAK'])"
        driven.command("shell", "-c", leak, LEAK=planted["password"])

        assert {"password"} <= _names(sink.database(driven.hub), planted)
        assert {"password"} <= _names(sink.files(driven.hub), planted) or "DATABASE_URL" in driven.hub.settings

    def test_on_a_page_is_found(self, driven: Driver, planted: dict[str, str]) -> None:
        heard = len(driven.heard)
        pk = scene.keys_of(driven, "Integration")["fine-password"]
        driven.get("ada", f"/admin/hub/integration/{pk}/change/")

        assert {"password"} <= _names(driven.heard[heard:], planted)

    def test_in_redis_is_found_however_it_is_packed(self, driven: Driver, planted: dict[str, str]) -> None:
        text = f"Traceback: ValueError {planted['bearer']}".encode()
        with closing(driven.hub.redis()) as store:
            store.hset("rq:job:leak", "exc_info", zlib.compress(text))
            store.xadd("rq:results:leak", {"exc_string": base64.b64encode(zlib.compress(text))})
            store.lpush("hub:leak", base64.b64encode(planted["short"].encode()))

        assert {"bearer", "short"} <= _names(sink.redis(driven.hub), planted)

    def test_in_a_log_is_found(self, driven: Driver, planted: dict[str, str]) -> None:
        with driven.hub.output.open("a") as log:
            log.write(f"WARNING told {planted['header key'].encode().hex()}\n")

        assert {"header key"} <= _names(sink.files(driven.hub), planted)

    def test_on_a_command_line_is_found(self, driven: Driver, planted: dict[str, str], tmp_path: Path) -> None:
        child = subprocess.Popen([sys.executable, "-c", "input()", planted["cookie"]], stdin=subprocess.PIPE)
        try:
            line = Path(f"/proc/{child.pid}/cmdline")
            until(lambda: b"input()" in line.read_bytes())
            assert _names([("cmdline", line.read_bytes())], planted) == {"cookie"}
        finally:
            child.kill()
            child.communicate()


def _names(blobs: object, planted: dict[str, str]) -> set[str]:
    return {name for _, blob in blobs for name, _ in found_in(blob, planted)}  # type: ignore[attr-defined]
