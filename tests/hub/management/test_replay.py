"""`manage.py replay` prepares, starts and stops replays."""

import pytest
from django.core.management import CommandError, call_command

from hub.models import Replay, User
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture


@pytest.fixture
def refused(pair: Pair) -> Pair:
    """One record that the destination refused."""
    pair.source.put("c0", name="Ada", city="Ulm")
    pair.destination.refuse = {"c0"}
    pair.run()
    pair.destination.refuse = set()
    return pair


class TestReplay:
    def test_is_counted_and_kept_until_it_is_started(self, refused: Pair, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("replay", refused.mapping.path, state=["refused"], reason="The rule there was corrected.")

        assert "not started, 0 of 1 records" in capsys.readouterr().out
        call_command("replay", resume=Replay.objects.get().pk)
        assert "going on" in capsys.readouterr().out
        call_command("replay", cancel=Replay.objects.get().pk)
        assert "cancelled" in capsys.readouterr().out

    def test_names_the_known_mappings_when_one_is_unknown(self, refused: Pair) -> None:
        with pytest.raises(CommandError, match=f"Known: {refused.mapping.path}"):
            call_command("replay", "nothing/such", reason="typing")

    def test_needs_a_reason_and_the_right(self, refused: Pair, auditor: User) -> None:
        with pytest.raises(CommandError, match="say why"):
            call_command("replay", refused.mapping.path)
        with pytest.raises(CommandError, match="may not run"):
            call_command("replay", refused.mapping.path, reason="no right", by="abel")
