"""Evidence is sealed in batches without gaps, whatever commits in whatever order, and anchors are told."""

import json
import socket
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, connections, transaction
from pytest_django import Settings

from hub.clock import now
from hub.evidence import seal_hash
from hub.management.commands.scheduler import Rounds
from hub.models import AuditEvent, Seal, SealedEntry, guard
from hub.services.audit import AuditKeyError, anchor, public_keys
from hub.services.audit.content import contents, seal_line
from hub.services.audit.seal import BATCH, seal, unsealed_ids, watch_guard
from tests.factories import AuditEventFactory

IS_POSTGRESQL = connection.vendor == "postgresql"
# On PostgreSQL only what is committed can be sealed.
pytestmark = pytest.mark.django_db(transaction=IS_POSTGRESQL)


def positions() -> list[int]:
    return list(SealedEntry.objects.order_by("seq").values_list("seq", flat=True))


class TestSealing:
    def test_gives_positions_without_gaps_and_chains_the_seals(self) -> None:
        for _ in range(2):
            AuditEventFactory.create_batch(3)
            AuditEvent.objects.latest("id").delete()
            seal()

        one, other = Seal.objects.order_by("number")
        assert positions() == [1, 2, 3, 4]
        assert (one.first, one.last, other.first, other.last) == (1, 2, 3, 4)
        assert other.previous == seal_hash(seal_line(one)).hex()

    def test_leaves_out_what_is_empty_so_that_a_column_can_be_added(self) -> None:
        event = AuditEventFactory(ticket="", run_id=None, before={}, subject_id=0)

        content = contents("event", [event.pk])[event.pk]

        assert not {"ticket", "run_id", "before"} & set(content)
        assert content["subject_id"] == 0

    def test_spells_fractions_and_moments_in_one_way(self) -> None:
        moment = datetime(2026, 11, 30, 12, 0, 0, 120000, tzinfo=timezone(timedelta(hours=1)))
        event = AuditEventFactory(at=moment, detail={"share": 0.50})

        content = contents("event", [event.pk])[event.pk]

        assert (content["at"], content["detail"]) == ("2026-11-30T11:00:00.120000+00:00", {"share": "0.5"})

    def test_of_nothing_makes_no_seal(self) -> None:
        assert seal() == 0
        assert not Seal.objects.exists()

    def test_goes_on_until_nothing_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.services.audit.seal.BATCH", 2)
        AuditEventFactory.create_batch(5)

        assert seal() == 5
        assert [one.is_complete for one in Seal.objects.order_by("number")] == [False, False, True]
        assert BATCH > 2

    def test_by_another_at_the_same_moment_does_no_harm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        AuditEventFactory()
        seal()
        known = AuditEvent.objects.get().pk
        monkeypatch.setattr(
            "hub.services.audit.seal.unsealed_ids", lambda kind, beyond, most: [known] * (kind == "event")
        )

        assert seal() == 0
        assert positions() == [1]

    def test_looks_only_at_what_is_not_long_settled(self) -> None:
        AuditEventFactory()
        seal()
        Seal.objects.update(at=now() - timedelta(days=2))
        AuditEventFactory()

        assert seal() == 1
        assert len(unsealed_ids("event", 0, 10)) == 0

    @pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has one writer at a time")
    def test_waits_for_the_oldest_running_transaction(self) -> None:
        begun, go = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                AuditEventFactory(reason="began first")
                begun.set()
                go.wait(30)
            connections.close_all()

        other = threading.Thread(target=slow)
        other.start()
        begun.wait(30)
        AuditEventFactory(reason="committed first")

        assert seal() == 0
        go.set()
        other.join()
        assert seal() == 2

    def test_cannot_be_undone(self) -> None:
        AuditEventFactory()
        seal()
        guard.install(connection)

        for rows in (Seal.objects.all(), SealedEntry.objects.all()):
            with pytest.raises(IntegrityError), transaction.atomic():
                rows._raw_delete(rows.db)
        guard.remove(connection)


class TestTheScheduler:
    @pytest.mark.django_db(transaction=True)
    def test_seals(self) -> None:
        AuditEventFactory()

        Rounds().go()

        assert positions() == [1]

    def test_says_so_when_the_guard_is_down(self, caplog: pytest.LogCaptureFixture) -> None:
        watch_guard()

        assert "does not guard its evidence" in caplog.text


class TestKeys:
    @pytest.mark.parametrize("keys", [["abc"], ["a:12"], ["a:" + "0" * 64] * 2])
    def test_of_a_wrong_shape_are_refused_without_being_quoted(self, settings: Settings, keys: list[str]) -> None:
        settings.HUB_AUDIT_KEYS = keys

        with pytest.raises(AuditKeyError, match="HUB_AUDIT_KEYS must be") as refused:
            public_keys()
        assert keys[0] not in str(refused.value)


class TestAnchors:
    LINE = {"hub": "demo", "seal": 1, "last": 2, "hash": "ab", "at": "2026-11-30T00:00:00+00:00"}

    @pytest.fixture(autouse=True)
    def _forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(anchor, "_told", {})

    def test_in_a_file_are_lines_and_each_seal_is_told_once(self, settings: Settings, tmp_path: Path) -> None:
        path = tmp_path / "anchor.jsonl"
        settings.HUB_AUDIT_ANCHORS = [f"file://{path}"]

        for seal_hash_ in ("ab", "ab", "cd"):
            anchor.put({**self.LINE, "hash": seal_hash_})

        assert [json.loads(line)["hash"] for line in path.read_text().splitlines()] == ["ab", "cd"]

    def test_in_a_system_log_are_messages(self, settings: Settings) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
            log.bind(("127.0.0.1", 0))
            log.settimeout(10)
            settings.HUB_AUDIT_ANCHORS = [f"syslog://127.0.0.1:{log.getsockname()[1]}"]

            anchor.put(self.LINE)

            text = log.recv(4096).decode()
        assert text.startswith("<109>hub-audit: ")
        assert json.loads(text.partition(": ")[2]) == self.LINE

    def test_in_a_log_behind_a_connection_are_lines(self, settings: Settings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as log:
            settings.HUB_AUDIT_ANCHORS = [f"syslog+tcp://127.0.0.1:{log.getsockname()[1]}"]

            anchor.put(self.LINE)

            stream, _ = log.accept()
            with stream:
                assert stream.recv(4096).decode().endswith('"}\n')

    def test_on_this_machine_are_messages_too(self, settings: Settings, tmp_path: Path) -> None:
        path = tmp_path / "log"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.bind(str(path))
            settings.HUB_AUDIT_ANCHORS = [f"syslog://{path}"]

            anchor.put(self.LINE)

            assert log.recv(4096).startswith(b"<109>hub-audit: ")

    def test_that_are_away_are_told_at_the_next_round(
        self, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "later" / "anchor.jsonl"
        settings.HUB_AUDIT_ANCHORS = [f"file://{path}"]
        AuditEventFactory()

        seal()
        path.parent.mkdir()
        seal()

        assert "does not take seal 1" in caplog.text
        assert json.loads(path.read_text())["seal"] == 1

    def test_that_nobody_speaks_are_refused(self) -> None:
        with pytest.raises(ValueError, match="is no anchor"):
            anchor.driver_of("pigeon://loft")
