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

    def test_skips_the_hour_that_never_comes(self) -> None:
        slots = schedule.upcoming("30 2 * * *", BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC), 1)

        assert slots == [datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]

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
