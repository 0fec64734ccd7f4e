"""Schedules name the next slot, also across clock changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine import schedule
from hub.sdk import ConfigError

BERLIN = "Europe/Berlin"


class TestNextAfter:
    def test_of_no_rule_is_never(self) -> None:
        assert schedule.next_after("", "UTC", datetime(2026, 1, 1, tzinfo=UTC)) is None

    def test_reads_cron_in_the_time_zone(self) -> None:
        found = schedule.next_after("0 6 * * *", BERLIN, datetime(2026, 1, 1, 12, tzinfo=UTC))

        assert found == datetime(2026, 1, 2, 5, tzinfo=UTC)

    def test_runs_once_in_the_hour_that_comes_twice(self) -> None:
        slots = schedule.upcoming("30 2 * * *", BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC), 2)

        assert slots == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]

    def test_runs_at_the_first_moment_after_an_hour_that_never_comes(self) -> None:
        slots = schedule.upcoming("30 2 * * *", BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC), 2)

        assert slots == [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]

    def test_runs_on_through_both_passes_of_an_hour_when_it_follows_the_clock(self) -> None:
        slots = schedule.upcoming("*/30 * * * *", BERLIN, datetime(2026, 10, 24, 23, 45, tzinfo=UTC), 5)

        assert [f"{slot:%H:%M}" for slot in slots] == ["00:00", "00:30", "01:00", "01:30", "02:00"]

    @given(st.integers(1, 200), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001
    def test_an_interval_does_not_drift(self, minutes: int, moment: datetime) -> None:
        found = schedule.next_after(f"every {minutes} minutes", "UTC", moment.replace(tzinfo=UTC))

        assert found is not None
        assert timedelta() < found - moment.replace(tzinfo=UTC) <= timedelta(minutes=minutes)
        assert int(found.timestamp()) % (minutes * 60) == 0

    @pytest.mark.parametrize(
        ("rule", "zone"), [("sometimes", "UTC"), ("61 * * * *", "UTC"), ("0 6 * * *", "Mars/Base")]
    )
    def test_refuses_what_it_cannot_read_and_names_the_cure(self, rule: str, zone: str) -> None:
        with pytest.raises(ConfigError, match="Write"):
            schedule.next_after(rule, zone, datetime(2026, 1, 1, tzinfo=UTC))

    @pytest.mark.parametrize("rule", ["R * * * *", "H H * * *", "0 6 * * * 30", "@daily", "30 2 30 2 *"])
    def test_refuses_what_would_be_a_surprise(self, rule: str) -> None:
        with pytest.raises(ConfigError, match="cannot be read"):
            schedule.next_after(rule, "UTC", datetime(2026, 1, 1, tzinfo=UTC))

    @pytest.mark.parametrize("rule", ["0 6 * JAN-MAR mon-fri", "0 6 * * 5#2", "0 6 L * *", "0,30 6-8/2 1,15 * *"])
    def test_reads_names_and_the_last_day(self, rule: str) -> None:
        assert schedule.next_after(rule, "UTC", datetime(2026, 1, 1, tzinfo=UTC)) is not None


class TestBetween:
    def test_has_the_first_and_the_last(self) -> None:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

        found = schedule.between("every 1 hour", "UTC", noon, noon + timedelta(hours=3), 10)

        assert found == [noon + timedelta(hours=hours) for hours in range(4)]

    def test_keeps_the_newest_when_there_are_too_many(self) -> None:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

        found = schedule.between("every 1 minute", "UTC", noon, noon + timedelta(hours=48), 5)

        assert found == [noon + timedelta(hours=48, minutes=minutes) for minutes in range(-4, 1)]


class TestClockChange:
    @pytest.mark.parametrize(
        ("rule", "slot", "told"),
        [
            ("30 2 * * *", datetime(2026, 3, 29, 1, tzinfo=UTC), "so it runs at 03:00"),
            ("30 2 * * *", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "it runs the first time only"),
            ("*/30 * * * *", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "it runs both times"),
            ("*/30 * * * *", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "it runs both times"),
        ],
    )
    def test_is_told_of_the_slots_it_touches(self, rule: str, slot: datetime, told: str) -> None:
        assert told in schedule.clock_change(rule, BERLIN, slot)

    @pytest.mark.parametrize("rule", ["30 2 * * *", "0 * * * *", "every 1 hour", ""])
    def test_is_not_told_of_others(self, rule: str) -> None:
        assert schedule.clock_change(rule, BERLIN, datetime(2026, 7, 1, 0, 30, tzinfo=UTC)) == ""

    def test_is_foreseen_for_a_year(self) -> None:
        found = schedule.coming_changes("30 2 * * *", BERLIN, datetime(2026, 1, 1, tzinfo=UTC))

        assert [slot for slot, _ in found] == [
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ]
        assert schedule.coming_changes("30 4 * * *", BERLIN, datetime(2026, 1, 1, tzinfo=UTC)) == []

    def test_is_not_told_of_a_time_that_exists_right_after_the_gap(self) -> None:
        assert schedule.clock_change("0 3 * * *", BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)) == ""
