"""`manage.py pause` stops everything, a connection or an integration, in somebody's name or in nobody's."""

import pytest
from django.core.management import CommandError, call_command

from hub.models import AuditEvent, User
from hub.services import pause
from tests import factories as make

pytestmark = pytest.mark.django_db


class TestPause:
    def test_of_everything_says_how_it_stands(self, operator: User, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("pause", "everything", reason="network change", by="otto")

        assert "by Otto Person: network change." in capsys.readouterr().out
        assert pause.main_switch().is_paused

    def test_of_a_connection_can_stop_reading_too(self) -> None:
        erp = make.ConnectionFactory(name="erp")

        call_command("pause", "connection", "erp", reason="maintenance", reads_too=True)

        erp.refresh_from_db()
        assert (erp.is_paused, erp.pauses_reads) == (True, True)
        assert AuditEvent.objects.get().actor is None

    def test_of_an_unknown_integration_names_the_known_ones(self) -> None:
        make.IntegrationFactory(name="customers")

        with pytest.raises(CommandError, match="no integration “costumers”"):
            call_command("pause", "integration", "costumers", reason="typing")

    def test_in_the_name_of_somebody_needs_that_persons_right(self, resolver: User) -> None:
        make.IntegrationFactory(name="customers")

        with pytest.raises(CommandError, match="You may not pause"):
            call_command("pause", "integration", "customers", reason="no right", by="rita")
