"""`manage.py recovery` guides through a restore from the shell."""

import pytest
from django.core.management import CommandError, call_command

from hub.models import User
from hub.services import recovery
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture


class TestRecovery:
    def test_is_started_read_and_left(self, pair: Pair, operator: User, capsys: pytest.CaptureFixture[str]) -> None:
        pair.source.put("c0", name="Ada", city="Ulm")
        pair.run()

        call_command("recovery", "start", reason="Restored last night's backup.")
        call_command("recovery", "review")
        assert "read to the end 1 received, 1 agreeing" in capsys.readouterr().out

        call_command("recovery", "leave", reason="Compared with the owner by telephone.", by="otto")
        assert recovery.present() is None
        assert "Not in recovery mode." in capsys.readouterr().out

    def test_is_left_by_a_named_person_only(self, pair: Pair) -> None:
        call_command("recovery", "start")

        with pytest.raises(CommandError, match="named person"):
            call_command("recovery", "leave", reason="Compared with the owner by telephone.")

    def test_is_not_left_by_somebody_without_the_right(self, pair: Pair, resolver: User) -> None:
        call_command("recovery", "start")

        with pytest.raises(CommandError, match="may not leave"):
            call_command("recovery", "leave", reason="Compared with the owner by telephone.", by="rita")
