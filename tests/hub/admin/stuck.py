"""A record that is stuck, as the tests of the desk's pages about it need one."""

from typing import Any

from hub.engine.intent import State
from hub.models import Change
from tests.factories import (
    ChangeFactory,
    LinkFactory,
    MappingFactory,
    ReconciliationExceptionFactory,
    SyncRunFactory,
)

KEY = "C-1"


def stuck(*, digest: str, head: dict[str, Any], behind: dict[str, Any], asked: dict[str, Any]) -> Change:
    """A step of the record KEY that was refused, with two held behind it and a question about it."""
    mapping = MappingFactory(active=True, semantics="transition")
    run = SyncRunFactory(mapping=mapping, excepted=1, held=2, state="partial")
    link = LinkFactory(mapping=mapping, source_key=KEY, refused_digest=digest)
    given = {"run": run, "link": link, "source_key": KEY}
    refused: Change = ChangeFactory(**given, state=State.REJECTED, **head)
    ChangeFactory.create_batch(2, **given, state=State.HELD, code="behind", **behind)
    ReconciliationExceptionFactory(mapping=mapping, source_key=KEY, change_id=refused.pk, last_run=run, **asked)
    return refused
