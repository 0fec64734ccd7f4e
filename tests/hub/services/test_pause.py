"""A pause stops new writes of what it covers, keeps runs where they are, explains itself, and says what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.engine.intent import State
from hub.models import AuditEvent, Change, Connection, Integration, Mapping, User
from hub.services import pause
from tests import factories as make

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapping(db: None) -> Mapping:
    """A mapping of an integration between two connections."""
    made: Mapping = make.MappingFactory(active=True)
    return made


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lanes that were rung."""
    rung: list[int] = []
    monkeypatch.setattr("hub.queue.ring", rung.append)
    return rung


def things(mapping: Mapping) -> dict[str, pause.Pausable]:
    return {
        "everything": pause.main_switch(),
        "source": mapping.source,
        "destination": mapping.destination,
        "integration": mapping.integration,
    }


def waiting(mapping: Mapping, state: State = State.READY, **given: Any) -> Change:
    """A change that is yet to be sent."""
    run = make.SyncRunFactory(mapping=mapping, state="partial", in_flight=1, queued_at=NOON)
    made: Change = make.ChangeFactory(run=run, link=make.LinkFactory(mapping=mapping), state=state, **given)
    return made


@pytest.mark.parametrize("what", ["everything", "source", "destination", "integration"])
class TestAPause:
    def test_stops_the_mapping_and_says_who_when_and_why(self, what: str, mapping: Mapping, operator: User) -> None:
        row = things(mapping)[what]

        pause.pause(row=row, by=operator, reason="month-end close")

        assert pause.is_paused(mapping.pk)
        with pytest.raises(pause.StandstillError, match=f"is paused since .* by {operator}: month-end close"):
            pause.refuse(mapping)

    def test_leaves_reading_alone_unless_told_otherwise(self, what: str, mapping: Mapping, operator: User) -> None:
        row = things(mapping)[what]
        pause.pause(row=row, by=operator, reason="month-end close")
        assert not pause.is_paused(mapping.pk, reading=True)

        pause.pause(row=row, by=operator, reason="maintenance there", reads_too=True)

        assert pause.is_paused(mapping.pk, reading=True)

    def test_is_audited_and_undone_by_resuming(self, what: str, mapping: Mapping, operator: User) -> None:
        row = things(mapping)[what]
        pause.pause(row=row, by=operator, reason="month-end close")

        pause.resume(row=row, by=operator)

        assert not pause.is_paused(mapping.pk)
        assert (row.paused_reason, row.paused_by, row.paused_at) == ("", None, None)
        events = AuditEvent.objects.order_by("id").values_list("action", "subject_id", "actor__username")
        noun = row._meta.model_name
        assert list(events) == [(f"{noun}.pause", row.pk, "otto"), (f"{noun}.resume", row.pk, "otto")]

    def test_rings_for_what_waited_when_it_is_resumed(
        self, what: str, mapping: Mapping, operator: User, rings: list[int]
    ) -> None:
        lane = make.LaneFactory(mapping=mapping)
        make.LaneFactory()
        row = things(mapping)[what]
        pause.pause(row=row, by=operator, reason="month-end close")

        pause.resume(row=row, by=operator)

        assert lane.pk in rings
        assert len(rings) == (2 if what == "everything" else 1)


class TestHistory:
    def test_of_an_integration_tells_who_paused_it(self, mapping: Mapping, owner: User) -> None:
        pause.pause(row=mapping.integration, by=owner, reason="month-end close")

        assert mapping.integration.history.latest().history_user == owner  # type: ignore[attr-defined]

    def test_of_a_connection_tells_who_paused_it(self, mapping: Mapping, owner: User) -> None:
        pause.pause(row=mapping.source, by=owner, reason="month-end close")

        assert mapping.source.history.latest().history_user == owner  # type: ignore[attr-defined]


class TestReasonFor:
    def test_names_every_pause_the_widest_first(self, mapping: Mapping, operator: User) -> None:
        pause.pause(row=mapping.integration, by=operator, reason="owner away")
        pause.pause(row=mapping.destination, by=operator, reason="maintenance")
        pause.pause(row=pause.main_switch(), by=operator, reason="network change")

        told = pause.reason_for(mapping)

        assert told.index("network change") < told.index("maintenance") < told.index("owner away")

    def test_is_empty_when_only_others_are_paused(self, mapping: Mapping) -> None:
        Integration.objects.filter(pk=make.IntegrationFactory().pk).update(is_paused=True)
        Connection.objects.filter(pk=make.ConnectionFactory().pk).update(is_paused=True)

        assert pause.reason_for(mapping) == ""
        assert not pause.is_paused(mapping.pk)


class TestForecast:
    def test_counts_what_will_go_on(self, mapping: Mapping) -> None:
        waiting(mapping)
        waiting(mapping, State.RETRY_WAIT)
        waiting(mapping, State.APPLIED)
        make.SyncRunFactory(mapping=mapping, state="queued", queued_at=NOON + timedelta(hours=1))
        Integration.objects.update(is_paused=True)
        for hours in range(3):
            make.SlotFactory(integration=mapping.integration, at=NOON + timedelta(hours=hours), state="waiting")

        found = pause.forecast(Integration.objects.get(pk=mapping.integration_id))

        assert (found.changes, found.runs, found.slots, found.oldest, found.still_paused) == (2, 1, 3, NOON, 0)
        assert found.told() == (
            "2 waiting changes will be sent; 1 run will go on where it stands; 3 times of schedules were "
            "missed: 1 run makes up for that; the oldest has waited since 25 Nov, 12:00 UTC."
        )

    @pytest.mark.parametrize(
        ("policy", "told"),
        [
            ("once", "1 run makes up for that"),
            ("all", "2 runs make up for that"),
            ("skip", "left out, being too late"),
        ],
    )
    def test_follows_the_policy_for_missed_times(self, policy: str, told: str, mapping: Mapping) -> None:
        Integration.objects.update(is_paused=True, missed_slots=policy)
        for hours in range(2):
            make.SlotFactory(integration=mapping.integration, at=NOON - timedelta(days=9, hours=hours), state="waiting")

        assert told in pause.forecast(Integration.objects.get(pk=mapping.integration_id)).told()

    def test_says_when_nothing_waits(self, mapping: Mapping) -> None:
        assert pause.forecast(mapping.integration).told() == "Nothing waits: no change, no run."

    @pytest.mark.parametrize("other", ["everything", "source", "destination", "integration"])
    def test_leaves_out_what_something_else_holds_back(self, other: str, mapping: Mapping, operator: User) -> None:
        waiting(mapping)
        rows = things(mapping)
        asked = rows["integration" if other != "integration" else "destination"]
        pause.pause(row=asked, by=operator, reason="one")
        pause.pause(row=rows[other], by=operator, reason="another")

        found = pause.forecast(asked)

        assert (found.changes, found.still_paused) == (0, 1)
        assert found.told().endswith("1 mapping stays paused by something else.")

    def test_of_everything_leaves_out_an_integration_paused_by_itself(self, mapping: Mapping, operator: User) -> None:
        waiting(mapping)
        waiting(make.MappingFactory(active=True))
        pause.pause(row=mapping.integration, by=operator, reason="owner away")

        found = pause.forecast(pause.main_switch())

        assert (found.changes, found.still_paused) == (1, 1)
