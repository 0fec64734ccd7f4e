"""Egress zones: who proposes, opens and closes them, and what the way out is told."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.clock import now
from hub.http import current
from hub.models import AuditEvent, CheckState, EgressZone, User
from hub.sdk import ConfigError, FatalError
from hub.services import connection as connections
from hub.services import zone as zones
from tests.factories import ConnectionFactory, EgressZoneFactory, UserFactory
from tests.proof.poison.system import config, poisoned

pytestmark = pytest.mark.django_db
REASON = "The ERP stands there."


@pytest.fixture
def sigrid(db: None) -> User:
    """A Security admin."""
    made: User = UserFactory(username="sigrid", groups=["Security admin"])
    return made


@pytest.fixture
def samir(sigrid: User) -> User:
    """Another one."""
    made: User = UserFactory(username="samir", groups=["Security admin"])
    return made


def proposed(by: User, **parts: Any) -> EgressZone:
    """A zone that `by` has proposed."""
    made = EgressZone(**{"name": "erp", "title": "ERP", "networks": ["10.20.0.0/16"], "reason": REASON, **parts})
    zones.save(zone=made, by=by)
    return made


def events() -> list[str]:
    return list(AuditEvent.objects.filter(subject="egresszone").order_by("id").values_list("action", flat=True))


class TestAZone:
    def test_is_proposed_by_one_and_opened_by_another(self, sigrid: User, samir: User) -> None:
        made = proposed(sigrid)
        assert (made.is_open, made.proposed_by) == (False, sigrid)

        with pytest.raises(FatalError, match="somebody else has to open it"):
            zones.open_zone(zone=made, by=sigrid, reason=REASON)
        zones.open_zone(zone=made, by=samir, reason=REASON)

        made.refresh_from_db()
        assert (made.is_open, made.opened_by) == (True, "samir")
        assert events() == ["egresszone.add", "zone.open"]
        assert "alone" not in AuditEvent.objects.get(action="zone.open").detail

    def test_is_opened_alone_where_nobody_else_may_and_the_trail_says_so(self, sigrid: User) -> None:
        UserFactory(username="gone", groups=["Security admin"], is_active=False)
        made = proposed(sigrid)

        assert "alone" in zones.open_zone(zone=made, by=sigrid, reason=REASON)

        assert AuditEvent.objects.get(action="zone.open").detail["alone"] == zones.ALONE

    @pytest.mark.parametrize("role", ["Viewer", "Auditor", "Credential admin", "Operator", "Integration owner"])
    def test_is_no_matter_for_other_roles(self, role: str, sigrid: User) -> None:
        other: User = UserFactory(groups=[role, "Whole hub"])
        made = proposed(sigrid)

        with pytest.raises(FatalError):
            proposed(other, name="other")
        for deed in (zones.open_zone, zones.close):
            with pytest.raises(FatalError):
                deed(zone=made, by=other, reason=REASON)
        with pytest.raises(FatalError, match="--by"):
            zones.save(zone=EgressZone(name="x", title="X", networks=["10.0.0.0/8"], reason=REASON), by=None)

    @pytest.mark.parametrize(
        ("parts", "stays"),
        [
            ({"networks": ["10.20.3.0/24"]}, True),
            ({"ports": [443]}, True),
            ({"title": "Another title"}, True),
            ({"networks": ["10.20.0.0/16", "10.21.0.0/16"]}, False),
            ({"networks": ["10.0.0.0/8"]}, False),
            ({"allow_http": True}, False),
        ],
    )
    def test_that_was_widened_is_closed_until_somebody_opens_it(
        self, parts: dict[str, Any], stays: bool, sigrid: User, samir: User
    ) -> None:
        made = proposed(sigrid)
        zones.open_zone(zone=made, by=samir, reason=REASON)
        made.refresh_from_db()

        for name, value in parts.items():
            setattr(made, name, value)
        assert zones.save(zone=made, by=samir) is stays

        made.refresh_from_db()
        assert made.is_open is stays
        assert made.proposed_by == (sigrid if stays else samir)

    def test_leaves_its_history_with_who_and_why(self, sigrid: User) -> None:
        made = proposed(sigrid)
        zones.open_zone(zone=made, by=sigrid, reason="Needed for the invoices.")
        zones.close(zone=made, by=sigrid, reason="No longer needed.")

        states = made.history.order_by("history_id")  # type: ignore[attr-defined]
        assert [(one.is_open, one.history_user, one.history_change_reason) for one in states] == [
            (False, sigrid, REASON), (True, sigrid, "Needed for the invoices."), (False, sigrid, "No longer needed."),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("parts", "told"),
        [
            ({"networks": ["0.0.0.0/0"]}, "does not lie within one"),
            ({"networks": ["::/0"]}, "does not lie within one"),
            ({"networks": ["10.0.0.0/7"]}, "does not lie within one"),
            ({"networks": ["126.0.0.0/7"]}, "does not lie within one"),
            ({"networks": ["8.8.8.8"]}, "needs no zone"),
            ({"networks": ["8.8.0.0/16"]}, "does not lie within one"),
            ({"networks": ["224.0.0.0/8"]}, "does not lie within one"),
            ({"networks": ["2002::/16"]}, "does not lie within one"),
            ({"networks": ["::ffff:10.0.0.0/104"]}, "does not lie within one"),
            ({"networks": ["10.0.0.1/8"]}, "is not a network"),
            ({"networks": ["erp.intern"]}, "is not a network"),
            ({"networks": []}, "at least one"),
            ({"ports": [0]}, "1 to 65535"),
            ({"ports": [70_000]}, "1 to 65535"),
            ({"ca_bundle": "not a certificate"}, "does not hold certificates"),
            ({"ca_bundle": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"}, "does not hold certificates"),
        ],
    )  # fmt: skip
    def test_that_is_not_sound_is_refused(self, parts: dict[str, Any], told: str, sigrid: User) -> None:
        with pytest.raises(ConfigError, match=told):
            proposed(sigrid, **parts)


@pytest.mark.usefixtures("no_zone")
class TestTheWayOut:
    def names(self) -> list[str]:
        return [zone.name for zone in zones.refresh().zones]

    def test_knows_the_open_zones_and_no_other(self) -> None:
        EgressZoneFactory(name="proposed")
        EgressZoneFactory(name="over", is_open=True, expires_at=now() - timedelta(seconds=1))
        EgressZoneFactory(name="open", is_open=True, expires_at=now() + timedelta(days=1))

        assert self.names() == ["open"]

    def test_forgets_one_that_was_closed_and_takes_another_number(self, sigrid: User) -> None:
        made = EgressZoneFactory(name="open", is_open=True)
        before = zones.refresh().number

        assert zones.refresh().number == before
        zones.close(zone=made, by=sigrid, reason=REASON)

        assert self.names() == []
        assert current().number > before

    def test_asks_one_question(self) -> None:
        with CaptureQueriesContext(database) as asked:
            zones.refresh()

        assert len(asked) == 1

    def test_keeps_the_hubs_own_servers_out(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        settings.REDIS_URL = "rediss://:pw@redis.intern:6380/0"
        server = {"ENGINE": "django.db.backends.postgresql", "HOST": "db.intern", "PORT": ""}
        monkeypatch.setitem(settings.DATABASES, "default", server)

        assert zones.own_servers() == (("db.intern", 5432), ("redis.intern", 6380))


@pytest.mark.usefixtures("no_zone")
class TestAConnectionTest:
    def test_says_which_zone_is_missing_and_who_can_open_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.queue.ask_check", lambda pk: None)
        with poisoned(None) as server:
            row = ConnectionFactory(connector="rest", config=config(server))
            check = connections.request_check(connection=row, by=None)
            connections.run_check(check_id=check.pk)
            check.refresh_from_db()
            assert check.state == CheckState.WRONG
            assert "a loopback address that no open egress zone lets in at port" in check.message
            assert "a Security admin can open one" in check.message

            EgressZoneFactory(name="here", networks=["127.0.0.0/8"], allow_http=True, is_open=True)
            check = connections.request_check(connection=row, by=None)
            connections.run_check(check_id=check.pk)
            check.refresh_from_db()

        assert check.state == CheckState.REACHABLE, check.message
