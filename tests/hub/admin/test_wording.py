"""Moments, spans and schedules in words."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.admin import wording

AT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


class TestSpan:
    @pytest.mark.parametrize(
        ("seconds", "said"),
        [
            (0.41, "0.4 s"),
            (12, "12 s"),
            (89, "89 s"),
            (180, "3 min"),
            (3600, "60 min"),
            (2 * 3600 + 300, "2 h 5 min"),
            (26 * 3600, "26 h"),
            (4 * 86_400, "4 days"),
        ],
    )
    def test_is_said_in_the_unit_people_would_choose(self, seconds: float, said: str) -> None:
        assert wording.lasting(timedelta(seconds=seconds)) == said


class TestMoment:
    def test_lies_ago_or_ahead(self) -> None:
        assert wording.ago(AT - timedelta(minutes=3), AT) == "3 min ago"
        assert wording.ago(AT, AT) == "just now"
        assert wording.ago(None, AT) == "never"
        assert wording.ahead(AT + timedelta(minutes=12), AT) == "in 12 min"
        assert wording.ahead(AT - timedelta(minutes=1), AT) == "now"
        assert wording.ahead(None, AT) == ""


class TestSchedule:
    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ("", "Only by hand"),
            ("every 15 minutes", "Every 15 minutes"),
            ("every 1 hour", "Every hour"),
            ("0 6 * * *", "Every day at 06:00"),
            ("30 5 * * 1-5", "Monday to Friday at 05:30"),
            ("0 6 * * mon-fri", "Monday to Friday at 06:00"),
            ("0 6 * * 0", "Every Sunday at 06:00"),
            ("0 6 * * 7", "Every Sunday at 06:00"),
            ("0 6,18 * * *", "Every day at 06:00 and 18:00"),
            ("0 6 * * 1,3,5", "Every Monday, Wednesday and Friday at 06:00"),
            ("0 7 1 * *", "On day 1 of every month at 07:00"),
            ("0 7 1 1 *", "On day 1 of January at 07:00"),
            ("*/10 * * * *", "Every 10 minutes"),
            ("5 * * * *", "Every hour at minute 5"),
            ("0 */2 * * *", "Every 2 hours at minute 0"),
            ("*/10 * * * 1-5", "Every 10 minutes, Monday to Friday"),
            ("*/10 * 1 * *", "Every 10 minutes, on day 1 of every month"),
            ("0 6 1 * 1", "By the cron expression 0 6 1 * 1"),
            ("1-5 6 * * *", "By the cron expression 1-5 6 * * *"),
        ],
    )
    def test_is_said_in_words_as_far_as_there_are_any(self, rule: str, said: str) -> None:
        assert wording.schedule_words(rule) == said

    def test_names_its_time_zone(self) -> None:
        assert wording.schedule_words("0 6 * * *", "Europe/Berlin") == "Every day at 06:00 (Europe/Berlin)"

    def test_has_its_next_times_in_its_own_zone(self) -> None:
        times = wording.next_times("0 6 * * 1-5", "Europe/Berlin", AT)

        assert [f"{time:%a %d %H:%M}" for time in times] == ["Mon 23 06:00", "Tue 24 06:00", "Wed 25 06:00"]

    def test_has_none_when_it_cannot_be_read(self) -> None:
        assert wording.next_times("whenever", "UTC", AT) == []
        assert wording.next_times("0 6 * * *", "Europe/Atlantis", AT) == []
