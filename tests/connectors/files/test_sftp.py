"""Folders on a server reached over SSH: whom the hub trusts, how it logs in, and how long it waits."""

import gzip
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.files import CONNECTOR
from connectors.files.connection import FilesConnection
from hub.sdk import AuthError, ConfigError, HubError, Secret, Settings, TransientError, check_config
from tests.connectors.files.acts import data, pages
from tests.connectors.files.passwords import PASSWORD, USER, password_server
from tests.connectors.files.sshd import PASSPHRASE, Sshd, sshd

STREAMS = {"s": {"pattern": "*.csv*", "key": "k"}}


@pytest.fixture
def server() -> Sshd:
    """The real server."""
    return sshd()


def opened(config: dict[str, Any], secrets: dict[str, str], timeout: float = 10.0) -> FilesConnection:
    checked = check_config(CONNECTOR.fields, {"streams": STREAMS, **config})
    hidden = {name: Secret(value) for name, value in secrets.items()}
    connection = CONNECTOR.open(Settings(checked, hidden, CONNECTOR.origins(checked), timeout))
    assert isinstance(connection, FilesConnection)
    return connection


def reached(server: Sshd, folder: Path, key: str = "ed25519", **more: Any) -> FilesConnection:
    url = f"sftp://127.0.0.1:{server.port}{folder}"
    timeout, secrets = more.pop("timeout", 10.0), more.pop("secrets", {})
    config = {"url": url, "user": server.user, "host_key": server.fingerprint, **more}
    return opened(config, {"private_key": server.private(key), **secrets}, timeout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "1.csv").write_text("k,v\n1,one\n2,two\n")
    return tmp_path


class TestHostKey:
    def test_that_is_not_known_is_shown_and_never_accepted(self, server: Sshd, folder: Path) -> None:
        before = server.log()

        with pytest.raises(ConfigError, match="not known yet") as caught:
            reached(server, folder, host_key="").check()

        assert server.fingerprint in str(caught.value)
        assert "Accepted" not in server.log().removeprefix(before)
        assert "publickey" not in server.log().removeprefix(before)

    def test_that_is_another_ends_it_before_anything_is_shown(self, server: Sshd, folder: Path) -> None:
        before = server.log()

        with pytest.raises(ConfigError, match="not the one in the settings") as caught:
            reached(server, folder, host_key="SHA256:" + "A" * 43).check()

        assert server.fingerprint in str(caught.value)
        assert "publickey" not in server.log().removeprefix(before)

    def test_may_be_one_of_several_while_it_is_renewed(self, server: Sshd, folder: Path) -> None:
        connection = reached(server, folder, host_key=f"SHA256:{'A' * 43}, {server.fingerprint}")
        assert len(data(connection)) == 2
        connection.close()

    def test_must_look_like_one(self, server: Sshd, folder: Path) -> None:
        with pytest.raises(ConfigError, match="host_key: must be a fingerprint"):
            reached(server, folder, host_key="ab:cd")


class TestLogin:
    @pytest.mark.parametrize("key", ["ed25519", "rsa", "pem", "ecdsa"])
    def test_takes_every_kind_of_key(self, server: Sshd, folder: Path, key: str) -> None:
        connection = reached(server, folder, key)
        assert data(connection) == [{"k": "1", "v": "one"}, {"k": "2", "v": "two"}]
        connection.close()

    def test_opens_a_key_with_its_passphrase(self, server: Sshd, folder: Path) -> None:
        connection = reached(server, folder, "locked", secrets={"passphrase": PASSPHRASE})
        assert len(data(connection)) == 2
        connection.close()

    @pytest.mark.parametrize(
        ("key", "word", "sign"),
        [
            ("locked", "", "give its passphrase"),
            ("locked", "wrong one", "the right one"),
            ("rsa", "x", "no passphrase"),
        ],
    )
    def test_says_what_is_wrong_with_a_key(self, server: Sshd, folder: Path, key: str, word: str, sign: str) -> None:
        with pytest.raises(ConfigError, match=sign) as caught:
            reached(server, folder, key, secrets={"passphrase": word} if word else {})

        assert "PRIVATE" not in str(caught.value)

    def test_needs_something_to_log_in_with(self, server: Sshd, folder: Path) -> None:
        config = {"url": f"sftp://127.0.0.1:{server.port}{folder}", "user": "x"}
        with pytest.raises(ConfigError, match="neither a password nor a private key"):
            opened(config, {})
        with pytest.raises(ConfigError, match="user: is required"):
            opened({**config, "user": ""}, {"password": "x"})

    def test_with_a_key_the_server_does_not_know_is_refused(self, server: Sshd, folder: Path) -> None:
        with pytest.raises(AuthError, match="refused the login"):
            reached(server, folder, "stranger").check()

    def test_by_password(self) -> None:
        with password_server() as (port, fingerprint, seen):
            config = {"url": f"sftp://127.0.0.1:{port}/", "user": USER, "host_key": fingerprint}
            with pytest.raises(TransientError):  # it has no files
                opened(config, {"password": PASSWORD}).check()
            with pytest.raises(AuthError) as caught:
                opened(config, {"password": "another"}).check()

        assert seen == [PASSWORD, "another"]
        assert "another" not in str(caught.value)

    def test_shows_no_password_to_a_stranger(self) -> None:
        with password_server() as (port, _, seen):
            config = {"url": f"sftp://127.0.0.1:{port}/", "user": USER, "host_key": "SHA256:" + "A" * 43}
            with pytest.raises(ConfigError, match="Nothing was sent"):
                opened(config, {"password": PASSWORD}).check()

        assert seen == []


