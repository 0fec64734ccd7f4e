"""The audit trail: what an event holds, and that none is of an action nobody has put into words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction

from hub import provenance
from hub.models import AuditEvent, User
from hub.services import audit
from hub.services.credential import open_values, set_values
from tests.factories import CredentialFactory, IntegrationFactory, SyncRunFactory, UserFactory

ROOT = Path(__file__).resolve().parents[3]
WRITERS = {"record", "seen", "_move"}


def named(node: ast.AST) -> Iterator[str]:
    """The names that a call gives its action, as patterns."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.escape(node.value)
    elif isinstance(node, ast.IfExp):
        yield from named(node.body)
        yield from named(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+" for part in node.values
        )


def said(node: ast.AST) -> Iterator[ast.AST]:
    """Where this piece of code names an action."""
    if isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        yield from (word.value for word in node.keywords if word.arg == "action" and called in WRITERS)
        yield from (word for word in node.args if called == "_move")
    elif isinstance(node, ast.Assign):
        names = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        if names & {"action", "HELD", "WORKS"}:
            yield from node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]


def words() -> set[str]:
    """Every text in the code but the registry's own: where an action's name is handed on, it stands as one of these."""
    paths = [path for path in (ROOT / "hub").rglob("*.py") if path.name != "action.py"]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def used() -> list[tuple[str, str]]:
    """(file, pattern) of each action that the services and the doors write evidence of."""
    paths = [path for floor in ("services", "admin", "management") for path in (ROOT / "hub" / floor).rglob("*.py")]
    return [
        (path.name, name)
        for path in sorted(paths)
        for node in ast.walk(ast.parse(path.read_text()))
        for place in said(node)
        for name in named(place)
        if "." in name
    ]


class TestTheRegistry:
    def test_knows_every_action_that_the_code_writes_evidence_of(self) -> None:
        found = used()

        assert len(found) > 30
        assert [pair for pair in found if not any(re.fullmatch(pair[1], name) for name in audit.ACTIONS)] == []

    def test_knows_nothing_that_no_code_writes(self) -> None:
        any_row = r"[a-z_]+\.(add|change|delete)"  # what the base of all forms writes
        patterns = [any_row if pattern == r"[a-z_]+\.[a-z_]+" else pattern for _, pattern in used()]
        patterns.append(re.escape("access.denied"))

        unsaid = set(audit.ACTIONS) - words()
        assert [name for name in unsaid if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []

    @pytest.mark.django_db
    def test_lets_no_other_action_be_written(self) -> None:
        with pytest.raises(audit.UnknownActionError):
            audit.record(actor=None, action="integration.paint", subject=IntegrationFactory())


@pytest.mark.django_db
class TestAnEvent:
    def test_tells_who_when_what_why_and_how(self) -> None:
        person, run = UserFactory(username="ada"), SyncRunFactory()
        door = provenance.Provenance(
            actor="ada", actor_id=person.pk, method="session", request="r-1", address="192.0.2.7", session="5e55"
        )

        with provenance.acting(door):
            event = audit.record(
                actor=person, action="run.cancel", subject=run, reason="wrong file", ticket="OPS-7",
                before={"state": "running"}, after={"state": "cancelled"},
            )  # fmt: skip

        kept = AuditEvent.objects.get(pk=event.pk)
        assert (kept.actor_name, kept.method, kept.request, kept.address) == ("ada", "session", "r-1", "192.0.2.7")
        assert (kept.run_id, kept.mapping_version_id, kept.ticket) == (run.pk, run.version_id, "OPS-7")
        assert (kept.before, kept.after) == ({"state": "running"}, {"state": "cancelled"})
        assert kept.outcome == "done"
        assert kept.uid is not None
        assert kept.uid.version == 7

    def test_stays_as_it_is_when_the_person_goes(self) -> None:
        person = UserFactory(username="ada")
        event = audit.record(actor=person, action="integration.pause", subject=IntegrationFactory())
        number = person.pk

        User.objects.filter(pk=number).delete()

        kept = AuditEvent.objects.get(pk=event.pk)
        assert (kept.actor_name, kept.actor_id) == ("ada", number)

    def test_is_not_written_without_what_it_tells_of(self) -> None:
        integration = IntegrationFactory()

        with transaction.atomic():
            audit.record(actor=None, action="integration.pause", subject=integration)
            transaction.set_rollback(True)

        assert not AuditEvent.objects.exists()

    def test_of_a_secret_holds_a_fingerprint_that_equal_secrets_do_not_share(self) -> None:
        one, other = CredentialFactory(), CredentialFactory()

        for credential in (one, other):
            set_values(credential=credential, values={"password": "the same"}, by=None)

        seals = [event.after["sealed"] for event in AuditEvent.objects.filter(action="credential.set_secret")]
        assert len(set(seals)) == 2
        assert "the same" not in str(list(AuditEvent.objects.values()))

    def test_of_the_use_of_a_secret_is_written_once_an_hour(self) -> None:
        credential = CredentialFactory()
        set_values(credential=credential, values={"password": "open"}, by=None)

        with provenance.acting(provenance.Provenance(method="worker")):
            open_values(credential)
            open_values(credential)

        assert [event.method for event in AuditEvent.objects.filter(action="credential.use")] == ["worker"]


@pytest.mark.django_db
class TestARefusal:
    def test_is_logged_when_it_cannot_be_written(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(**_: object) -> None:
            raise DatabaseError("full")

        monkeypatch.setattr(AuditEvent.objects, "create", fail)

        audit.denied(actor=None, what="POST /admin/", reason="")

        assert "could not be written" in caplog.text


def test_a_fingerprint_is_the_same_for_the_same_value_and_tells_nothing_of_it() -> None:
    assert audit.fingerprint("secret") == audit.fingerprint(b"secret") != audit.fingerprint("Secret")
    assert "secret" not in audit.fingerprint("secret")
