"""A worker that dies while it renews a token: between the provider's answer and the commit, and after it."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from hub import failpoint
from hub.clock import now
from hub.engine import token as engine
from hub.models import AuditEvent, Connection, Credential, OAuthToken, TokenState, User
from hub.sdk import AuthError
from hub.services import pace
from tests.factories import MappingFactory
from tests.systems.oidc.agreeing import acting, agree, end, row, things, use
from tests.systems.oidc.conftest import Running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.system]


class DiedError(BaseException):
    """A process ends here."""


@pytest.fixture(autouse=True)
def unarmed() -> Iterator[None]:
    yield
    failpoint.disarm()


class TestDeathInBetween:
    @pytest.fixture
    def credential(self, running: Running, person: User) -> Credential:
        made = acting(running)
        agree(running, made, person)
        return made

    def died(self, credential: Credential, connection: Connection, point: str) -> None:
        """A worker ends at this point of a renewal, and its claim runs out."""

        def die() -> None:
            raise DiedError

        end(credential)
        failpoint.arm(point, die)
        with pytest.raises(DiedError):
            use(connection)
        failpoint.disarm()
        assert row(credential).state == (TokenState.REFRESHING if point == "token.answered" else TokenState.FRESH)
        OAuthToken.objects.update(refreshing_since=now() - timedelta(seconds=engine.LEASE + 1))

    def test_is_mended_by_one_more_try_where_the_provider_has_a_grace(
        self, running: Running, credential: Credential
    ) -> None:
        running.control(mood={}, REFRESH_TOKEN_GRACE_PERIOD_SECONDS=120)
        connection = things(running, credential)
        self.died(credential, connection, "token.answered")

        assert use(connection) == 3
        assert running.asked()["refresh_token"] == 2

    def test_after_the_commit_costs_nothing(self, running: Running, credential: Credential) -> None:
        running.control(mood={})
        connection = things(running, credential)
        self.died(credential, connection, "token.committed")

        assert use(connection) == 3
        assert running.asked()["refresh_token"] == 1

    def test_needs_consent_once_where_it_has_none(self, running: Running, credential: Credential, person: User) -> None:
        running.control(mood={})
        connection = things(running, credential)
        mapping = MappingFactory(source=connection)
        self.died(credential, connection, "token.answered")

        for _ in range(3):
            with pytest.raises(AuthError, match="needs consent at its provider"):
                use(connection)

        assert running.asked()["refresh_token"] == 2  # the one that died, and one more
        assert row(credential).state == TokenState.NEEDS_CONSENT
        hold = pace.hold_of(connection, now())
        assert hold is not None
        assert hold.code == "consent"
        assert "connect it again" in hold.reason
        lost = AuditEvent.objects.filter(action="credential.consent_lost", subject_id=credential.pk)
        assert lost.count() == 1
        held = AuditEvent.objects.filter(action="connection.held", subject_id=mapping.integration_id)
        assert held.count() == 1

        assert agree(running, credential, person).state == "done"
        assert use(connection) == 3
        assert pace.hold_of(connection, now()) is None

    def test_is_waited_for_as_long_as_somebody_may_still_be_at_it(
        self, running: Running, credential: Credential
    ) -> None:
        end(credential, state=TokenState.REFRESHING, refreshing_since=now() - timedelta(seconds=engine.LEASE - 1))
        running.control(mood={})
        started = time.monotonic()

        assert use(things(running, credential)) == 3
        assert time.monotonic() - started > 0.8
