"""What the connector makes of lost lines, wrong passwords, locks, missing tables and missing files."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.sql import CONNECTOR
from connectors.sql.dialects import DIALECTS
from connectors.sql.trouble import Verdict
from hub.sdk import Answer, AuthError, ConfigError, Settings, TransientError, check_config
from tests.connectors.sql.acts import Opener, answers, apply, create, keys, update
from tests.connectors.sql.databases import Database, PostgresSchema, SqliteFile
from tests.connectors.sql.wires import Fault, GoBetween, echo_the_password, serving

GOODS = "create table goods (sku text primary key, name text)"


@contextmanager
def through(postgres: PostgresSchema) -> Iterator[tuple[GoBetween, int]]:
    """A go-between in front of the server."""
    line = GoBetween((postgres.address.hostname or "", postgres.address.port or 5432))
    with serving(line.carry) as port:
        yield line, port


def patience(fault: Fault) -> float:
    """Only where nobody hangs up does the deadline have to end the wait."""
    return 2.0 if fault is Fault.HOLE else 30.0


class TestLostLine:
    @pytest.mark.parametrize("fault", [Fault.AFTER, Fault.HOLE])
    def test_during_the_commit_leaves_the_change_in_doubt(
        self, postgres: PostgresSchema, connect: Opener, fault: Fault
    ) -> None:
        postgres.run(GOODS)
        with through(postgres) as (line, port):
            opened = connect(postgres.settings(port=port, sslmode="disable", timeout=patience(fault)))
            opened.check()
            line.sign, line.fault = b"COMMIT", fault

            [outcome] = apply(opened, "goods", create("a", sku="a", name="A"))
            arrived = postgres.rows("select count(*) from goods") == [(1,)]
            again = answers(opened, "goods", create("a", sku="a", name="A"))

        assert (outcome.answer, outcome.code) == (Answer.UNKNOWN, "commit-lost")
        assert arrived is (fault is Fault.AFTER)
        assert again == [Answer.UNCHANGED if arrived else Answer.APPLIED]

    @pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.HOLE])
    def test_before_the_commit_means_that_nothing_happened(
        self, postgres: PostgresSchema, connect: Opener, fault: Fault
    ) -> None:
        postgres.run(GOODS)
        with through(postgres) as (line, port):
            opened = connect(postgres.settings(port=port, sslmode="disable", timeout=patience(fault)))
            opened.check()
            line.sign, line.fault = b"INSERT", fault

            lost = answers(opened, "goods", create("a", sku="a"), create("b", sku="b"))
            count = postgres.rows("select count(*) from goods")
            again = answers(opened, "goods", create("a", sku="a"), create("b", sku="b"))

        assert lost == [Answer.RETRY, Answer.RETRY]
        assert count == [(0,)]
        assert again == [Answer.APPLIED, Answer.APPLIED]

    @pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.HOLE])
    def test_during_a_read_is_a_passing_error(self, postgres: PostgresSchema, connect: Opener, fault: Fault) -> None:
        postgres.run(GOODS + "; insert into goods values ('a')")
        with through(postgres) as (line, port):
            opened = connect(postgres.settings(port=port, sslmode="disable", timeout=patience(fault)))
            opened.check()
            line.sign, line.fault = b"ORDER BY", fault

            with pytest.raises(TransientError):
                keys(opened, "goods")
            assert keys(opened, "goods") == ["a"]

    @pytest.mark.parametrize("fault", Fault)
    def test_while_idle_is_noticed_and_replaced(
        self, postgres: PostgresSchema, connect: Opener, monkeypatch: pytest.MonkeyPatch, fault: Fault
    ) -> None:
        """Firewalls forget lines that say nothing."""
        monkeypatch.setattr("connectors.sql.session.IDLE", 0.0)
        postgres.run(GOODS + "; insert into goods values ('a')")
        with through(postgres) as (line, port):
            opened = connect(postgres.settings(port=port, sslmode="disable", timeout=patience(fault)))
            opened.check()
            line.sign, line.fault = b"select 1", fault

            assert keys(opened, "goods") == ["a"]

    def test_when_nobody_listens(self, postgres: PostgresSchema, connect: Opener) -> None:
        opened = connect(postgres.settings({"goods": {}}, port=1))

        with pytest.raises(TransientError, match="refused"):
            opened.check()
        assert answers(opened, "goods", create("a", sku="a")) == [Answer.RETRY]


class TestSlowness:
    def test_beyond_the_deadline_is_a_passing_error(self, postgres: PostgresSchema, connect: Opener) -> None:
        postgres.run("create view slow as select 1 as k, pg_sleep(30)::text as nap")
        opened = connect(postgres.settings({"slow": {"key": ["k"]}}, timeout=0.5))

        with pytest.raises(TransientError):
            opened.read("slow", None, 10)

    def test_of_somebody_who_holds_a_lock_is_tried_again(self, database: Database, connect: Opener) -> None:
        database.run(GOODS + "; insert into goods values ('a', 'A')")
        opened = connect(database.settings(timeout=2.0))
        opened.check()

        with locked(database):
            assert answers(opened, "goods", update("a", name="B")) == [Answer.RETRY]
            assert keys(opened, "goods") == ["a"]

        assert answers(opened, "goods", update("a", name="B")) == [Answer.APPLIED]

    def test_of_a_query_in_sqlite_ends_at_the_deadline(self, sqlite: SqliteFile, connect: Opener) -> None:
        sqlite.run(
            "create view endless as with recursive n(k) as (select 1 union all select k + 1 from n) "
            "select max(k) as k from n"
        )
        opened = connect(sqlite.settings({"endless": {"key": ["k"]}}, timeout=0.5))

        with pytest.raises(TransientError, match="interrupted"):
            opened.read("endless", None, 10)


class TestAccess:
    def test_with_a_wrong_password_is_refused_without_repeating_it(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        with serving(echo_the_password) as port:
            opened = connect(postgres.settings(port=port, sslmode="disable", password="hunter2-of-mine"))

            with pytest.raises(AuthError, match="authentication failed") as refused:
                opened.check()
            [outcome] = apply(opened, "goods", create("a", sku="a"))

        assert outcome.answer is Answer.AUTH
        assert "hunter2" not in f"{refused.value!r} {outcome!r} {opened!r}"

    def test_of_an_unknown_account_is_refused(self, postgres: PostgresSchema, connect: Opener) -> None:
        with pytest.raises(AuthError, match="does not exist"):
            connect(postgres.settings(user="hub_test_nobody")).check()

    def test_without_the_right_to_write_is_no_fault_of_the_record(
        self, postgres: PostgresSchema, connect: Opener
    ) -> None:
        role = f"hub_test_{uuid.uuid4().hex[:12]}"
        postgres.run(
            f"{GOODS}; create role {role} login password 'reader'; grant usage on schema {postgres.schema} to {role};"
            f"grant select, update on goods to {role}"
        )
        opened = connect(postgres.settings(user=role, password="reader"))
        try:
            assert answers(opened, "goods", create("a", sku="a"), create("b", sku="b")) == [Answer.AUTH, Answer.AUTH]
            assert keys(opened, "goods") == []
        finally:
            opened.close()
            postgres.run(f"drop owned by {role}; drop role {role}")

    def test_takes_no_password_from_the_machine(
        self, postgres: PostgresSchema, connect: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", "password-of-the-worker")
        with serving(echo_the_password) as port:
            opened = connect(postgres.settings(port=port, sslmode="disable", password=None))

            with pytest.raises((AuthError, TransientError)) as refused:
                opened.check()

        assert "password-of-the-worker" not in str(refused.value)


class TestWrongSettings:
    def test_name_the_table_that_went_away(self, database: Database, connect: Opener) -> None:
        database.run(GOODS)
        opened = connect(database.settings({"goods": {}}))
        opened.check()
        database.run("drop table goods")

        with pytest.raises(ConfigError, match="goods"):
            opened.read("goods", None, 10)
        for connection in (opened, connect(database.settings({"goods": {}}))):
            [outcome] = apply(connection, "goods", create("a", sku="a"))
            assert outcome.answer is Answer.RETRY  # nothing was sent, so nothing is in doubt
            assert "goods" in outcome.message

    def test_name_the_database_that_is_not_there(self, postgres: PostgresSchema, connect: Opener) -> None:
        with pytest.raises(ConfigError, match="hub_no_such_database"):
            connect(postgres.settings(database="hub_no_such_database")).check()

    @pytest.mark.parametrize("path", ["missing/real.db", "missing.db"])
    def test_name_the_file_that_is_not_there_and_never_make_it(
        self, tmp_path: Path, connect: Opener, path: str
    ) -> None:
        place = tmp_path / path

        with pytest.raises(ConfigError, match=r"missing.*\.db"):
            connect(Settings({"driver": "sqlite", "database": str(place)})).check()

        assert not place.exists()

    def test_name_the_file_that_is_no_database(self, tmp_path: Path, connect: Opener) -> None:
        (tmp_path / "notes.db").write_text("dear diary, " * 100)

        with pytest.raises(ConfigError, match="not a database"):
            connect(Settings({"driver": "sqlite", "database": str(tmp_path / "notes.db")})).check()

    def test_may_name_a_file_from_here(
        self, sqlite: SqliteFile, connect: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(sqlite.path.parent)

        assert connect(Settings({"driver": "sqlite", "database": "real.db"})).check().startswith("sqlite 3.")

    def test_of_a_place_that_is_not_allowed_are_refused(self, postgres: PostgresSchema) -> None:
        settings = postgres.settings()
        other = Settings(settings.config, settings.secrets, origins=("postgresql://elsewhere:5432",))

        with pytest.raises(ConfigError, match="elsewhere"):
            CONNECTOR.open(other)

    @pytest.mark.parametrize("host", ["", "/var/run/postgresql", "a,b"])
    def test_need_one_server(self, host: str) -> None:
        with pytest.raises(ConfigError, match="host"):
            CONNECTOR.origins({"driver": "postgresql+psycopg", "host": host})

    @pytest.mark.parametrize(
        ("tables", "sign"),
        [
            ([], None),
            ({}, None),
            ({"t": {"table": "x", "keys": ["a"]}}, r"tables\.t: keys is not known"),
            ({"t": {"key": ["a", "a"]}}, "names a column twice"),
            ({"t": {"key": [1]}}, "list of column names"),
            ({"t": {"cursor": {"column": "a"}}}, "kind"),
            ({"t": {"cursor": {"column": "a", "kind": "timestamp", "overlap": -1}}}, "zero or more"),
            ({"t": {"version": {"column": "a", "step": 0}}}, "above zero"),
            ({"t": {"deleted": {"column": "a", "value": [1]}}}, "deleted"),
            ({"t": "x", "u": {"table": 5}}, r"tables\.t.*tables\.u"),
            (["t"], "must be an object"),
        ],
    )
    def test_of_tables_are_all_named_at_once(self, tables: object, sign: str | None) -> None:
        config = check_config(CONNECTOR.fields, {"driver": "sqlite", "database": "x.db", "tables": tables})

        if sign is None:
            CONNECTOR.open(Settings(config)).close()
            return
        with pytest.raises(ConfigError, match=sign):
            CONNECTOR.open(Settings(config))


class TestOrigins:
    def test_are_the_server_or_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

        assert CONNECTOR.origins({"driver": "postgresql+psycopg", "host": "DB.example", "port": None}) == (
            "postgresql://db.example:5432",
        )
        assert CONNECTOR.origins({"driver": "postgresql+psycopg", "host": "::1", "port": 6000}) == (
            "postgresql://[::1]:6000",
        )
        assert CONNECTOR.origins({"driver": "sqlite", "database": "a.db"}) == (f"sqlite://{tmp_path}/a.db",)


class TestDiagnosis:
    def test_of_an_error_nobody_knows_is_about_the_record(self) -> None:
        for dialect in DIALECTS.values():
            assert dialect.diagnose(ValueError("odd")).verdict is Verdict.RECORD


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Somebody else is writing the row with the key a, and does not finish."""
    if isinstance(database, PostgresSchema):
        with database.connect() as connection:
            connection.execute("update goods set name = 'mine' where sku = 'a'")
            yield
            connection.rollback()
    elif isinstance(database, SqliteFile):
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("begin immediate")
        yield
        other.close()
