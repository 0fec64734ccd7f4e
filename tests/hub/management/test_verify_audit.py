"""Whatever is done to sealed evidence is found, and where it begins; what is only written otherwise is not."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from hub.clock import now
from hub.evidence.verifier import Finding, verify_lines
from hub.models import AuditEvent, CapturedRow, Seal, SealedEntry, guard
from hub.services import audit
from hub.services.audit import verify
from hub.services.audit.seal import head_line, seal
from tests.factories import AuditEventFactory, IntegrationFactory, UserFactory
from tests.hub.tampering import TAMPERINGS, UNSEALED, truncate_the_tail

# On PostgreSQL only what is committed can be sealed.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")
ROOT = Path(__file__).resolve().parents[3]
BATCHES, SIZE = 3, 4  # positions 1 to 12


@pytest.fixture
def anchor(tmp_path: Path, settings: Settings) -> Path:
    """A file that is told of every seal."""
    path = tmp_path / "anchor.jsonl"
    settings.HUB_AUDIT_ANCHORS = [f"file://{path}"]
    return path


@pytest.fixture
def sealed(anchor: Path) -> Iterator[Path]:
    """Three batches of four events each, sealed and anchored, under guard."""
    actor = UserFactory(username="ada")
    guard.install(connection)
    for batch in range(BATCHES):
        for number in range(SIZE):
            AuditEventFactory(actor=actor, reason=f"{batch}.{number}", detail={"share": 0.5, "name": "Zoë"})
        seal()
    yield anchor
    guard.remove(connection)


def command(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def alone(bundle: Path, *anchors: Path) -> Finding:
    """What the stand-alone verifier says of a bundle, without any of the hub."""
    kept = [json.loads(line) for path in anchors for line in path.read_text().splitlines()]
    return verify_lines(bundle.read_text().splitlines(), audit.public_keys(), kept)


class TestWhateverIsDoneToIt:
    @pytest.mark.parametrize("tamper", TAMPERINGS)
    def test_is_found_where_it_begins(self, sealed: Path, tamper: Callable[[], int]) -> None:
        position = tamper()

        code, said = command()

        assert (code, said.partition(":")[0]) == (1, "TAMPERED")
        assert f"position {position}:" in said

    @pytest.mark.parametrize("tamper", [tamper for tamper in TAMPERINGS if tamper not in UNSEALED])
    def test_is_found_in_an_export_as_well(self, sealed: Path, tmp_path: Path, tamper: Callable[[], int]) -> None:
        position = tamper()
        bundle = tmp_path / "bundle.jsonl"
        with bundle.open("w") as to:
            verify.export(to)

        found = alone(bundle, sealed)

        assert (found.code, found.position) == (1, position), found.told


class TestWhatIsSound:
    def test_is_good(self, sealed: Path) -> None:
        code, said = command()

        assert code == 0
        assert "12 entries in 3 seals" in said
        assert "Tamper-evident" in said

    def test_is_only_resistant_without_an_anchor(self, sealed: Path, settings: Settings) -> None:
        settings.HUB_AUDIT_ANCHORS = []

        assert "Tamper-resistant only" in command()[1]

    def test_holds_captured_rows_as_well(self, sealed: Path) -> None:
        IntegrationFactory()
        count = CapturedRow.objects.count()

        seal()

        assert count > 0
        assert SealedEntry.objects.filter(kind="row").count() == count
        assert command()[0] == 0

    def test_cannot_be_told_when_nobody_guards_it(self, sealed: Path) -> None:
        guard.remove(connection)

        code, said = command()

        assert code == 2
        assert "nothing guards" in said

    def test_cannot_be_told_when_nobody_seals(self, anchor: Path) -> None:
        AuditEventFactory(at=now() - timedelta(hours=2))
        guard.install(connection)

        code, said = command()
        guard.remove(connection)

        assert code == 2
        assert "nobody seals" in said


class TestAnExport:
    @pytest.fixture
    def bundle(self, sealed: Path, tmp_path: Path) -> Path:
        path = tmp_path / "bundle.jsonl"
        assert command("--export", str(path))[0] == 0
        return path

    def run(self, bundle: Path, *arguments: str) -> tuple[int, str]:
        """The file by itself, in a process that knows nothing of the hub."""
        done = subprocess.run(
            [sys.executable, "-I", str(ROOT / "hub/evidence/verifier.py"), str(bundle), *arguments],
            capture_output=True, text=True, check=False, cwd=bundle.parent,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def keys(self) -> list[str]:
        return [f"--key={line}" for line in command("--public-keys")[1].split()]

    def test_is_verified_by_one_file_alone(self, bundle: Path, sealed: Path) -> None:
        code, said = self.run(bundle, *self.keys(), "--anchor", str(sealed))

        assert (code, said.partition(":")[0]) == (0, "good"), said

    def test_is_as_good_written_in_another_way(self, bundle: Path) -> None:
        lines = [json.loads(line) for line in bundle.read_text().splitlines()]
        turned = [json.dumps(dict(reversed(list(line.items()))), indent=None) for line in lines]
        bundle.write_text("\n\n".join(turned) + "\n")

        assert self.run(bundle, *self.keys())[0] == 0

    def test_proves_nothing_to_whoever_trusts_no_key(self, bundle: Path) -> None:
        assert self.run(bundle)[0] == 2

    def test_that_is_not_there_proves_nothing(self, bundle: Path) -> None:
        assert self.run(bundle.with_name("other"), *self.keys())[0] == 2

    def test_of_a_part_proves_that_part(self, sealed: Path, tmp_path: Path) -> None:
        bundle = tmp_path / "part.jsonl"
        command("--export", str(bundle), "--from", "6", "--to", "10")

        assert alone(bundle, sealed).told.startswith("5 entries in 2 seals")
        bundle.write_text(bundle.read_text().replace('"reason":"1.2"', '"reason":"2.1"'))
        assert alone(bundle, sealed).position == 7

    def changed(self, bundle: Path, change: Callable[[list[dict[str, Any]]], Any]) -> Finding:
        lines = [json.loads(line) for line in bundle.read_text().splitlines()]
        change(lines)
        bundle.write_text("\n".join(json.dumps(line) for line in lines))
        return alone(bundle)

    def test_that_was_cut_short_is_found_out(self, bundle: Path) -> None:
        assert self.changed(bundle, lambda lines: lines.__delitem__(slice(11, None))).position == 9

    def test_with_a_line_twice_is_found_out(self, bundle: Path) -> None:
        assert self.changed(bundle, lambda lines: lines.insert(3, lines[3])).position == 2

    def test_that_claims_to_be_another_part_is_found_out(self, bundle: Path) -> None:
        assert self.changed(bundle, lambda lines: lines[0].update(to=8)).code == 1

    def test_leaves_evidence_of_itself(self, bundle: Path) -> None:
        assert AuditEvent.objects.get(action="audit.export").detail["entries"] == 12


def test_an_anchor_is_read_from_what_a_system_log_wrote(sealed: Path) -> None:
    head = Seal.objects.get(number=3)
    sealed.write_text(f"Nov 30 18:00:01 loghost hub-audit: {json.dumps(head_line(head))}\n")
    truncate_the_tail()

    assert command("--anchor", str(sealed))[1].startswith("TAMPERED: position 9")
