"""After a restored backup nothing is sent until a named person leaves recovery mode (I22, R-09)."""

from pathlib import Path

import pytest
from pytest_django import Settings

from hub.models import AuditEvent, Change, Incarnation, Link, LinkImage, Recovery, Review, RunState, SyncRun, User
from hub.services import incarnation, pause, recovery
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture

REASON = "Both sides were compared with the owner on the telephone."


def fill(pair: Pair, count: int) -> None:
    for number in range(count):
        pair.source.put(f"c{number}", name=f"Name {number}", city="Ulm")


def forget(keys: list[str]) -> None:
    """What a restored backup does: the hub has forgotten these writes."""
    Change.objects.filter(source_key__in=keys).delete()
    Link.objects.filter(source_key__in=keys).delete()


@pytest.fixture
def restored(pair: Pair) -> Pair:
    """Five records written; then a backup from after the third was restored, and the hub has noticed it."""
    fill(pair, 3)
    pair.run()
    incarnation.advance()
    at_backup = Incarnation.objects.get().number
    fill(pair, 5)
    pair.run()
    incarnation.advance()
    forget(["c3", "c4"])
    Incarnation.objects.update(number=at_backup)
    incarnation.watch(at_once=True)
    return pair


def reviewed(pair: Pair) -> Review:
    found = recovery.present()
    assert found is not None
    recovery.ask_reviews(recovery=found, by=None)
    recovery.review(review_id=Review.objects.get().pk)
    return Review.objects.get()


class TestARestoredDatabase:
    def test_is_noticed_and_begins_recovery_mode_once(self, restored: Pair) -> None:
        incarnation.watch(at_once=True)
        incarnation.advance()

        found = Recovery.objects.get()
        assert (found.ended_at, found.started_by) == (None, None)
        assert "older than what the hub has done since" in found.why
        assert AuditEvent.objects.filter(action="recovery.start").count() == 1

    def test_sends_nothing_whoever_asks(self, restored: Pair, operator: User) -> None:
        before = list(restored.destination.effects)
        assert pause.is_paused(restored.mapping.pk)
        run = SyncRun.objects.create(
            integration=restored.mapping.integration, mapping=restored.mapping, trigger="schedule",
            version=restored.mapping.active_version, is_full=True, queued_at="2026-11-25T00:00:00Z",
        )  # fmt: skip

        restored.work()

        run.refresh_from_db()
        assert restored.destination.effects == before
        assert (run.state, run.reason_code) == (RunState.QUEUED, "paused")
        assert "until a named person leaves it" in run.reason

    def test_links_again_what_the_hub_has_forgotten(self, restored: Pair) -> None:
        found = reviewed(restored)

        assert (found.state, found.received, found.agreeing, found.relinked, found.new) == ("done", 5, 3, 2, 0)
        assert found.samples == {"relinked": ["c3", "c4"]}
        assert set(restored.links().values()) == {"linked"}

    def test_writes_nothing_twice_after_it_was_left(self, restored: Pair, operator: User) -> None:
        before = list(restored.destination.effects)
        reviewed(restored)
        found = recovery.present()
        assert found is not None

        recovery.leave(recovery=found, by=operator, reason=REASON)
        run = restored.run(full=True)

        assert (run.state, run.unchanged, run.created) == (RunState.SUCCEEDED, 5, 0)
        assert restored.destination.effects == before

    def test_is_not_suspected_again_after_it_was_left(self, restored: Pair, operator: User) -> None:
        reviewed(restored)
        found = recovery.present()
        assert found is not None
        recovery.leave(recovery=found, by=operator, reason=REASON)

        incarnation.watch(at_once=True)

        assert recovery.present() is None
        assert Incarnation.objects.get().number == incarnation.outside()


