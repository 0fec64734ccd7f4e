"""A real OpenSSH server for files, in a process of its own and one for all tests of this process."""

import atexit
import getpass
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.ports import free_port

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/sbin")
PASSPHRASE = "a word for the key"
CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""


@dataclass(frozen=True)
class Sshd:
    """The running server: where it is, who may log in with which keys, and what its host key is."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def fingerprint(self) -> str:
        told = subprocess.run(["ssh-keygen", "-lf", self.folder / "host.pub"], capture_output=True, check=True)
        return told.stdout.split()[1].decode()

    def private(self, kind: str) -> str:
        """The text of a private key: ed25519, rsa, ecdsa, pem, locked (with PASSPHRASE) or stranger."""
        return (self.folder / kind).read_text()

    def log(self) -> str:
        return (self.folder / "log").read_text()


@cache
def sshd() -> Sshd:
    """The server. Skips where OpenSSH's is not installed."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's server is not on this machine (apt-get install openssh-server)")
    folder, port = Path(mkdtemp(prefix="hub-sshd-")), free_port()
    kinds = {"ed25519": "ed25519", "ecdsa": "ecdsa", "locked": "ed25519", "rsa": "rsa", "pem": "rsa"}
    for name, kind in {"host": "ed25519", **kinds, "stranger": "ed25519"}.items():
        word, form = PASSPHRASE if name == "locked" else "", ["-m", "PEM"] if name == "pem" else []
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", word, "-C", name, *form, "-f", folder / name], check=True)
    (folder / "authorized").write_text("".join((folder / f"{name}.pub").read_text() for name in kinds))
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    if getpass.getuser() == "root":
        Path("/run/sshd").mkdir(exist_ok=True)  # where it confines itself
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stdout=log, stderr=log)
    server = Sshd(port, folder, process)
    atexit.register(_end, server)
    limit = time.monotonic() + 20
    while "Server listening" not in server.log():
        assert process.poll() is None, server.log()
        assert time.monotonic() < limit, server.log()
        time.sleep(0.05)
    return server


def _end(server: Sshd) -> None:
    server.process.terminate()
    server.process.wait(timeout=20)
    shutil.rmtree(server.folder, ignore_errors=True)
