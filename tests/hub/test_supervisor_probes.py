"""Before anything starts, the supervisor asks whether what the settings name is there."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from hub.env import SettingError
from hub.supervisor import embedded, probes
from tests.doorbell import embedded_server
from tests.processes import until


def never() -> None:
    raise AssertionError("nobody had to wait")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(embedded, "PATIENCE_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
class TestThePort:
    def test_in_use_names_the_variable_its_shape_and_the_cure(self, taken: int, settings: Settings) -> None:
        settings.HUB_PORT = taken

        with pytest.raises(SettingError) as caught:
            probes.claim_port()

        assert str(caught.value) == (
            f"HUB_PORT={taken} is in use by another program. It must be a free port from 1 to 65535. "
            f"Stop that program, or choose another port: HUB_PORT={taken + 1}."
        )

    def test_on_an_address_of_another_machine_names_that_variable(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HUB_BIND", "192.0.2.1")

        with pytest.raises(SettingError, match=r"^HUB_BIND=192\.0\.2\.1 with HUB_PORT=\d+ cannot be listened on"):
            probes.claim_port()

    @pytest.mark.parametrize(
        ("bind", "address", "page"),
        [
            ("127.0.0.1", "127.0.0.1:8000", "http://127.0.0.1:8000/"),
            ("0.0.0.0", "0.0.0.0:8000", "http://127.0.0.1:8000/"),
            ("::", "[::]:8000", "http://[::1]:8000/"),
        ],
    )
    def test_is_written_as_servers_and_people_write_it(
        self, bind: str, address: str, page: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.HUB_PORT = 8000
        monkeypatch.setenv("HUB_BIND", bind)

        assert (probes.bind_address(), probes.page()) == (address, page)


class TestRedis:
    def test_that_answers_is_fine(self, redis_url: str) -> None:
        probes.redis(never)

    def test_that_does_not_answer_is_named_without_its_password(self, settings: Settings) -> None:
        settings.REDIS_URL = "redis://hub:hunter2-and-more@127.0.0.1:1/0"

        with pytest.raises(SettingError) as caught:
            probes.redis(never)

        said = str(caught.value)
        assert said.startswith("REDIS_URL: the Redis or Valkey server at 127.0.0.1:1 did not answer (")
        assert "Start it, or correct REDIS_URL (redis://host:6379/0); unset it to use the embedded one." in said
        assert "hunter2" not in said
        assert "\n" not in said

    def test_that_refuses_the_password_says_so(self, settings: Settings) -> None:
        with embedded_server() as address:
            settings.REDIS_URL = f"unix://nobody:hunter2@{address.removeprefix('unix://')}"

            with pytest.raises(SettingError, match="refused the user or password"):
                probes.redis(never)


class TestTheEmbeddedRedis:
    @pytest.mark.usefixtures("impatient")
    def test_is_not_started_on_a_socket_that_is_served(self, tmp_path: Path) -> None:
        with embedded_server() as address, pytest.raises(SettingError, match="another program serves"):
            embedded.prepare(Path(address.removeprefix("unix://")), tmp_path)

    def test_is_not_put_into_a_folder_that_others_can_enter(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)

        with pytest.raises(SettingError, match=r"^HUB_STATE: the folder .* open to others"):
            embedded.prepare(tmp_path / "redis.sock", tmp_path / "data")

    def test_gets_folders_that_only_its_owner_can_enter(self, tmp_path: Path) -> None:
        embedded.prepare(tmp_path / "socket" / "redis.sock", tmp_path / "data")

        assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("socket", "data")] == [0o700, 0o700]

    def test_knows_every_option_that_it_is_given(self, tmp_path: Path) -> None:
        started = subprocess.Popen(
            [str(word) for word in embedded.program(tmp_path / "redis.sock", tmp_path, stage=0).command]
        )
        try:
            until(lambda: embedded.answers(tmp_path / "redis.sock") or started.poll() is not None)
        finally:
            started.terminate()
        assert started.wait(30) == 0
