"""`manage.py resume` says what will happen, and lets it happen."""

import pytest
from django.core.management import CommandError, call_command

from hub.services import pause
from tests import factories as make

pytestmark = pytest.mark.django_db


class TestResume:
    def test_only_says_what_would_happen_when_told_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        pause.pause(row=pause.main_switch(), by=None, reason="network change")

        call_command("resume", "everything", dry_run=True)

        assert capsys.readouterr().out == "When it is resumed: Nothing waits: no change, no run.\n"
        assert pause.main_switch().is_paused

    def test_lets_it_go_on(self, capsys: pytest.CaptureFixture[str]) -> None:
        customers = make.IntegrationFactory(name="customers")
        pause.pause(row=customers, by=None, reason="owner away")

        call_command("resume", "integration", "customers")

        customers.refresh_from_db()
        assert not customers.is_paused
        assert "Resumed." in capsys.readouterr().out

    def test_refuses_what_is_not_paused(self) -> None:
        with pytest.raises(CommandError, match="Everything is not paused"):
            call_command("resume", "everything")
