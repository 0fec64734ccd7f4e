"""The demo's third-party systems really behave as the hub's demo and tests rely on."""

import csv
import io
import json
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

pytestmark = pytest.mark.system

ROUND = 101  # other tests edit with the low numbers
Rows = dict[str, dict[str, str]]
INSERT = """
    insert into locations (icao, iata, name, city, subd, country, elevation, lat, lon, tz)
    values (%(icao)s, %(iata)s, %(name)s, %(city)s, %(subd)s, %(country)s,
            %(elevation)s, %(lat)s, %(lon)s, %(tz)s)
"""


@pytest.fixture
def logistics(demo_systems: Any) -> Iterator[psycopg.Connection]:
    """The destination database; nothing that a test writes stays."""
    address = demo_systems.addresses["postgres"]
    login = {"user": address["user"], "password": address["password"]}
    where = {"host": address["host"], "port": address["port"], "dbname": address["database"]}
    with psycopg.connect(**where, **login) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def day(demo_systems: Any, kinto: Any) -> dict[str, Any]:
    """What a round of edits changed, and what was told about it."""
    file = Path(demo_systems.addresses["files"]["directory"]) / "airports.csv"
    before, rows = kinto.customers(), _rows(file)
    told = demo_systems.edit(ROUND)
    after = kinto.customers()
    return {
        "told": told,
        "deleted": before.keys() - after.keys(),
        "edited": [after[each] for each in after if after[each] != before.get(each)],
        "vat": [each for each in after if after[each]["vat"] != before[each]["vat"]],
        "removed": rows.keys() - _rows(file).keys(),
        "changed": _changed(rows, _rows(file)),
    }


@pytest.fixture
def airports(demo_systems: Any) -> Path:
    return Path(demo_systems.addresses["files"]["directory"]) / "airports.csv"


def _as_party(customer: dict[str, Any]) -> dict[str, Any]:
    address = {key: customer[key] for key in ("city", "postal_code")}
    party = {
        "code": f"TEST-{customer['id']}",
        "name": customer["name"],
        "addresses": [["create", [address | {"street_unstructured": customer["street"]}]]],
    }
    if customer["vat"]:
        party["identifiers"] = [["create", [{"type": "eu_vat", "code": customer["vat"]}]]]
    return party


def _rows(file: Path) -> Rows:
    text = file.read_text(encoding="utf-8")
    return {row["icao"]: row for row in csv.DictReader(io.StringIO(text))}


def _changed(before: Rows, after: Rows) -> set[str]:
    return {code for code in before.keys() & after.keys() if before[code] != after[code]}


class TestAnnouncement:
    def test_says_where_each_system_is_and_how_to_get_in(self, demo_systems: Any) -> None:
        assert {name: set(place) for name, place in demo_systems.addresses.items()} == {
            "kinto": {"url", "user", "password"},
            "tryton": {"url", "database", "user", "password"},
            "postgres": {"host", "port", "database", "user", "password"},
            "files": {"directory"},
        }

    def test_is_for_the_owners_eyes_only(self, demo_systems: Any) -> None:
        for name in ("systems.json", "passwords.json", "kinto.ini", "tryton.conf"):
            assert stat.S_IMODE((demo_systems.state / name).stat().st_mode) == 0o600

    def test_is_repeated_by_status(self, demo_systems: Any) -> None:
        command = demo_systems.command("status")
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert told.count(" up ") == 3
        assert demo_systems.addresses["kinto"]["url"] in told