class TestAReview:
    def test_tells_what_was_changed_what_is_gone_and_what_is_new(self, restored: Pair) -> None:
        rows = {row.reference: key for key, row in restored.destination.rows.items()}
        restored.destination.put(rows["c0"], name="Corrected by hand")
        restored.destination.drop(rows["c1"])
        restored.source.put("c9", name="New", city="Ulm")

        found = reviewed(restored)

        assert (found.agreeing, found.differing, found.missing, found.new) == (1, 1, 1, 1)
        assert {kind: found.samples[kind] for kind in ("differing", "missing", "new")} == {
            "differing": ["c0"],
            "missing": ["c1"],
            "new": ["c9"],
        }

    def test_takes_a_write_that_the_hub_has_forgotten_as_acknowledged(self, restored: Pair) -> None:
        key = next(key for key, row in restored.destination.rows.items() if row.reference == "c0")
        restored.source.put("c0", name="Newer")
        restored.destination.put(key, name="Newer")  # the hub's own write, forgotten by the restore

        found = reviewed(restored)

        assert (found.agreeing, found.differing) == (3, 0)
        assert LinkImage.objects.get(link__source_key="c0").sent["name"] == "Newer"

    def test_withdraws_what_was_planned_before_the_backup(self, restored: Pair) -> None:
        old = Change.objects.get(source_key="c2")
        Change.objects.filter(pk=old.pk).update(state="ready", ended_at=None)
        SyncRun.objects.filter(pk=old.run_id).update(created=2, in_flight=1, state="partial")

        found = reviewed(restored)

        old.refresh_from_db()
        assert (found.withdrawn, old.state) == (1, "superseded")

    def test_that_cannot_read_says_why_and_can_be_asked_for_again(self, restored: Pair) -> None:
        restored.source.read_fails = 1

        first = reviewed(restored)
        assert (first.state, first.message) == ("failed", "The third party is closed for lunch.")

        assert reviewed(restored).state == "done"

    def test_keeps_every_record_that_differs_with_both_values(self, restored: Pair) -> None:
        rows = {row.reference: key for key, row in restored.destination.rows.items()}
        restored.destination.put(rows["c0"], name="Corrected by hand")
        restored.destination.drop(rows["c1"])
        restored.source.put("c3", city="Bonn")
        for number in range(30):
            restored.source.put(f"new{number}", name="New", city="Ulm")

        found = reviewed(restored)

        kept = {one.source_key: one for one in found.findings.all()}
        assert len(kept) == 34
        assert (kept["c0"].kind, kept["c0"].wanted, kept["c0"].present) == (
            "differing", {"name": "Name 0"}, {"name": "Corrected by hand"},
        )  # fmt: skip
        assert kept["c0"].link_id == Link.objects.get(source_key="c0").pk
        assert (kept["c1"].kind, kept["c1"].destination_key) == ("missing", rows["c1"])
        assert (kept["c3"].kind, kept["c3"].wanted, kept["c3"].present) == (
            "relinked", {"city": "Bonn"}, {"city": "Ulm"},
        )  # fmt: skip
        assert {kept[f"new{number}"].kind for number in range(30)} == {"new"}
        assert "c2" not in kept

    def test_that_begins_anew_finds_anew_and_keeps_what_was_linked_again(self, restored: Pair) -> None:
        rows = {row.reference: key for key, row in restored.destination.rows.items()}
        restored.destination.drop(rows["c1"])
        found = reviewed(restored)
        restored.source.drop("c1")
        Review.objects.update(state="asked")

        recovery.review(review_id=found.pk)

        assert dict(found.findings.values_list("source_key", "kind")) == {"c3": "relinked", "c4": "relinked"}

    def test_is_rung_for_again_when_the_ring_was_lost(self, restored: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        found = recovery.present()
        assert found is not None
        recovery.ask_reviews(recovery=found, by=None)
        rung: list[int] = []
        monkeypatch.setattr("hub.queue.ask_review", rung.append)

        assert (recovery.ring_waiting(), recovery.ring_waiting()) == (1, 0)
        assert rung == [Review.objects.get().pk]


class TestLeaving:
    def test_needs_a_real_reason(self, restored: Pair, operator: User) -> None:
        reviewed(restored)
        found = recovery.present()
        assert found is not None

        with pytest.raises(recovery.RecoveryError, match="at least 15 characters"):
            recovery.leave(recovery=found, by=operator, reason="because")

    def test_needs_both_sides_read_or_a_word_that_they_are_not(self, restored: Pair, operator: User) -> None:
        found = recovery.present()
        assert found is not None
        with pytest.raises(recovery.RecoveryError, match="have not been read"):
            recovery.leave(recovery=found, by=operator, reason=REASON)

        recovery.leave(recovery=found, by=operator, reason=REASON, unread=True)

        event = AuditEvent.objects.get(action="recovery.leave")
        assert (event.actor, event.reason) == (operator, REASON)
        assert event.detail == {"unread": [restored.mapping.path]}


@pytest.mark.django_db
class TestTheMarker:
    def test_outside_follows_the_number_inside(self, redis_url: str) -> None:
        for _ in range(3):
            incarnation.advance()

        assert (Incarnation.objects.get().number, incarnation.outside()) == (3, 3)

    def test_that_a_scheduler_raises_meanwhile_is_no_restored_database(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker that looks while a scheduler counts up must not stop everything until a person comes (R-03)."""
        fill(pair, 1)
        pair.run()
        incarnation.advance()
        outside = incarnation.outside

        def raised_meanwhile() -> int | None:
            with monkeypatch.context() as patch:
                patch.setattr(incarnation, "outside", outside)
                incarnation.advance()
            return outside()

        monkeypatch.setattr(incarnation, "outside", raised_meanwhile)
        incarnation.watch(at_once=True)

        assert recovery.present() is None

    def test_survives_an_emptied_redis(self, redis_url: str, settings: Settings) -> None:
        from hub import queue

        incarnation.advance()
        queue.connection().flushdb()

        assert incarnation.outside() == 1

    def test_survives_a_lost_state_folder(self, redis_url: str, settings: Settings) -> None:
        incarnation.advance()
        (Path(settings.HUB_STATE) / "incarnation").unlink()

        assert incarnation.outside() == 1

    def test_alone_says_nothing_about_a_new_database(self, settings: Settings) -> None:
        (Path(settings.HUB_STATE) / "incarnation").write_text("700")

        incarnation.watch(at_once=True)
        incarnation.advance()

        assert recovery.present() is None or not SyncRun.objects.exists()
