"""What happens in a run is known to be of that run, for whoever asked for it; and a run fills no evidence by itself."""

import pytest
from django.db import connection

from hub import provenance
from hub.models import CapturedRow, Trigger, guard
from hub.services import run as runs
from tests.factories import UserFactory
from tests.hub.services.run.conftest import Pair
from tests.simulator import ThirdParty


def test_of_a_run_is_the_run_and_who_asked_for_it(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[provenance.Provenance | None] = []
    read = ThirdParty.read

    def watched(self: ThirdParty, *args: object, **kwargs: object) -> object:
        seen.append(provenance.current())
        return read(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ThirdParty, "read", watched)
    run = runs.request(mapping=pair.mapping, trigger=Trigger.PERSON, by=UserFactory(username="ada"))

    pair.work()

    assert seen
    assert {(known.run_id, known.on_behalf) for known in seen if known} == {(run.pk, "ada")}


def test_a_run_writes_no_governed_row(pair: Pair) -> None:
    for number in range(3):
        pair.source.put(f"c{number}", name=f"Customer {number}", city="Kiel")
    guard.install(connection)
    try:
        assert pair.run().created == 3
        assert not CapturedRow.objects.exists()
    finally:
        guard.remove(connection)
