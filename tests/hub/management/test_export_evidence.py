"""Evidence for whoever works at the host: narrowed, proved, written once, and noted."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from hub.evidence.verifier import verify_lines
from hub.models import AuditEvent
from hub.services import audit
from hub.services.audit.seal import seal
from tests.factories import AuditEventFactory

pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")


@pytest.fixture(autouse=True)
def _sealed(db: None) -> None:
    AuditEventFactory(action="integration.pause")
    AuditEventFactory(action="integration.change")
    seal()


def export(path: Path, *more: str) -> str:
    out = StringIO()
    call_command("export_evidence", str(path), "--reason", "For the auditors.", *more, stdout=out)
    return out.getvalue()


def test_is_written_with_proofs_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "bundle.jsonl"

    told = export(path, "--action", "integration.pause")

    assert told.startswith("1 entries")
    assert verify_lines(path.read_text().splitlines(), audit.public_keys()).code == 0
    event = AuditEvent.objects.get(action="audit.export")
    assert (event.reason, event.detail["narrowed"]) == ("For the auditors.", {"action": "integration.pause"})
    assert event.detail["sha256"] in told


def test_is_a_table_for_people(tmp_path: Path) -> None:
    export(tmp_path / "all.csv", "--format", "csv")

    assert len((tmp_path / "all.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--since", "soon"), "no moment"),
        (("--table", "hub_user"), "no filter table"),
        (("--object", "x"), "no number"),
    ],
)
def test_says_which_filter_is_wrong(tmp_path: Path, more: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        export(tmp_path / "bundle.jsonl", *more)


def test_writes_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bundle.jsonl"
    path.write_text("kept")

    with pytest.raises(CommandError, match="there already"):
        export(path)
    assert path.read_text() == "kept"
