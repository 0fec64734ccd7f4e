"""Which keys seal and open which credentials in this process, as the settings give them."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from django.conf import settings

from hub.http import HttpClient, origin_of
from hub.models import CredentialKind
from hub.sdk import ConfigError, HubError, Secret
from hub.vault import Local, Private, ProviderError, Public, Transit, Unwrapper, Vault
from hub.vault.place import TransitPlace

SECONDS = 5.0  # a call to HashiCorp Vault may take; callers hold no transaction, but a person waits


def vault_of(kind: str) -> Vault:
    """What seals, and perhaps opens, credentials of this kind. Raises UnsealError for keys that are none.

    The signing secrets of webhooks are a lower class with keys of their own: the web process, which checks the
    signatures, must open them, and nothing else.
    """
    return inbound_vault() if kind == CredentialKind.WEBHOOK else main_vault()


def main_vault() -> Vault:
    """The keys of all credentials that are sent to other systems."""
    return _main(
        tuple(settings.HUB_SEAL_KEYS),
        tuple(settings.HUB_SEAL_PUBLIC),
        tuple(settings.HUB_SEAL_PRIVATE),
        settings.HUB_VAULT_TRANSIT,
    )


def inbound_vault() -> Vault:
    """The keys of signing secrets of webhooks. What was sealed before they had their own is still opened."""
    own, before = list(settings.HUB_INBOUND_KEYS), settings.HUB_SEAL_KEYS
    return _inbound((*own, *(key for key in before if key not in own)))


def may_open(kind: str) -> bool:
    """Whether this process may open credentials of this kind, or only seal them."""
    return vault_of(kind).may_open


def get_ready(count: int) -> None:
    """Have keys for so many values at hand, so that a transaction that seals them calls nothing. Raises ConfigError."""
    try:
        main_vault().get_ready(count)
    except ProviderError as error:
        raise ConfigError(str(error)) from None


@cache
def _main(
    keys: tuple[str, ...], public: tuple[str, ...], private: tuple[str, ...], place: TransitPlace | None
) -> Vault:
    local = Local(keys, "HUB_SEAL_KEYS") if keys else None
    opening: list[Unwrapper] = [local] if local else []
    pair = Private(private) if private else None
    if pair:
        opening.append(pair)
    if place:
        transit = Transit(_Asking(place), key=place.key, mount=place.mount)
        return Vault(transit, opening if place.seals_only else [*opening, transit], local)
    if public or pair:
        return Vault(Public(public or pair.public()), opening, local)  # type: ignore[union-attr]
    return Vault(local or Local(keys, "HUB_SEAL_KEYS"), opening, local)


@cache
def _inbound(keys: Sequence[str]) -> Vault:
    local = Local(keys, "HUB_INBOUND_KEYS")
    return Vault(local, [local], local)


class _Asking:
    """Calls HashiCorp Vault through the one door out."""

    def __init__(self, place: TransitPlace) -> None:
        self._place = place

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a POST. Raises ProviderError without a word of what was sent."""
        client = _client(self._place, self._place.token())
        try:
            answer = client.call("POST", path, json=body, safe=True, expect=(400, 403, 503))
            found: Any = answer.json()
        except HubError as error:
            raise ProviderError(f"HashiCorp Vault at {self._place.url} did not seal or open: {error}") from None
        result: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        if answer.ok or "batch_results" in (result.get("data") or {}):
            return result
        told = "; ".join(str(one) for one in result.get("errors") or ()) or "no reason"
        raise ProviderError(
            f"HashiCorp Vault at {self._place.url} answered {answer.status} to {path}: {client.scrub(told)[:300]}"
        )


@lru_cache(maxsize=2)
def _client(place: TransitPlace, token: str) -> HttpClient:
    """Kept open; another one when an agent has renewed the token."""
    namespace = {"X-Vault-Namespace": place.namespace} if place.namespace else {}
    return HttpClient(
        base_url=f"{place.url}/v1", origins=[origin_of(place.url)], timeout=SECONDS,
        verify=place.ca_file or True, secrets=[Secret(token)],
        headers={"X-Vault-Token": token, "X-Vault-Request": "true", **namespace},
    )  # fmt: skip
