"""The desk's pages about a step that cannot be mapped: what was read, what waits behind it, another try, and skip."""

from typing import Any

import pytest
from django.urls import reverse

from hub.engine import verbatim
from hub.engine.intent import State
from hub.models import AuditEvent, Change, ReconciliationException, User
from hub.sdk import Record
from hub.services.run.kept import MARK, UNREADABLE
from tests.conftest import ClientOf
from tests.hub.admin.pages import html
from tests.hub.admin.stuck import KEY, stuck

pytestmark = pytest.mark.django_db


@pytest.fixture
def step(db: None) -> Change:
    """A step whose town nobody has mapped, with two steps behind it."""
    data = {"name": "Ada", "city": "Quedlinburg"}
    nothing: dict[str, Any] = {"fields": {}, "image": {}}
    refused = {"code": "unmapped", "message": "Quedlinburg is not in the value map", "kept": kept(data)}
    asked = {"kind": "unmapped", "field": "city", "evidence": {"source": data}}
    return stuck(
        digest=f"{MARK}d", head=nothing | refused, behind=nothing | {"kept": kept({"city": "Ulm"})}, asked=asked
    )


def kept(data: dict[str, str]) -> str:
    """A step as it was read."""
    return verbatim.written(Record(KEY, data))


def page(row: Change | ReconciliationException, deed: str = "") -> str:
    kind = "change" if isinstance(row, Change) else "reconciliationexception"
    name = f"admin:hub_{kind}_{'do' if deed else 'change'}"
    return reverse(name, args=[row.pk, deed] if deed else [row.pk])


def asked() -> ReconciliationException:
    return ReconciliationException.objects.get()


def test_the_exception_shows_what_was_read_what_waits_and_what_to_do(
    step: Change, administrator: User, client_of: ClientOf
) -> None:
    text = html(client_of(administrator), page(asked()))

    assert "Quedlinburg" in text
    assert "2 later steps of this record wait behind it, in order." in text
    assert "Have the mapping or its list of values corrected." in text
    assert "at the destination now" not in text
    assert [name for name in ("map_anew", "skip", "supersede", "release", "retry") if f"/do/{name}/" in text] == [
        "map_anew",
        "skip",
        "supersede",
    ]


def test_the_change_shows_the_kept_record_and_that_it_cannot_be_mapped(
    step: Change, administrator: User, client_of: ClientOf
) -> None:
    text = html(client_of(administrator), page(step))

    assert "cannot be mapped" in text
    assert "as the source sent it, not mapped yet" in text
    assert "Quedlinburg" in text
    assert "/do/map_anew/" in text


def test_a_step_behind_it_shows_what_was_read_too(step: Change, administrator: User, client_of: ClientOf) -> None:
    text = html(client_of(administrator), page(Change.objects.latest("id")))

    assert "Ulm" in text


def test_who_operates_it_deals_with_it_without_seeing_what_was_read(
    step: Change, operator: User, client_of: ClientOf
) -> None:
    for text in (html(client_of(operator), page(row)) for row in (asked(), step)):
        assert "Quedlinburg" not in text
        assert "/do/map_anew/" in text
        assert "hidden" in text


def test_a_step_of_which_only_the_key_could_be_read_has_a_page(
    step: Change, operator: User, client_of: ClientOf
) -> None:
    Change.objects.filter(pk=step.pk).update(
        kept=verbatim.written(Record(step.source_key, {UNREADABLE: "line 7: no city"}))
    )
    ReconciliationException.objects.update(kind="unreadable", evidence={})

    assert "/do/map_anew/" not in html(client_of(operator), page(step))
    assert "start afresh with the record as it is" in html(client_of(operator), page(asked()))


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("map_anew", "is mapped anew with"),
        ("skip", "is left out: it will never reach"),
        ("supersede", "3 changes are given up"),
    ],
)
def test_each_way_out_says_first_what_it_will_do(
    deed: str, said: str, step: Change, operator: User, client_of: ClientOf
) -> None:
    assert said in html(client_of(operator), page(asked(), deed))
    assert said in html(client_of(operator), page(step, deed))


def test_another_try_lets_it_have_its_turn_and_keeps_the_exception_until_it_is_mapped(
    step: Change, resolver: User, client_of: ClientOf
) -> None:
    client_of(resolver).post(page(asked(), "map_anew"))

    assert set(Change.objects.values_list("state", flat=True)) == {State.READY}
    assert asked().state == "open"
    assert AuditEvent.objects.filter(action="change.mapped_anew", actor=resolver).count() == 1


def test_skip_leaves_it_out_with_a_reason(step: Change, operator: User, client_of: ClientOf) -> None:
    client_of(operator).post(page(asked(), "skip"), {"reason": "A test record."})

    states = list(Change.objects.order_by("id").values_list("state", flat=True))
    assert (states, asked().state) == ([State.CANCELLED, State.READY, State.READY], "resolved")
    assert AuditEvent.objects.get(action="change.skipped").reason == "A test record."


def test_the_way_out_that_does_not_fit_is_refused(step: Change, operator: User, client_of: ClientOf) -> None:
    client_of(operator).post(page(asked(), "release"), {"reason": "Again, please."})

    step.refresh_from_db()
    assert step.state == State.REJECTED