class TestCustomerStore:
    def test_was_seeded_with_more_than_1200_customers(self, kinto: Any) -> None:
        assert len(kinto.customers(_since="0")) >= 1200  # with those deleted since

    def test_knows_a_vat_number_of_about_seven_in_ten(self, kinto: Any) -> None:
        customers = kinto.customers().values()
        assert 0.65 < sum(1 for each in customers if each["vat"]) / len(customers) < 0.75

    def test_refuses_a_write_against_an_outdated_version(self, kinto: Any) -> None:
        path = "/buckets/hub/collections/scratch/records/one"
        first = kinto.call("PUT", path, json={"data": {"n": 1}}).headers["ETag"]
        kinto.call("PUT", path, json={"data": {"n": 2}})
        late = kinto.call("PUT", path, json={"data": {"n": 3}}, headers={"If-Match": first})
        assert late.status_code == 412
        assert kinto.call("GET", path).json()["data"]["n"] == 2

    def test_remembers_what_was_deleted(self, kinto: Any) -> None:
        records = "/buckets/hub/collections/scratch/records"
        kinto.call("PUT", f"{records}/two", json={"data": {"n": 1}})
        kinto.call("DELETE", f"{records}/two")
        (tombstone,) = kinto.call("GET", f"{records}?_since=0&deleted=true").json()["data"]
        assert (tombstone["id"], tombstone["deleted"]) == ("two", True)

    def test_is_closed_to_strangers(self, kinto: Any) -> None:
        stranger = requests.get(f"{kinto.url}/buckets/hub/collections/customers/records", timeout=30)
        assert stranger.status_code == 401


class TestErp:
    def test_takes_every_customer_of_the_store_that_nobody_spoiled(
        self, demo_systems: Any, kinto: Any, tryton: Any
    ) -> None:
        customers, refused = list(kinto.customers().values()), 0
        for first in range(0, len(customers), 100):
            batch = [_as_party(each) for each in customers[first : first + 100]]
            if "error" in tryton.create(*batch):  # takes a batch whole or not at all
                refused += sum("error" in tryton.create(party) for party in batch)
        assert refused == _rounds_made(demo_systems.state)

    def test_refuses_a_write_against_an_outdated_timestamp(self, tryton: Any) -> None:
        (party,) = tryton.create({"name": "A", "code": "TEST-1"})["result"]
        (read,) = tryton.call("model.party.party.read", [party], ["_timestamp"], {})["result"]
        seen = {"_timestamp": {f"party.party,{party}": read["_timestamp"]}}
        assert "error" not in tryton.call("model.party.party.write", [party], {"name": "B"}, seen)
        late = tryton.call("model.party.party.write", [party], {"name": "C"}, seen)
        assert late["error"][0] == "ConcurrencyException"

    def test_refuses_a_vat_number_with_a_wrong_check_digit(self, tryton: Any) -> None:
        wrong = [["create", [{"type": "eu_vat", "code": "DE136695977"}]]]
        refusal = tryton.create({"name": "A", "code": "TEST-2", "identifiers": wrong})
        assert refusal["error"][0] == "UserError"
        assert "DE136695977" in refusal["error"][1][0]
        assert tryton.find("TEST-2") == []

    def test_refuses_a_code_that_is_taken(self, tryton: Any) -> None:
        tryton.create({"name": "A", "code": "TEST-3"})
        refusal = tryton.create({"name": "B", "code": "TEST-3"})
        assert refusal["error"][0] == "UserError"

    def test_knows_the_countries_of_the_customers(self, kinto: Any, tryton: Any) -> None:
        answer = tryton.call("model.country.country.search_read", [], 0, None, None, ["code"], {})
        known = {country["code"] for country in answer["result"]}
        assert {each["country"] for each in kinto.customers().values()} <= known


class TestLogisticsDatabase:
    def test_takes_every_airport_of_the_file_that_nobody_spoiled(
        self, logistics: psycopg.Connection, airports: Path
    ) -> None:
        rows = [row for row in _rows(airports).values() if row["country"] != "USA"]
        with logistics.cursor() as cursor:
            cursor.execute("delete from locations")
            cursor.executemany(INSERT, rows)
            cursor.execute("select count(*) from locations")
            assert cursor.fetchone() == (len(rows),)
        assert len(rows) > 28_000

    def test_refuses_a_country_that_is_no_code(self, logistics: psycopg.Connection, airports: Path) -> None:
        row = next(iter(_rows(airports).values()))
        with pytest.raises(psycopg.errors.CheckViolation, match="locations_country"):
            logistics.execute(INSERT, row | {"icao": "TEST", "country": "USA"})


