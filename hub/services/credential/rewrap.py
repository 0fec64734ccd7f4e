"""Rotation of the master key: every stored data key is wrapped anew by the newest key, batch by batch.

A row says by itself what wrapped it, so there is nothing to lose when it is cut short: whoever begins again finds what
is left. The ciphertexts stay as they are, but for those from before there were data keys, which are sealed anew.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from hub import failpoint
from hub.models import Credential, CredentialKind, CredentialSecret, OAuthToken, User
from hub.sdk import ConfigError
from hub.services import audit
from hub.services.credential import key, sealed
from hub.vault import DIRECT, ProviderError, Sealed, UnsealError, Vault

BATCH = 500
FIELDS = ("scheme", "key_id", "wrapped", "sealed")


@dataclass(frozen=True, slots=True, order=True)
class Wrapping:
    """What wraps some of the rows: which class of credentials, how, under which key."""

    is_inbound: bool
    scheme: str
    key_id: str

    def __str__(self) -> str:
        what = "signing secrets of webhooks" if self.is_inbound else "credentials"
        return f"{what}: key {self.key_id} ({self.scheme or 'local, without data keys'})"


@dataclass(frozen=True, slots=True)
class Standing:
    """How many rows each key has wrapped, and which are the newest keys."""

    rows: dict[Wrapping, int]
    newest: frozenset[Wrapping]

    @property
    def left(self) -> int:
        """How many rows wait for the newest key."""
        return sum(count for wrapping, count in self.rows.items() if wrapping not in self.newest)


@dataclass(slots=True)
class Progress:
    """What was done so far; `unreadable` names the credentials whose rows no key of this process opens."""

    done: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)


def standing() -> Standing:
    """Which keys are needed, as of now. Raises ConfigError."""
    return Standing(_counted(), frozenset(_newest(is_inbound=one) for one in (False, True)))


def _counted() -> dict[Wrapping, int]:
    counted = CredentialSecret.objects.values("credential__kind", "scheme", "key_id").annotate(rows=Count("pk"))
    found: Counter[Wrapping] = Counter()
    for row in counted.order_by():
        is_inbound = row["credential__kind"] == CredentialKind.WEBHOOK
        found[Wrapping(is_inbound, row["scheme"], row["key_id"])] += row["rows"]
    for token in _tokens().values("scheme", "key_id").annotate(rows=Count("pk")).order_by():
        found[Wrapping(is_inbound=False, scheme=token["scheme"], key_id=token["key_id"])] += token["rows"]
    return dict(found)


def lacking_keys() -> dict[Wrapping, int]:
    """The keys that stored secrets need and this process has not, with how many need each.

    What a process that only seals is not given does not count. Raises ConfigError.
    """
    vaults = {is_inbound: _vault(is_inbound=is_inbound) for is_inbound in (False, True)}
    return {
        wrapping: count
        for wrapping, count in _counted().items()
        if (vault := vaults[wrapping.is_inbound]).may_open and not vault.knows(wrapping.scheme, wrapping.key_id)
    }


def rewrap(*, by: User | None, batch: int = BATCH) -> Iterator[Progress]:
    """Wrap everything anew, and tell after each batch how far it is. Raises ConfigError when a key is missing."""
    progress = Progress()
    for is_inbound in (False, True):
        is_old = _old(is_inbound=is_inbound).exists() or (not is_inbound and _old_tokens().exists())
        if not _vault(is_inbound=is_inbound).may_open and is_old:
            raise ConfigError("This process may seal and not open. Wrap anew where workers run, with all their keys.")
        last = 0
        while rows := list(_old(is_inbound=is_inbound).filter(pk__gt=last).order_by("pk")[:batch]):
            failpoint.reach("rewrap.batch_read")
            last = rows[-1].pk
            _batch(rows, progress, is_inbound=is_inbound, by=by)
            failpoint.reach("rewrap.batch_written")
            yield progress
    last = 0
    while tokens := list(_old_tokens().filter(pk__gt=last).order_by("pk")[:batch]):
        last = tokens[-1].pk
        _token_batch(tokens, progress)
        yield progress


def _token_batch(rows: Sequence[OAuthToken], progress: Progress) -> None:
    """Tokens are renewed all the time: one that was meanwhile is sealed with the newest key already."""
    try:
        fresh = key.main_vault().rewrap([sealed.stored_token(row) for row in rows])
    except ProviderError as error:
        raise ConfigError(str(error)) from None
    for row, new in zip(rows, fresh, strict=True):
        if isinstance(new, UnsealError):
            progress.unreadable[row.credential.name] += 1
            continue
        same = OAuthToken.objects.filter(pk=row.pk, bound_epoch=row.bound_epoch, key_id=row.key_id)
        progress.done += same.update(**{name: getattr(new, name) for name in FIELDS})


def _tokens() -> QuerySet[OAuthToken]:
    return OAuthToken.objects.filter(sealed__isnull=False)


def _old_tokens() -> QuerySet[OAuthToken]:
    newest = _newest(is_inbound=False)
    old = _tokens().exclude(scheme=newest.scheme, key_id=newest.key_id)
    return old.select_related("credential")


def _batch(rows: Sequence[CredentialSecret], progress: Progress, *, is_inbound: bool, by: User | None) -> None:
    """Asks whoever keeps the keys first, and writes then: no transaction waits for them."""
    try:
        fresh = _wrapped_anew(rows, is_inbound=is_inbound)
    except ProviderError as error:
        raise ConfigError(str(error)) from None
    failpoint.reach("rewrap.wrapped")
    done: dict[int, Credential] = {}
    with transaction.atomic():
        for row, new in zip(rows, fresh, strict=True):
            if isinstance(new, UnsealError):
                progress.unreadable[row.credential.name] += 1
            elif _write(row, new):
                done[row.credential_id] = row.credential
                progress.done += 1
        failpoint.reach("rewrap.rows_written")
        for credential in done.values():
            audit.record(actor=by, action="credential.rewrap", subject=credential, detail={"key": _key_of(fresh)})


def _wrapped_anew(rows: Sequence[CredentialSecret], *, is_inbound: bool) -> list[Sealed | UnsealError]:
    """Rows with data keys at once; the others one by one, because their values themselves are sealed anew."""
    vault = _vault(is_inbound=is_inbound)
    enveloped = [row for row in rows if row.scheme != DIRECT]
    anew = iter(vault.rewrap([sealed.stored(row) for row in enveloped]) if enveloped else ())
    vault.get_ready(len(rows) - len(enveloped))
    return [next(anew) if row.scheme != DIRECT else _sealed_anew(row, is_inbound=is_inbound) for row in rows]


def _sealed_anew(row: CredentialSecret, *, is_inbound: bool) -> Sealed | UnsealError:
    vault = _vault(is_inbound=is_inbound)
    try:
        value = vault.open(sealed.stored(row), sealed.binding_of(row.credential, row))
    except ProviderError:
        raise
    except UnsealError as error:
        return error
    return vault.seal(value, row.credential.binding(row.number, settings.HUB_ENVIRONMENT))


def _write(row: CredentialSecret, new: Sealed) -> bool:
    """Whether the row was still as it was read; otherwise somebody has just replaced it."""
    same = CredentialSecret.objects.filter(pk=row.pk, scheme=row.scheme, key_id=row.key_id)
    return bool(same.update(**{name: getattr(new, name) for name in FIELDS}))


def _old(*, is_inbound: bool) -> QuerySet[CredentialSecret]:
    """Rows that the newest key has not wrapped."""
    newest = _newest(is_inbound=is_inbound)
    of_class = Q(credential__kind=CredentialKind.WEBHOOK)
    rows = CredentialSecret.objects.filter(of_class if is_inbound else ~of_class).select_related("credential")
    return rows.exclude(scheme=newest.scheme, key_id=newest.key_id)


def _newest(*, is_inbound: bool) -> Wrapping:
    vault = _vault(is_inbound=is_inbound)
    try:
        return Wrapping(is_inbound, vault.scheme, vault.newest())
    except UnsealError as error:
        raise ConfigError(str(error)) from None


def _vault(*, is_inbound: bool) -> Vault:
    try:
        return key.inbound_vault() if is_inbound else key.main_vault()
    except UnsealError as error:
        raise ConfigError(str(error)) from None


def _key_of(fresh: Sequence[Sealed | UnsealError]) -> str:
    return next((one.key_id for one in fresh if isinstance(one, Sealed)), "")
