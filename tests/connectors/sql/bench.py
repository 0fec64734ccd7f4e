"""Two ways in which tables are laid out, on each kind of database."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from hub.sdk import Fields, Secret, Settings
from tests.connectors.bench import SEEDED, Bench
from tests.connectors.sql.databases import DATABASES, Database

# A key from the source, a version that the hub raises, a cursor that counts.
COUNTED = """
create table airports (
  code varchar(12) primary key, city varchar(40) not null, gates integer default 1 check (gates >= 0),
  revision integer not null default 1, seq integer not null default 0
);
"""
COUNTED_TABLES = {
    "airports": {
        "version": {"column": "revision", "step": 1},
        "cursor": {"column": "seq", "kind": "sequence"},
        "columns": ["code", "city", "gates"],
    }
}

# A key from the database, our reference beside it, times as cursor, a mark for what is deleted, no version.
STAMPED = {
    "sqlite": """
create table airports (
  id integer primary key autoincrement, ref text unique, city text not null, gates integer check (gates >= 0),
  at datetime not null default (strftime('%Y-%m-%d %H:%M:%f', 'now')), gone boolean not null default false
);
create trigger stamp after update of city, gates, gone on airports begin
  update airports set at = strftime('%Y-%m-%d %H:%M:%f', 'now') where id = new.id;
end;
""",
    "postgresql": """
create table airports (
  id bigserial primary key, ref text unique, city text not null, gates integer check (gates >= 0),
  at timestamptz not null default clock_timestamp(), gone boolean not null default false
);
create function stamp() returns trigger language plpgsql as $$
begin new.at := clock_timestamp(); return new; end $$;
create trigger stamp before update on airports for each row execute function stamp();
""",
}
STAMPED_TABLES = {
    "airports": {
        "external_id": "ref",
        "cursor": {"column": "at", "kind": "timestamp"},
        "columns": ["city", "gates"],
        "deleted": "gone",
    }
}


def counted(database: Database) -> Bench:
    """The table with a key from the source."""
    database.run(COUNTED)
    for number in range(1, SEEDED + 1):
        database.rows("insert into airports values (?, ?, ?, 1, ?)", (f"A{number}", f"City {number}", number, number))

    def held() -> Mapping[str, Fields]:
        rows = database.rows("select code, city, gates from airports")
        return {code: {"code": code, "city": city, "gates": gates} for code, city, gates in rows}

    def insert() -> str:
        [(top,)] = database.rows("select max(seq) + 1 from airports")
        database.rows("insert into airports values (?, 'Late', 1, 1, ?)", (f"L{top}", top))
        return f"L{top}"

    def touch(key: str) -> None:
        database.rows("update airports set gates = 40, revision = revision + 1 where code = ?", (key,))

    return Bench(
        settings=database.settings(COUNTED_TABLES),
        stream="airports",
        held=held,
        insert=insert,
        fresh=lambda number: {"code": f"N{number}", "city": "Łódź “new”", "gates": number},
        edit={"city": "Edited"},
        bad={"gates": -1},
        touch=touch,
        absent="nowhere",
    )


def stamped(database: Database) -> Bench:
    """The table with a key from the database."""
    database.run(STAMPED[database.name])
    for number in range(1, SEEDED + 1):
        database.rows("insert into airports (city, gates) values (?, ?)", (f"City {number}", number))

    def held() -> Mapping[str, Fields]:
        rows = database.rows("select id, city, gates from airports where not gone")
        return {str(key): {"id": key, "city": city, "gates": gates} for key, city, gates in rows}

    def insert() -> str:
        database.rows("insert into airports (city, gates) values ('Late', 1)")
        [(key,)] = database.rows("select max(id) from airports")
        return str(key)

    def touch(key: str) -> None:
        database.rows("update airports set city = 'Touched' where id = ?", (int(key),))

    return Bench(
        settings=database.settings(STAMPED_TABLES),
        stream="airports",
        held=held,
        insert=insert,
        fresh=lambda number: {"city": f"New {number}", "gates": number},
        edit={"city": "Edited"},
        bad={"gates": -1},
        touch=touch,
        absent="999999",
    )


@contextmanager
def placed(kind: str, layout: Callable[[Database], Bench], folder: Path) -> Iterator[Bench]:
    """A layout on a kind of database, with places and passwords that are wrong."""
    with DATABASES[kind](folder) as database:
        bench = layout(database)
        if kind == "sqlite":
            yield replace(bench, wrong_address=with_config(bench, database=str(folder / "missing" / "real.db")))
            return
        stranger = with_config(bench, user="hub_test_nobody")
        yield replace(
            bench,
            wrong_address=with_config(bench, port=1),
            wrong_secret=replace(stranger, secrets={"password": Secret("not-the-password-5e9c")}),
        )


def with_config(bench: Bench, **changes: object) -> Settings:
    """The settings of a bench with other values."""
    return replace(bench.settings, config={**bench.settings.config, **changes})


LAYOUTS: Mapping[str, Callable[[Database], Bench]] = {"counted": counted, "stamped": stamped}
BENCHES: Mapping[str, Callable[[Path], AbstractContextManager[Bench]]] = {
    f"{kind}-{name}": partial(placed, kind, layout) for kind in DATABASES for name, layout in LAYOUTS.items()
}
