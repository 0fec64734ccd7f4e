"""`manage.py new_connector`: what it begins is found, clean, and keeps every promise from the first minute."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the hub and its contract suite, and no connector yet."""
    for folder in ("connectors", "tests/connectors"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\nfilterwarnings = error\ntestpaths = tests\n"
    )
    for name in ("hub", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    for file in (ROOT / "connectors/__init__.py", *(ROOT / "tests/connectors").glob("*.py")):
        shutil.copy(file, tmp_path / file.relative_to(ROOT))
    return tmp_path


def begin(project: Path, *arguments: str) -> str:
    out = io.StringIO()
    call_command("new_connector", *arguments, f"--into={project}", stdout=out)
    return out.getvalue()


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


class TestNewConnector:
    def test_keeps_every_promise_as_it_stands(self, project: Path) -> None:
        begin(project, "acme_crm", "--label", "Acme CRM")

        done = run(project, "pytest", "-c", "pytest.ini", "-p", "no:django", "-p", "no:cacheprovider", "-rN", "-q")

        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        assert int(done.stdout.split(" passed")[0].split()[-1]) >= 25  # reading, connection and plate; not writing

    def test_is_clean(self, project: Path) -> None:
        begin(project, "acme_crm")

        checked = run(project, "ruff", "check", "--no-cache", "connectors", "tests/connectors/acme_crm")
        formatted = run(project, "ruff", "format", "--no-cache", "--check", "connectors", "tests/connectors/acme_crm")

        assert checked.returncode == 0, checked.stdout
        assert formatted.returncode == 0, formatted.stdout

    def test_says_what_to_do_next(self, project: Path) -> None:
        assert "pytest tests/connectors -k acme_crm" in begin(project, "acme_crm")

    @pytest.mark.parametrize("name", ["Acme", "1acme", "ac-me", "../acme", "a", "", "x" * 41])
    def test_refuses_a_name_that_is_no_folder(self, project: Path, name: str) -> None:
        with pytest.raises(CommandError, match="cannot be a folder of connectors"):
            begin(project, name)

    def test_refuses_a_label_that_would_be_code(self, project: Path) -> None:
        with pytest.raises(CommandError, match="must be plain"):
            begin(project, "acme_crm", "--label", '"; import os; "')

    def test_writes_over_nothing(self, project: Path) -> None:
        begin(project, "acme_crm")
        (project / "connectors/acme_crm/client.py").write_text("mine")

        with pytest.raises(CommandError, match="is there already"):
            begin(project, "acme_crm")
        assert (project / "connectors/acme_crm/client.py").read_text() == "mine"
