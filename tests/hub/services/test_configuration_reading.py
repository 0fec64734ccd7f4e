"""Configuration files: read with care, values from outside, and everything wrong told at once with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from hub.services.configuration.document import Node, parse, scalar
from hub.services.configuration.item import Item
from hub.services.configuration.problem import Problems
from hub.services.configuration.reading import read

ENVIRONMENT = {"HOST": "crm.example", "PORT": "8080", "PASSWORD": "hunter2", "HUB_SEAL_KEYS": "a:secret"}


class Reading:
    """What reading one file came to."""

    def __init__(self, folder: Path, text: str) -> None:
        self.file = folder / "hub.yaml"
        self.file.write_text(text)
        self.problems = Problems()
        self.items = {item.label: item for item in read([self.file], ENVIRONMENT, self.problems)}

    def __getitem__(self, label: str) -> Item:
        assert not self.problems.found, self.wrong
        return self.items[label]

    @property
    def wrong(self) -> list[str]:
        """Line and text of every problem."""
        return [f"{one.place.line}: {one.text}" for one in self.problems.found]


@pytest.fixture
def reading(tmp_path: Path) -> Any:
    return lambda text: Reading(tmp_path, text)


def node(text: str) -> Node:
    problems = Problems()
    found = parse(text, "x", problems)
    assert found is not None
    assert not problems.found
    return found


class TestDocument:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [("no", "no"), ("NO", "NO"), ("on", "on"), ("007", "007"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"),
         ("12:30", "12:30"), ("0x1F", "0x1F"), ("true", True), ("false", False), ("null", None), ("~", None),
         ("", None), ("12", 12), ("-3", -3), ("0.5", 0.5), ("1e3", 1000.0), ("'12'", "12"), ("<<", "<<")],
    )  # fmt: skip
    def test_takes_words_and_codes_as_they_are_written(self, written: str, meant: Any) -> None:
        found = node(f"value: {written}").bare["value"]

        assert found == meant
        assert type(found) is type(meant)

    @pytest.mark.parametrize(("written", "meant"), [("12", 12), ("true", True), ("x", "x"), ("", None), ("1.5", 1.5)])
    def test_reads_a_filled_in_value_as_if_it_had_stood_there(self, written: str, meant: Any) -> None:
        assert scalar(written) == meant

    def test_knows_the_line_and_path_of_every_value(self) -> None:
        deep = node("a:\n  b:\n    - c: 1\n    - d: 2\n").value["a"].value["b"].value[1].value["d"]

        assert (deep.place.line, str(deep.place)) == (4, "x:4: a.b[1].d")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("a: [1", "is not valid YAML"),
            ("a: 1\n---\nb: 2", "is not valid YAML"),
            ("a: !!python/object:os.system x", "has the tag"),
            ("a: !!binary aGk=", "has the tag"),
            ("a: &x [*x]", "contains itself"),
            ("? [a, b]\n: 1", "a key that is not text"),
            ("a: 1\na: 2", "stands here twice"),
            ("\n", "is empty"),
        ],
    )
    def test_refuses_what_is_broken_twofold_or_alive(self, text: str, told: str) -> None:
        problems = Problems()

        parse(text, "x", problems)

        assert told in problems.found[0].text

    def test_refuses_aliases_that_explode(self) -> None:
        problems = Problems()
        bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))

        parse(bomb, "x", problems)

        assert "too large" in problems.found[0].text

    def test_tells_of_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        problems = Problems()

        assert read([tmp_path / "nowhere.yaml"], {}, problems) == []
        assert "cannot be read: No such file" in str(problems.found[0])


class TestValues:
    def config(self, reading: Any, text: str) -> Any:
        return reading(f"connections:\n  crm:\n    config:\n      value: {text}")["connection crm"].given["config"]

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("https://${HOST}/v1", "https://crm.example/v1"),
            ("${PORT}", 8080),
            ("'${PORT}'", "8080"),
            ("${NOWHERE:-5}", 5),
            ("${NOWHERE:-}", None),
            ("$${HOST}", "${HOST}"),
            ("$HOST", "$HOST"),
            ("${not a name}", "${not a name}"),
        ],
    )
    def test_are_filled_in_from_the_environment(self, reading: Any, written: str, meant: Any) -> None:
        assert self.config(reading, written) == {"value": meant}

    def test_are_filled_in_from_a_json_file_with_their_type(self, reading: Any, tmp_path: Path) -> None:
        (tmp_path / "systems.json").write_text(json.dumps({"a/b": [{"port": 5432, "tables": {"x": [1]}}]}))

        assert self.config(reading, "{from_json: {file: systems.json, pointer: /a~1b/0/port}}") == {"value": 5432}
        assert self.config(reading, "{from_json: {file: systems.json, pointer: /a~1b/0}}") == {
            "value": {"port": 5432, "tables": {"x": [1]}}
        }

    @pytest.mark.parametrize(
        ("written", "told"),
        [
            ("${NOWHERE}", "NOWHERE is not set in the environment"),
            ("${HUB_SEAL_KEYS}", "HUB_SEAL_KEYS is the hub's own secret"),
            ("${HUB_OIDC_CLIENT_SECRET}", "HUB_OIDC_CLIENT_SECRET is the hub's own secret"),
            ("{from_json: {file: nowhere.json, pointer: /a}}", "nowhere.json cannot be read"),
            ("{from_json: {file: hub.yaml, pointer: /a}}", "is not JSON"),
            ("{from_json: /a}", "from_json needs file and pointer"),
        ],
    )
    def test_that_cannot_be_had_say_why(self, reading: Any, written: str, told: str) -> None:
        wrong = reading(f"connections:\n  crm:\n    config:\n      value: {written}").wrong

        assert len(wrong) == 1
        assert wrong[0].startswith("4: ")
        assert told in wrong[0]

    def test_of_a_mapping_body_are_never_filled_in(self, reading: Any) -> None:
        found = reading(
            "integrations:\n  i:\n    mappings:\n      m:\n        body: {fields: {a: {jsonata: '${HOST}'}}}"
        )

        assert found["mapping i/m"].given["body"]["fields"]["a"] == {"jsonata": "${HOST}"}


class TestSecrets:
    def secret(self, reading: Any, text: str) -> Any:
        return reading(f"credentials:\n  crm:\n    values:\n      password: {text}")

    def test_come_from_the_environment_or_a_json_file(self, reading: Any, tmp_path: Path) -> None:
        (tmp_path / "systems.json").write_text(json.dumps({"password": "swordfish"}))

        from_env = self.secret(reading, "{from_env: PASSWORD}")["credential crm"].secrets["password"]
        from_json = self.secret(reading, "{from_json: {file: systems.json, pointer: /password}}")

        assert from_env.value.reveal() == "hunter2"
        assert from_json["credential crm"].secrets["password"].value.reveal() == "swordfish"

    def test_may_be_asked_for(self, reading: Any) -> None:
        asked = self.secret(reading, "{prompt: Password of the CRM}")["credential crm"].secrets["password"]

        assert (asked.value, asked.question) == (None, "Password of the CRM")

    @pytest.mark.parametrize("literal", ["hunter2", "'${PASSWORD}'", "{value: hunter2}", "[hunter2]", "12345", ""])
    def test_are_refused_as_literals_with_the_cure_and_without_repeating_them(self, reading: Any, literal: str) -> None:
        (wrong,) = self.secret(reading, literal).wrong

        assert wrong.startswith("4: must not be written into a file. Write from_env: VARIABLE, from_json:")
        assert "hunter2" not in wrong

    def test_are_refused_when_the_variable_is_one_of_the_hubs_own(self, reading: Any) -> None:
        (wrong,) = self.secret(reading, "{from_env: HUB_SEAL_KEYS}").wrong

        assert "the hub's own secret" in wrong

    @pytest.mark.parametrize("held", [{"password": ""}, {"password": None}, {"password": True}, {}])
    def test_are_refused_when_the_json_file_has_none(self, reading: Any, tmp_path: Path, held: Any) -> None:
        (tmp_path / "systems.json").write_text(json.dumps(held))

        assert len(self.secret(reading, "{from_json: {file: systems.json, pointer: /password}}").wrong) == 1

    def test_do_not_show_in_what_was_read(self, reading: Any) -> None:
        assert "hunter2" not in repr(self.secret(reading, "{from_env: PASSWORD}")["credential crm"])


class TestShapes:
    def test_names_unknown_keys_with_the_nearest_known_one(self, reading: Any) -> None:
        wrong = reading("connexions: {}\nconnections:\n  crm:\n    conector: rest\n    sizes: 1").wrong

        assert wrong[0] == "1: “connexions” is not known here. Did you mean “connections”?"
        assert wrong[1] == "4: “conector” is not known here. Did you mean “connector”?"
        assert wrong[2].startswith("5: “sizes” is not known here. Known: burst, catch_up_rate, config")

    @pytest.mark.parametrize(
        ("field", "told"),
        [
            ("title: 5", "must be text"),
            (f"title: {'x' * 201}", "at most 200 characters"),
            ("criticality: extreme", "must be one of low, normal, high, vital"),
            ("fresh_minutes: 0", "must be a whole number from 1"),
            ("fresh_minutes: true", "must be a whole number"),
            ("fresh_minutes: 1.5", "must be a whole number"),
            ("mappings: [a]", "must be names with values"),
        ],
    )
    def test_say_what_a_value_must_look_like(self, reading: Any, field: str, told: str) -> None:
        (wrong,) = reading(f"integrations:\n  i:\n    {field}").wrong

        assert wrong.startswith("3: ")
        assert told in wrong

    @pytest.mark.parametrize(
        ("field", "told"),
        [
            ("source: crm", "must be connection/stream"),
            ("max_deletion_share: 2", "must be a share from 0 to 1"),
            ("max_deletion_share: many", "must be a share from 0 to 1"),
            ("delete_policy: burn", "must be one of archive, delete, exception, ignore"),
            ("body: text", "must be names with values"),
        ],
    )
    def test_say_what_a_mappings_value_must_look_like(self, reading: Any, field: str, told: str) -> None:
        (wrong,) = reading(f"integrations:\n  i:\n    mappings:\n      m:\n        {field}").wrong

        assert wrong.startswith("5: ")
        assert told in wrong

    def test_give_a_mapping_its_ends(self, reading: Any) -> None:
        found = reading("integrations:\n  i:\n    mappings:\n      b: {source: crm/a/b}\n      a: {destination: erp/c}")

        assert found["mapping i/b"].given == {"source": "crm", "source_stream": "a/b"}
        assert found["mapping i/a"].given == {"destination": "erp", "destination_stream": "c"}

    @pytest.mark.parametrize("name", ["Crm", "c r m", "-crm", "x" * 81, "c/rm"])
    def test_refuse_a_name_that_is_none(self, reading: Any, name: str) -> None:
        (wrong,) = reading(f"connections:\n  {name}: {{title: CRM}}").wrong

        assert "is not a name" in wrong

    @pytest.mark.parametrize(
        ("written", "meant"),
        [("2027-03-31", "2027-03-31T00:00:00+00:00"), ("2027-03-31T12:00+02:00", "2027-03-31T12:00:00+02:00")],
    )
    def test_take_a_date_of_expiry(self, reading: Any, written: str, meant: str) -> None:
        found = reading(f"credentials:\n  crm:\n    expires_at: {written}")["credential crm"]

        assert found.given["expires_at"].isoformat() == meant


class TestSeveralFiles:
    def test_come_out_in_the_order_of_writing(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("integrations:\n  i:\n    mappings:\n      m: {}\nconnections:\n  c: {}")
        (tmp_path / "b.yaml").write_text("credentials:\n  k: {}")

        items = read([tmp_path / "a.yaml", tmp_path / "b.yaml"], {}, Problems())

        assert [item.label for item in items] == ["credential k", "connection c", "integration i", "mapping i/m"]

    def test_must_not_describe_the_same_thing(self, tmp_path: Path) -> None:
        problems = Problems()
        for name in ("a.yaml", "b.yaml"):
            (tmp_path / name).write_text("connections:\n  c: {}")

        read([tmp_path / "a.yaml", tmp_path / "b.yaml"], {}, problems)

        assert problems.found[0].text == f"is described at {tmp_path / 'a.yaml'}:2 already. Remove one."
