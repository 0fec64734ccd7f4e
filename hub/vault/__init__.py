"""Seals secrets in envelopes and opens them again; the ciphertext is bound to where it belongs."""

from hub.vault.envelope import DIRECT, DataKey, Sealed, Vault
from hub.vault.error import ProviderError, SealOnlyError, UnsealError
from hub.vault.hpke import Private, Public, pair
from hub.vault.local import Local
from hub.vault.provider import Unwrapper, Wrapper
from hub.vault.transit import Transit

__all__ = [
    "DIRECT",
    "DataKey",
    "Local",
    "Private",
    "ProviderError",
    "Public",
    "SealOnlyError",
    "Sealed",
    "Transit",
    "UnsealError",
    "Unwrapper",
    "Vault",
    "Wrapper",
    "pair",
]
