"""Rotation of the master key: resumable at every point, and no key counts as free while a row needs it."""

import secrets
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hub import failpoint
from hub.models import AuditEvent, Credential, CredentialSecret
from hub.sdk import ConfigError
from hub.services import credential as service
from hub.services.credential import rewrap
from hub.vault import Local, pair
from tests.factories import CredentialFactory

HERE = "https://crm.example:443"
OLD, NEW = f"old:{secrets.token_hex(32)}", f"new:{secrets.token_hex(32)}"
PUBLIC, PRIVATE = pair("pair")
POINTS = ("rewrap.batch_read", "rewrap.wrapped", "rewrap.rows_written", "rewrap.batch_written")
COUNT, BATCH = 7, 2


class KilledError(Exception):
    """Stands for a process that dies."""


@pytest.fixture
def stored(db: None, settings: Any) -> list[Credential]:
    """Some credentials under the old key, one of them a signing secret, one from before there were data keys."""
    settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [OLD]
    rows: list[Credential] = CredentialFactory.create_batch(COUNT - 2, origins=[])
    for row in rows:
        service.set_values(credential=row, values={"password": row.name}, by=None, origins=[HERE])
    signing = CredentialFactory(kind="webhook")
    service.set_values(credential=signing, values={"secret": signing.name}, by=None)
    early = CredentialFactory(origins=[HERE], number=1, fields=["password"])
    cipher, nonce = Local([OLD], "HUB_SEAL_KEYS")._ciphers["old"], bytes(12)
    value = f'{{"password": "{early.name}"}}'.encode()
    bound_to = early.direct_binding(1, settings.HUB_ENVIRONMENT).encode()
    sealed = nonce + cipher.encrypt(nonce, value, bound_to)
    CredentialSecret.objects.create(credential=early, number=1, key_id="old", sealed=sealed)
    return [*rows, signing, early]


@pytest.fixture(autouse=True)
def _disarm() -> Iterator[None]:
    yield
    failpoint.disarm()


def are_readable(rows: list[Credential]) -> bool:
    return all(next(iter(service.open_values(row).values())).reveal() == row.name for row in rows)


def run(**options: Any) -> str:
    out = StringIO()
    call_command("rewrap_credentials", stdout=out, **options)
    return out.getvalue()


class TestTheCommand:
    def test_leaves_nothing_that_needs_the_old_key(self, stored: list[Credential], settings: Any) -> None:
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]
        told = run(batch=BATCH)

        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW]
        assert are_readable(stored)
        assert "key old (local): no row needs it. It may be removed" in told
        assert "Every row is wrapped by the newest key." in told

    def test_leads_from_one_key_to_a_pair(self, stored: list[Credential], settings: Any) -> None:
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_PRIVATE, settings.HUB_INBOUND_KEYS = [PUBLIC], [PRIVATE], [NEW]
        run(batch=BATCH)

        settings.HUB_SEAL_KEYS = []
        assert are_readable(stored)

    def test_only_counts_when_it_is_dry(self, stored: list[Credential], settings: Any) -> None:
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]
        told = run(dry_run=True)

        assert "credentials: key old (local): 5 rows, still needed." in told
        assert "credentials: key old (local, without data keys): 1 rows, still needed." in told
        assert "signing secrets of webhooks: key old (local): 1 rows, still needed." in told
        assert "7 rows are not wrapped by the newest key. Remove no older key yet." in told
        assert set(CredentialSecret.objects.values_list("key_id", flat=True)) == {"old"}

    def test_names_what_no_key_opens_and_frees_no_key(self, stored: list[Credential], settings: Any) -> None:
        CredentialSecret.objects.filter(credential=stored[0]).update(wrapped=b"x" * 60)
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]

        with pytest.raises(CommandError, match=f"No key of this process opens {stored[0].name}"):
            run(batch=BATCH)
        assert rewrap.standing().left == 1
        assert "1 rows are not wrapped by the newest key" in run(dry_run=True)

    def test_is_refused_where_nothing_can_be_opened(self, stored: list[Credential], settings: Any) -> None:
        settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_KEYS, settings.HUB_INBOUND_KEYS = [PUBLIC], [], [OLD]

        with pytest.raises(CommandError, match=r"may seal and not open\. Wrap anew where workers run"):
            run()

    def test_is_audited(self, stored: list[Credential], settings: Any) -> None:
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]
        run()

        events = AuditEvent.objects.filter(action="credential.rewrap")
        assert {event.subject_id for event in events} == {row.pk for row in stored}


@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("point", POINTS)
class TestInterrupted:
    def test_it_goes_on_where_it_was(self, point: str, at: int, stored: list[Credential], settings: Any) -> None:
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]
        reached = 0

        def die() -> None:
            nonlocal reached
            reached += 1
            if reached == at:
                raise KilledError

        failpoint.arm(point, die)
        with pytest.raises(KilledError):
            run(batch=BATCH)
        assert are_readable(stored)

        failpoint.disarm()
        run(batch=BATCH)
        assert rewrap.standing().left == 0
        settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW]
        assert are_readable(stored)


def test_a_value_that_is_replaced_meanwhile_stays_the_new_one(stored: list[Credential], settings: Any) -> None:
    settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW, OLD]
    row = stored[0]

    def replace() -> None:
        failpoint.disarm()
        service.set_values(credential=row, values={"password": "meanwhile"}, by=None)

    failpoint.arm("rewrap.wrapped", replace)
    run(batch=100)

    assert service.open_values(row)["password"].reveal() == "meanwhile"


def test_keys_that_are_missing_are_told_by_the_check(stored: list[Credential], settings: Any) -> None:
    settings.HUB_SEAL_KEYS = settings.HUB_INBOUND_KEYS = [NEW]

    assert {str(wrapping): count for wrapping, count in service.lacking_keys().items()} == {
        "credentials: key old (local)": 5,
        "credentials: key old (local, without data keys)": 1,
        "signing secrets of webhooks: key old (local)": 1,
    }


def test_a_process_that_only_seals_lacks_no_key(stored: list[Credential], settings: Any) -> None:
    settings.HUB_SEAL_PUBLIC, settings.HUB_SEAL_KEYS, settings.HUB_INBOUND_KEYS = [PUBLIC], [], [OLD]

    assert service.lacking_keys() == {}


def test_wrong_keys_are_told_by_name(stored: list[Credential], settings: Any) -> None:
    settings.HUB_SEAL_KEYS = ["nonsense"]

    with pytest.raises(ConfigError, match="HUB_SEAL_KEYS"):
        rewrap.standing()
