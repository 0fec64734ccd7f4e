"""A replay is prepared with a form, looked at, started and stopped; each by who may run the mapping."""

import html

import pytest
from django.urls import reverse

from hub.models import Integration, Replay, User
from hub.services import replay
from tests.conftest import ClientOf
from tests.hub.services.run.conftest import Pair, pair

__all__ = ["pair"]  # a fixture


@pytest.fixture
def refused(pair: Pair, owner: User) -> Pair:
    """One record that the destination refused, of an integration that Olga owns."""
    Integration.objects.update(owner=owner)
    pair.source.put("c0", name="Ada", city="Ulm")
    pair.destination.refuse = {"c0"}
    pair.run()
    pair.destination.refuse = set()
    return pair


def filled(pair: Pair) -> dict[str, object]:
    return {
        "mapping": pair.mapping.pk, "states": ["refused"], "code": "", "keys": "c0\nc0", "run": "",
        "since_0": "", "since_1": "", "until_0": "", "until_1": "", "uses": "current", "per_minute": 60,
        "reason": "The rule there was corrected.",
    }  # fmt: skip


def deed(one: Replay, name: str) -> str:
    return reverse("admin:hub_replay_do", args=[one.pk, name])


def text(client_of: ClientOf, person: User, at: str) -> str:
    answer = client_of(person).get(at)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


class TestTheForm:
    def test_prepares_a_replay_and_shows_what_fits(self, refused: Pair, owner: User, client_of: ClientOf) -> None:
        answer = client_of(owner).post(reverse("admin:hub_replay_add"), filled(refused), follow=True)

        one = Replay.objects.get()
        assert (one.total, one.keys, one.requested_by) == (1, ["c0"], owner)
        shown = html.unescape(answer.content.decode())
        assert "1 record fits" in " ".join(shown.replace("</b>", "").replace("<b>", "").split())
        assert "The name is too rude." in shown

    def test_is_not_for_who_may_only_look(self, refused: Pair, auditor: User, client_of: ClientOf) -> None:
        answer = client_of(auditor).post(reverse("admin:hub_replay_add"), filled(refused))

        assert answer.status_code == 403
        assert not Replay.objects.exists()


class TestThePage:
    def test_leads_from_the_preview_to_the_result(self, refused: Pair, owner: User, client_of: ClientOf) -> None:
        one = replay.draft(replay=Replay(mapping=refused.mapping, states=["refused"], reason="Corrected."), by=owner)
        client = client_of(owner)
        page = reverse("admin:hub_replay_change", args=[one.pk])

        assert client.post(deed(one, "preview")).status_code == 302
        refused.work()
        client.post(deed(one, "start"))
        one.refresh_from_db()
        assert one.due_at is not None
        replay.go_on(one.due_at)
        refused.work()

        shown = text(client_of, owner, page)
        assert "1 of 1 records" in shown
        assert "Its runs" in shown
        client.post(deed(one, "cancel"), {"reason": "enough of it"})
        one.refresh_from_db()
        assert one.state == "cancelled"

    def test_is_not_started_by_who_may_only_look(self, refused: Pair, auditor: User, client_of: ClientOf) -> None:
        one = replay.draft(replay=Replay(mapping=refused.mapping, states=["refused"], reason="Corrected."), by=None)

        assert client_of(auditor).post(deed(one, "start")).status_code == 403
