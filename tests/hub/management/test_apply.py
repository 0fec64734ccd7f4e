"""`manage.py apply`: shows, asks, writes, and says what is wrong."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub.models import AuditEvent, Connection, Credential
from hub.services import credential
from tests.factories import UserFactory
from tests.hub.garden import Garden

FILE = """
credentials:
  toy-key:
    values:
      password: {from_env: TOY_PASSWORD}
connections:
  toy:
    title: ${TOY_TITLE:-The toy}
    connector: toy
    credential: toy-key
    config: {url: "https://toy.example"}
"""


@pytest.fixture
def file(garden: Garden, tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    garden.plant("toy")
    monkeypatch.setenv("TOY_PASSWORD", "hunter2-and-more")
    written = tmp_path / "toy.yaml"
    written.write_text(FILE)
    return written


def apply(*arguments: Any, **options: Any) -> str:
    """What the command printed."""
    out = io.StringIO()
    call_command("apply", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


class TestApply:
    def test_shows_what_it_changes_and_changes_it(self, file: Path) -> None:
        told = apply(file)

        assert told.splitlines() == [
            "credential toy-key (new)",
            '  + origins[0]: "https://toy.example:443"',
            '  + values.password: "•••"',
            "connection toy (new)",
            '  + title: "The toy"',
            '  + connector: "toy"',
            '  + credential: "toy-key"',
            '  + config.url: "https://toy.example"',
            "2 to create, 0 to change, 0 as described.",
            "Applied.",
        ]
        assert Connection.objects.get().title == "The toy"

    def test_says_so_when_there_is_nothing_to_change(self, file: Path) -> None:
        apply(file)

        assert apply(file) == "Nothing to change: 2 as described.\n"

    def test_shows_old_and_new(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        apply(file)
        monkeypatch.setenv("TOY_TITLE", "Our toy")

        assert '  ~ title: "The toy" → "Our toy"' in apply(file)

    def test_keeps_nothing_of_a_dry_run(self, file: Path) -> None:
        told = apply(file, "--dry-run")

        assert told.endswith("Dry run: nothing was written.\n")
        assert not Connection.objects.exists()

    def test_records_in_whose_name_it_was_done(self, file: Path) -> None:
        UserFactory(username="ada")

        apply(file, "--by", "ada")

        assert set(AuditEvent.objects.values_list("actor_name", flat=True)) == {"ada"}

    def test_refuses_a_name_that_nobody_has(self, file: Path) -> None:
        with pytest.raises(CommandError, match="There is no person “ada”"):
            apply(file, "--by", "ada")

    def test_lists_everything_that_is_wrong(self, file: Path) -> None:
        file.write_text(FILE.replace("connector: toy", "connector: tory").replace("{from_env: TOY_PASSWORD}", "abc"))

        with pytest.raises(CommandError) as caught:
            apply(file)
        head, *lines = str(caught.value).splitlines()
        assert head == "Nothing was written. 2 to correct:"
        assert lines[0].startswith(f"{file}:5: credentials.toy-key.values.password: must not be written into a file.")
        assert lines[1].startswith(f"{file}:9: connections.toy.connector: There is no connector “tory”.")
        assert not Credential.objects.exists()


class TestAtATerminal:
    @pytest.fixture
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    @pytest.mark.parametrize(("answer", "done"), [("y", True), ("YES", True), ("", False), ("n", False)])
    def test_asks_before_it_writes(
        self, file: Path, terminal: None, monkeypatch: pytest.MonkeyPatch, answer: str, done: bool
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda question: answer)

        apply(file)

        assert Connection.objects.exists() is done

    def test_does_not_ask_when_told_not_to(self, file: Path, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("builtins.input", lambda question: pytest.fail("asked"))

        apply(file, "--yes")

        assert Connection.objects.exists()

    def test_asks_for_a_secret_without_showing_it(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text(FILE.replace("from_env: TOY_PASSWORD", "prompt: Password of the toy"))
        asked: list[str] = []

        def answer(question: str) -> str:
            asked.append(question)
            return "typed"

        monkeypatch.setattr("hub.management.commands.apply.getpass", answer)

        told = apply(file)

        assert asked == ["Password of the toy (toy-key): "]
        assert "typed" not in told
        assert credential.open_values(Credential.objects.get())["password"].reveal() == "typed"
