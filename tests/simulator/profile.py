"""What third parties offer, one profile for each way of settling a lost answer (and some manners that hurt)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hub.sdk import Batch, Call, ConditionalWrite, ExternalId, Key, Operation, ReadBack, WriteCapability

Normalise = Callable[[Mapping[str, Any]], dict[str, Any]]

LANDING = 60  # seconds a request may still take effect after its answer was given up (D)
LAG = 30
TTL = 600

CONDITIONAL = WriteCapability(
    conditional=ConditionalWrite(create=True),
    external_id=ExternalId("reference"),
    read_back=ReadBack(by_external_id=True),
    batch=Batch(50),
)
UNIQUE = WriteCapability(external_id=ExternalId("reference"), read_back=ReadBack(by_external_id=True))
NOTHING = WriteCapability(read_back=ReadBack(by_key=False))


def as_given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A system that keeps what it is given."""
    return dict(fields)


def normalised(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A system that writes names in capitals, cuts them at eight letters, and rounds amounts to two places."""
    kept = dict(fields)
    if isinstance(kept.get("name"), str):
        kept["name"] = kept["name"].upper()[:8]
    if kept.get("amount") is not None:
        kept["amount"] = str(Decimal(str(kept["amount"])).quantize(Decimal("0.01"), ROUND_HALF_UP))
    return kept


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of third party.

    `compares` says what a repeated idempotency key with another body gets: `error`, `ignore` (the first
    answer again) or `none` (keys are only remembered). `busy` is the answer while the first request of a
    key is still being worked on. `lenient` systems answer 200 with a fault inside. Whether a
    system takes writes for later, and which calls a write is made of, stands in its capabilities.
    """

    name: str
    write: WriteCapability
    normalise: Normalise = as_given
    compares: str = "error"
    busy: int = 409
    lenient: bool = False
    settles: bool = True  # every lost answer can be settled without a person
    keeps_order: bool = True  # a late copy can never undo a newer write, however late it lands
    sees_edits: bool = True  # a person's edit is never overwritten unseen
    update: WriteCapability | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def of_update(self) -> WriteCapability:
        """What updates and deletions can count on."""
        return self.update or self.write

    def absorbs(self, operation: Operation) -> bool:
        """Whether it takes no harm from a request that is delivered twice; elsewhere no hub could prevent that."""
        can = self.write if operation is Operation.CREATE else self.of_update()
        unique = operation is Operation.CREATE and can.external_id is not None and can.external_id.unique
        return bool(can.key or can.conditional or unique)


BY_KEY = ReadBack(by_key=True)
BY_BOTH = ReadBack(by_key=True, by_external_id=True)
MARKER = ExternalId("reference", unique=False)
KEY = Key(ttl=TTL)

PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "conditional",
            WriteCapability(
                conditional=ConditionalWrite(create=True),
                external_id=ExternalId("reference"),
                read_back=BY_BOTH,
                landing=LANDING,
            ),
        ),
        Profile(
            "unique",
            WriteCapability(external_id=ExternalId("reference"), read_back=BY_BOTH, landing=LANDING),
            sees_edits=False,
        ),
        Profile("key", WriteCapability(key=KEY, read_back=BY_KEY, landing=LANDING), sees_edits=False),
        Profile(
            "key-storing-errors",
            WriteCapability(
                key=replace(KEY, stores_errors=True), read_back=BY_BOTH, external_id=MARKER, landing=LANDING
            ),
            sees_edits=False,
        ),
        Profile(
            "key-ignoring-bodies",
            WriteCapability(key=KEY, read_back=BY_KEY, landing=LANDING),
            compares="ignore",
            busy=425,
            sees_edits=False,
        ),
        Profile(
            "key-without-comparison",
            WriteCapability(key=KEY, read_back=BY_BOTH, external_id=MARKER, landing=LANDING),
            compares="none",
            sees_edits=False,
        ),
        Profile(
            "marker",
            WriteCapability(
                external_id=MARKER,
                read_back=ReadBack(by_key=True, by_external_id=True, search_lag=LAG),
                landing=LANDING,
            ),
            sees_edits=False,
        ),
        Profile("nothing", WriteCapability(read_back=BY_KEY, landing=LANDING), settles=False, sees_edits=False),
        Profile(
            "normalising",
            WriteCapability(
                conditional=ConditionalWrite(create=True),
                external_id=ExternalId("reference"),
                read_back=BY_BOTH,
                landing=LANDING,
            ),
            normalise=normalised,
        ),
        Profile(
            "lenient",
            WriteCapability(external_id=ExternalId("reference"), read_back=BY_BOTH, landing=LANDING),
            lenient=True,
            sees_edits=False,
        ),
        Profile(
            "batch",
            WriteCapability(
                conditional=ConditionalWrite(create=True),
                external_id=ExternalId("reference"),
                read_back=BY_BOTH,
                batch=Batch(10),
                landing=LANDING,
            ),
        ),
        Profile(
            "several-calls",
            WriteCapability(
                external_id=ExternalId("reference"),
                read_back=BY_BOTH,
                calls=(Call("header"), Call("lines", repeatable=True)),
                landing=LANDING,
            ),
            update=WriteCapability(external_id=ExternalId("reference"), read_back=BY_BOTH, landing=LANDING),
            sees_edits=False,
        ),
        Profile(
            "jobs",
            WriteCapability(external_id=ExternalId("reference"), read_back=BY_BOTH, asynchronous=True, landing=LANDING),
            sees_edits=False,
        ),
        Profile(
            "atomic-batch",
            WriteCapability(
                external_id=ExternalId("reference"), read_back=BY_BOTH, batch=Batch(10, atomic=True), landing=LANDING
            ),
            sees_edits=False,
        ),
    )
}