class TestRoundOfEdits:
    def test_edits_five_customers_spoils_one_and_deletes_one(self, day: dict[str, Any]) -> None:
        assert (len(day["edited"]), len(day["vat"]), len(day["deleted"])) == (6, 1, 1)

    def test_edits_four_airports_spoils_one_and_removes_one(self, day: dict[str, Any]) -> None:
        assert (len(day["changed"]), len(day["removed"])) == (5, 1)

    def test_tells_of_each_edit_in_a_line_of_its_own(self, day: dict[str, Any]) -> None:
        touched = {each["id"] for each in day["edited"]} | day["deleted"]
        touched |= day["changed"] | day["removed"]
        assert len(day["told"]) == len(touched) == 13
        for each in touched:
            assert any(f" {each} " in f"{line} " for line in day["told"])

    def test_changes_nothing_the_second_time(
        self, day: dict[str, Any], demo_systems: Any, kinto: Any, airports: Path
    ) -> None:
        before, content = kinto.customers(_since="0"), airports.read_bytes()
        assert all("already" in line for line in demo_systems.edit(ROUND))
        assert kinto.customers(_since="0") == before
        assert airports.read_bytes() == content

    def test_gives_the_erp_exactly_one_customer_to_refuse(self, day: dict[str, Any], tryton: Any) -> None:
        answers = {each["id"]: tryton.create(_as_party(each)) for each in day["edited"]}
        refused = [each for each, answer in answers.items() if "error" in answer]
        assert refused == day["vat"]

    def test_gives_the_database_exactly_one_airport_to_refuse(
        self, day: dict[str, Any], logistics: psycopg.Connection, airports: Path
    ) -> None:
        rows, refused = _rows(airports), []
        logistics.execute("delete from locations")
        for code in day["changed"]:
            try:
                with logistics.transaction():
                    logistics.execute(INSERT, rows[code])
            except psycopg.errors.CheckViolation:
                refused.append(code)
        assert [rows[code]["country"] for code in refused] == ["USA"]


class TestStopping:
    def test_keeps_every_record_for_the_next_start(self, demo_systems: Any, kinto: Any, tryton: Any) -> None:
        before = _contents(kinto, tryton)
        assert demo_systems.stop() == 0
        assert not (demo_systems.state / "systems.json").exists()
        demo_systems.start()
        assert _contents(kinto, tryton) == before

    @pytest.mark.crash
    def test_by_kill_leaves_nothing_running_and_loses_nothing(self, demo_systems: Any, kinto: Any, tryton: Any) -> None:
        before, family = _contents(kinto, tryton), demo_systems.processes()
        assert len(family) > 5  # PostgreSQL's own children among them
        assert demo_systems.stop(signal.SIGKILL) == -signal.SIGKILL
        assert demo_systems.await_end(family) == []
        demo_systems.start()
        assert _contents(kinto, tryton) == before

    def test_is_needed_before_a_second_start_on_the_same_folder(self, demo_systems: Any) -> None:
        second = _serve(demo_systems)
        assert second.returncode == 1
        assert "already being served" in second.stderr


class TestUsedPort:
    def test_is_named_together_with_the_cure(self, demo_systems: Any, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            ports = demo_systems.ports | {"kinto": port}
            refused = _serve(replace(demo_systems, state=tmp_path / "state", ports=ports))
        assert refused.returncode == 1
        assert f"port {port} " in refused.stderr
        assert "--kinto-port" in refused.stderr
        assert "HUB_DEMO_KINTO_PORT" in refused.stderr


def _contents(kinto: Any, tryton: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """All customers with their versions, tombstones too, and a party with its version."""
    tryton.create({"name": "Kept", "code": "KEPT-1"})  # refused when it is there
    read = "model.party.party.read"
    party = tryton.call(read, tryton.find("KEPT-1"), ["name", "_timestamp"], {})
    return kinto.customers(_since="0"), party["result"]


def _rounds_made(state: Path) -> int:
    made = state / "done" / "rounds.json"
    return len(json.loads(made.read_text())) if made.exists() else 0


def _serve(systems: Any) -> subprocess.CompletedProcess[str]:
    command = [*systems.command("serve"), *systems.port_options()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