class TestPlaces:
    def test_are_classified_before_anything_is_dialled(self, server: Sshd, folder: Path) -> None:
        for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0"):
            with pytest.raises(ConfigError, match="may not be reached"):
                reached(server, folder, url=f"sftp://{host}:22/x").check()

    def test_are_not_led_to_this_machine_by_a_name(
        self, server: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("socket.getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", ("127.0.0.1", port))])

        with pytest.raises(ConfigError, match="loopback"):
            reached(server, folder, url=f"sftp://files.vendor.example:{server.port}{folder}").check()

    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("sftp://Files.example/out", "sftp://files.example:22"),
            ("sftp://files.example:2222/out/", "sftp://files.example:2222"),
            ("sftp://[2001:db8::1]/", "sftp://[2001:db8::1]:22"),
        ],
    )
    def test_are_bound_to_the_server(self, url: str, origin: str) -> None:
        assert CONNECTOR.origins({"url": url}) == (origin,)

    @pytest.mark.parametrize("url", ["sftp://", "sftp://user@files.example/", "sftp://files.example:99999/"])
    def test_that_make_no_sense_are_refused(self, url: str) -> None:
        with pytest.raises(ConfigError, match="url: "):
            CONNECTOR.origins({"url": url})

    def test_may_begin_in_the_accounts_own_folder(self, server: Sshd, folder: Path) -> None:
        with pytest.raises(ConfigError, match=r"no folder sftp://.*/~/surely-not-there"):
            reached(server, folder, url=f"sftp://127.0.0.1:{server.port}/~/surely-not-there").check()

    def test_that_nobody_answers_at_can_be_tried_again(self, server: Sshd, folder: Path) -> None:
        with pytest.raises(TransientError, match="was not reached"):
            reached(server, folder, url="sftp://127.0.0.1:1/x").check()


class TestFiles:
    def test_of_any_size_come_whole_and_packed_ones_unpacked(self, server: Sshd, folder: Path) -> None:
        rows = "".join(f"{n},{'x' * 50}\n" for n in range(3, 60_003))
        (folder / "2.csv").write_text(f"k,v\n{rows}")
        (folder / "3.csv.gz").write_bytes(gzip.compress(b"k,v\nz,packed\n"))
        connection = reached(server, folder)
        started = time.monotonic()

        read = data(connection)

        connection.close()
        assert len(read) == 60_003
        assert read[-1] == {"k": "z", "v": "packed"}
        assert time.monotonic() - started < 10

    def test_that_change_while_they_are_read_are_noticed(self, server: Sshd, folder: Path) -> None:
        connection = reached(server, folder)
        first = connection.read("s", None, 1)
        (folder / "1.csv").write_text("k,v\n1,one\n2,two\n3,three\n")

        with pytest.raises(TransientError, match="changed while it was being read"):
            connection.read("s", first.cursor, 1)
        connection.close()

    def test_that_may_not_be_read_are_named(self, server: Sshd, folder: Path) -> None:
        (folder / "1.csv").unlink()
        (folder / "1.csv").symlink_to("/nowhere")

        with pytest.raises(TransientError, match="There is no file"):
            reached(server, folder).read("s", None, 1)

    def test_are_read_on_over_a_new_connection_after_one_was_lost(self, server: Sshd, folder: Path) -> None:
        rows = "".join(f"{n},{'x' * 1000}\n" for n in range(3, 5_003))
        (folder / "2.csv").write_text(f"k,v\n{rows}")
        connection = reached(server, folder)
        first = connection.read("s", None, 10)
        files: Any = connection._folder._system
        files._open[0].close()

        with pytest.raises(TransientError):
            connection.read("s", first.cursor, 4_000)
        assert sum(len(page.records) for page in pages(connection, first.cursor, 1_000)) == 4_992
        connection.close()


class TestDeadline:
    @pytest.fixture
    def silent(self) -> Iterator[int]:
        listener = socket.create_server(("127.0.0.1", 0))
        yield listener.getsockname()[1]
        listener.close()

    def test_ends_waiting_for_a_server_that_says_nothing(self, server: Sshd, folder: Path, silent: int) -> None:
        started = time.monotonic()

        with pytest.raises(TransientError):
            reached(server, folder, url=f"sftp://127.0.0.1:{silent}/x", timeout=0.5).check()

        assert time.monotonic() - started < 3

    def test_ends_waiting_for_files_after_the_login(self) -> None:
        with password_server(is_silent=True) as (port, fingerprint, _):
            config = {"url": f"sftp://127.0.0.1:{port}/", "user": USER, "host_key": fingerprint}
            started = time.monotonic()
            with pytest.raises(HubError):
                opened(config, {"password": PASSWORD}, 0.7).check()

        assert time.monotonic() - started < 4
