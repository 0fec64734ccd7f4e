"""Sessions with a real Tryton."""

from dataclasses import replace

import pytest

from connectors.tryton.connection import Connection
from hub.sdk import Answer, AuthError, Change, ConfigError, Operation, RateLimitedError, Secret
from tests.connectors.tryton.bench import settings
from tests.connectors.tryton.conftest import Open
from tests.connectors.tryton.erp import PASSWORD, Erp, post
from tests.connectors.tryton.middleman import Middleman

pytestmark = pytest.mark.system

LOGIN, LOGOUT = "common.db.login", "common.db.logout"


def end_session(opened: Connection, system: Erp) -> None:
    """Somebody ends the connector's session behind its back."""
    session = opened._client._session
    assert session
    assert session.auth
    post(system.port, LOGOUT, [], session.auth.headers())


class TestSession:
    def test_is_opened_once(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)

        opened.streams()
        opened.read("parties", None, 10)

        assert between.count(LOGIN) == 1

    def test_is_renewed_when_it_ended(self, system: Erp, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.streams()
        end_session(opened, system)

        [outcome] = opened.apply("parties", [Change("1", Operation.CREATE, "C1", {"name": "A"})])

        assert outcome.answer is Answer.APPLIED
        assert between.count(LOGIN) == 2
        assert len(system.parties()) == 1

    def test_is_renewed_only_once_for_a_call(self, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.streams()
        between.answer["model.party.party.search_read"] = (401, "")
        between.answer[LOGIN] = (401, "")

        with pytest.raises(AuthError):
            opened.read("parties", None, 10)

        assert between.count(LOGIN) == 2

    def test_is_ended_at_close(self, between: Middleman, connect: Open) -> None:
        opened = connect(between.url)
        opened.check()

        opened.close()
        opened.close()

        assert between.count(LOGOUT) == 1

    def test_is_not_opened_by_opening(self, between: Middleman, connect: Open) -> None:
        connect(between.url).close()

        assert between.passed == []


class TestCredentials:
    def test_that_are_refused_are_tried_once(self, between: Middleman) -> None:
        """Tryton shuts a user out after a few wrong passwords."""
        opened = Connection(replace(settings(between.url), secrets={"password": Secret("wrong")}))
        changes = [Change(str(number), Operation.CREATE, str(number), {"name": "A"}) for number in range(3)]

        with pytest.raises(AuthError):
            opened.streams()
        for _ in range(3):
            with pytest.raises(AuthError, match="refused the password of “admin”"):
                opened.read("parties", None, 10)
        outcomes = list(opened.apply("parties", changes))
        opened.close()

        assert {outcome.answer for outcome in outcomes} == {Answer.AUTH}
        assert len(outcomes) == 3
        assert between.count(LOGIN) == 1

    def test_that_are_missing_are_asked_for(self, system: Erp) -> None:
        with pytest.raises(ConfigError, match="no password"):
            Connection(replace(settings(system.url), secrets={})).check()

    def test_of_a_user_who_is_shut_out_are_tried_later(self, between: Middleman, connect: Open) -> None:
        between.answer[LOGIN] = (429, "too many")
        opened = connect(between.url)

        with pytest.raises(RateLimitedError):
            opened.read("parties", None, 10)
        assert opened.read("parties", None, 10).done

    def test_never_show_in_what_is_kept(self, system: Erp, connect: Open) -> None:
        opened = connect(system.url, batch=1)
        [outcome] = opened.apply("parties", [Change("1", Operation.CREATE, PASSWORD, {"name": f"is {PASSWORD}"})])
        session = opened._client._session
        assert session
        assert session.auth

        shown = repr(outcome.exchange) + repr(vars(opened)) + repr(opened._client)

        assert outcome.answer is Answer.APPLIED
        assert PASSWORD not in shown
        assert not [text for text in session.auth.hidden() if text in shown]


class TestCheck:
    def test_says_who_answers_and_how_much_is_there(self, system: Erp, connect: Open) -> None:
        system.add({"name": "A", "code": "A"}, {"name": "B", "code": "B"})

        sentence = connect(system.url).check()

        assert sentence.startswith("Tryton 8.")
        assert sentence.endswith(" answers; user admin, no company, 2 parties.")

    def test_names_a_database_that_is_not_there(self, system: Erp, connect: Open) -> None:
        with pytest.raises(ConfigError, match="no such database"):
            connect(system.url, database="elsewhere").check()

    def test_refuses_to_write_in_batches_of_nothing(self, system: Erp, connect: Open) -> None:
        with pytest.raises(ConfigError, match="batch must be 1 or more"):
            connect(system.url, batch=0)
