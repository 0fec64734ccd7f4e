"""The promises every connector keeps: its plate and its connections (reading and writing follow beside)."""

import inspect
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hub import registry
from hub.sdk import (
    Answer,
    AuthError,
    ConfigError,
    Connector,
    FieldKind,
    Opened,
    TransientError,
    check_config,
)
from tests.connectors.acting import (
    PAGE,
    answers_of,
    creation,
    everything_shown,
    open_files,
    read_all,
    settles_at,
    source,
)
from tests.connectors.bench import Bench
from tests.connectors.conftest import benches

ROOT = Path(__file__).parents[2]
SECRET_NAMES = re.compile(r"password|passwd|passphrase|token|secret|api_?key|private_?key|client_?key")


class TestPlate:
    """What stands on the connector's door."""

    def test_can_be_loaded(self) -> None:
        assert registry.broken() == {}

    def test_has_label(self, connector: Connector, name: str) -> None:
        assert connector.name == name
        assert connector.label
        assert connector.label.strip() == connector.label
        assert connector.summary.endswith(".")

    def test_config_labelled(self, connector: Connector) -> None:
        names = [field.name for field in connector.fields]

        assert len(set(names)) == len(names)
        for field in connector.fields:
            assert field.label, field.name
            assert field.help.endswith("."), f"{field.name}: help must be a sentence"
            assert field.default in {None, *field.choices} if field.choices else True, field.name
            assert bool(field.choices) == (field.kind is FieldKind.CHOICE), field.name

    def test_secrets_marked(self, connector: Connector) -> None:
        for field in connector.fields:
            if SECRET_NAMES.search(field.name):
                assert field.is_secret, f"{field.name} must be a SECRET"
            if field.is_secret:
                assert field.default is None, f"{field.name} must not have a default"

    def test_has_readme(self, name: str) -> None:
        text = (ROOT / "connectors" / name / "README.md").read_text()

        assert text.startswith("# ")
        assert len(text.splitlines()) >= 20

    def test_has_bench(self, name: str) -> None:
        assert benches(name), f"write tests/connectors/{name}/bench.py; tests/connectors/bench.py says how"

    def test_pure(self, name: str) -> None:
        """Importing the connector loads no Django and nothing of the hub above its facades."""
        script = (
            f"import sys, connectors.{name}; "
            "print(*sorted(name for name in sys.modules if name.split('.')[0] in {'django', 'rq'} "
            "or name.startswith('hub.') and name.split('.')[1] not in {'sdk', 'http'}))"
        )

        found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

        assert found.stdout.split() == []


class TestConnection:
    """A connection in use."""

    def test_config_accepted(self, connector: Connector, bench: Bench) -> None:
        checked = check_config(connector.fields, bench.settings.config)
        secrets = {field.name for field in connector.fields if field.is_secret}

        assert connector.origins(checked)
        assert all(connector.origins(checked))
        assert set(bench.settings.secrets) <= secrets

    def test_opens_without_calling(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_address is None:
            pytest.skip("nothing to be wrong about")

        connector.open(bench.wrong_address).close()

    def test_checks_connection(self, opened: Opened) -> None:
        sentence = opened.check()

        assert sentence.endswith(".")
        assert len(sentence.splitlines()) == 1

    def test_waits_for_leave_before_it_calls(self, connector: Connector) -> None:
        """Before each request by itself, or the hub does so before each call: never both, never neither."""
        folder = Path(inspect.getfile(connector.open)).parent
        asks = any("settings.pace" in file.read_text() for file in folder.rglob("*.py"))

        assert asks is not connector.is_paced_by_call

    def test_names_its_streams(self, opened: Opened, bench: Bench) -> None:
        names = [stream.name for stream in opened.streams()]

        assert len(set(names)) == len(names)
        assert {bench.stream, bench.written} <= set(names)
        assert all(stream.label for stream in opened.streams())

    def test_refuses_an_unknown_stream(self, opened: Opened) -> None:
        with pytest.raises(ConfigError, match="no-such-stream"):
            source(opened).read("no-such-stream", None, PAGE)

    def test_errors_translated(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_address is None:
            pytest.skip("nothing to be wrong about")

        opened = connector.open(bench.wrong_address)

        with pytest.raises((TransientError, ConfigError)):
            opened.check()
        with pytest.raises((TransientError, ConfigError)):
            source(opened).read(bench.stream, None, PAGE)
        opened.close()

    def test_nothing_is_in_doubt_at_a_wrong_address(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_address is None:
            pytest.skip("nothing to be wrong about")
        opened = connector.open(bench.wrong_address)

        answers = answers_of(opened, bench, [creation(bench, 1), creation(bench, 2)])

        assert set(answers) <= {Answer.RETRY}
        opened.close()

    def test_wrong_secrets_are_told_apart(self, connector: Connector, bench: Bench) -> None:
        if bench.wrong_secret is None:
            pytest.skip("this system has no secrets")
        opened = connector.open(bench.wrong_secret)

        with pytest.raises(AuthError):
            opened.check()
        assert set(answers_of(opened, bench, [creation(bench, 1), creation(bench, 2)])) <= {Answer.AUTH}
        opened.close()

    def test_never_prints_secrets(self, connector: Connector, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown: list[str] = []
        for settings in (bench.settings, bench.wrong_secret, bench.wrong_address):
            shown += everything_shown(connector, bench, settings) if settings else []
        secrets = {
            secret.reveal()
            for settings in (bench.settings, bench.wrong_secret)
            for secret in (settings.secrets.values() if settings else ())
        }

        printed = "\n".join([*shown, caplog.text])

        assert [secret for secret in secrets if secret in printed] == []

    def test_closes_what_it_opens(self, connector: Connector, bench: Bench) -> None:
        before = open_files()
        opened = connector.open(bench.settings)
        opened.check()
        read_all(opened, bench.stream)
        answers_of(opened, bench, [creation(bench, 1)])

        opened.close()
        opened.close()

        assert settles_at(before)
