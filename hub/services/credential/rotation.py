"""Rotation: new values are staged, tried by a worker, put to use, and the old ones go after an overlap."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from hub.clock import now
from hub.models import CheckState, Connection, ConnectionCheck, Credential, CredentialState, CredentialVersion, User
from hub.sdk import ConfigError
from hub.services import audit, pace
from hub.services.credential import sealed
from hub.services.credential.kind import refuse_unfit
from hub.services.credential.values import locked, whole_values
from hub.services.history import save_as

OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=30)


def staged(credential: Credential) -> CredentialVersion | None:
    """The version that waits to be used."""
    return CredentialVersion.objects.filter(credential=credential, state=CredentialState.STAGED).first()


def stage(
    *, credential: Credential, values: Mapping[str, str], by: User | None, expires_at: datetime | None = None
) -> CredentialVersion:
    """Seal new values beside those in use, which stay in use. A version that was staged before is dropped.

    Where a secret may be sent, its kind and its details cannot change this way. Raises ConfigError.
    """
    seen = Credential.objects.get(pk=credential.pk)
    if not seen.fields:
        raise ConfigError(f"The credential “{seen.name}” has no values yet, so there is nothing to rotate. Set them.")
    whole = whole_values(seen, values, is_moved=False)
    refuse_unfit(seen.kind, whole, seen.details)
    data_key = sealed.data_key_for(seen.kind)
    with transaction.atomic():
        stored = locked(seen)
        moment, number = now(), sealed.next_number(stored)
        if dropped := staged(stored):
            _end(stored, dropped, moment)
        made = CredentialVersion.objects.create(
            credential=stored, number=number, state=CredentialState.STAGED, fields=sorted(whole),
            made_by=by, made_at=moment, expires_at=expires_at,
        )  # fmt: skip
        sealed.store(stored, number, whole, data_key)
        audit.record(
            actor=by, action="credential.stage", subject=stored, detail={"fields": sorted(values), "number": number},
            after=sealed.fingerprints(stored, number),
        )  # fmt: skip
    return made


@transaction.atomic
def activate(*, credential: Credential, by: User | None, overlap: timedelta = OVERLAP, reason: str = "") -> None:
    """Use the staged values from now on; the present ones go when `overlap` is over.

    What is open goes on with the values it was opened with. Raises ConfigError without a successful test of the
    staged values, unless a `reason` is given.
    """
    stored = Credential.objects.select_for_update().get(pk=credential.pk)
    version = staged(stored)
    if version is None:
        raise ConfigError(f"No values of “{stored.name}” are staged. Stage new ones first.")
    if version.tested_at is None and not reason:
        raise ConfigError(
            f"Version {version.number} of “{stored.name}” has not been found to work. Test it first, or give the "
            f"reason why it is used without a test."
        )
    _put_to_use(stored, version, by=by, overlap=overlap)
    detail = {"number": version.number, "overlap_seconds": int(overlap.total_seconds())}
    tested = {"tested": version.tested_at is not None}
    audit.record(actor=by, action="credential.activate", subject=stored, detail={**detail, **tested}, reason=reason)
    credential.refresh_from_db()


@transaction.atomic
def go_back(*, credential: Credential, by: User | None, reason: str, overlap: timedelta = OVERLAP) -> None:
    """Use the values before again, which are still there; those in use become the ones that go. Raises ConfigError."""
    stored = Credential.objects.select_for_update().get(pk=credential.pk)
    version = retiring(stored)
    if version is None:
        raise ConfigError(f"The values before of “{stored.name}” are gone. Set them again to use them.")
    _put_to_use(stored, version, by=by, overlap=overlap)
    audit.record(
        actor=by, action="credential.go_back", subject=stored, detail={"number": version.number}, reason=reason
    )
    credential.refresh_from_db()


@transaction.atomic
def revoke(*, credential: Credential, number: int, by: User | None, reason: str = "") -> None:
    """Remove the values of a version that is not in use, now. Raises ConfigError."""
    stored = Credential.objects.select_for_update().get(pk=credential.pk)
    version = CredentialVersion.objects.filter(credential=stored, number=number).first()
    if version is None or version.state == CredentialState.REVOKED:
        raise ConfigError(f"“{stored.name}” has no version {number} that could be revoked.")
    if version.state == CredentialState.ACTIVE:
        raise ConfigError(
            f"Version {number} of “{stored.name}” is in use. Put another one to use first, or set its values at once."
        )
    _end(stored, version, now())
    audit.record(actor=by, action="credential.revoke", subject=stored, detail={"number": number}, reason=reason)


def end_overlaps(moment: datetime) -> int:
    """Remove the values whose overlap is over; returns how many versions that were."""
    due = CredentialVersion.objects.filter(state=CredentialState.RETIRING, retires_at__lte=moment)
    found = list(due.values_list("credential_id", "pk"))
    return sum(_end_overlap(credential_id, pk, moment) for credential_id, pk in found)


@transaction.atomic
def _end_overlap(credential_id: int, version_id: int, moment: datetime) -> bool:
    stored = Credential.objects.select_for_update().get(pk=credential_id)
    version = CredentialVersion.objects.filter(
        pk=version_id, state=CredentialState.RETIRING, retires_at__lte=moment
    ).first()
    if version is None:  # somebody was quicker
        return False
    _end(stored, version, moment)
    audit.record(actor=None, action="credential.retire", subject=stored, detail={"number": version.number})
    return True


def retiring(credential: Credential) -> CredentialVersion | None:
    """The newest version that was in use before and is still there."""
    return CredentialVersion.objects.filter(credential=credential, state=CredentialState.RETIRING).first()


def note_test(check: ConnectionCheck) -> None:
    """A worker has tried a staged version over one connection: it works once it worked over all that use it."""
    credential, number = check.connection.credential, check.number
    if credential is None or number is None:
        return
    users = Connection.objects.filter(credential=credential).values_list("pk", flat=True)
    tried = ConnectionCheck.objects.filter(connection__in=users, number=number).order_by("pk")
    newest = dict(tried.values_list("connection_id", "state"))
    works = all(newest.get(user) == CheckState.REACHABLE for user in users)
    CredentialVersion.objects.filter(credential=credential, number=number).update(tested_at=now() if works else None)


def _put_to_use(credential: Credential, version: CredentialVersion, *, by: User | None, overlap: timedelta) -> None:
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ConfigError(f"The values before may stay for {LONGEST_OVERLAP.days} days at most.")
    moment = now()
    if version.expires_at and version.expires_at <= moment:
        raise ConfigError(f"Version {version.number} of “{credential.name}” expired on {version.expires_at:%Y-%m-%d}.")
    before = CredentialVersion.objects.filter(credential=credential, state=CredentialState.ACTIVE).first()
    if before is not None:
        before.expires_at = credential.expires_at
        _retire(credential, before, moment, overlap)
    version.state, version.activated_at, version.retires_at = CredentialState.ACTIVE, moment, None
    version.save(update_fields=["state", "activated_at", "retires_at"])
    credential.number, credential.fields, credential.set_at = version.number, version.fields, moment
    credential.expires_at = version.expires_at
    save_as(credential, by=by, reason=f"version {version.number} in use")
    pace.try_again(credential)


def _retire(credential: Credential, version: CredentialVersion, moment: datetime, overlap: timedelta) -> None:
    if not overlap:
        _end(credential, version, moment)
        return
    version.state, version.retires_at = CredentialState.RETIRING, moment + overlap
    version.save(update_fields=["state", "retires_at", "expires_at"])


def _end(credential: Credential, version: CredentialVersion, moment: datetime) -> None:
    """The values are removed; that there was such a version stays known."""
    sealed.remove(credential, number=version.number)
    version.state, version.revoked_at, version.retires_at = CredentialState.REVOKED, moment, None
    version.save(update_fields=["state", "revoked_at", "retires_at", "expires_at"])
