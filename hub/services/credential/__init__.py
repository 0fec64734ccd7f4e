"""Credentials: secret values are sealed, rotated and replaced here, and opened only to be used."""

from hub.services.credential.expiry import Warned, ending, horizon, warned
from hub.services.credential.impact import Impact, impact_of, last_uses
from hub.services.credential.key import get_ready, inbound_vault, main_vault, may_open, vault_of
from hub.services.credential.kind import KINDS, Kind, Value, choices, kind_of, refuse_unfit, refuse_unfit_details
from hub.services.credential.origin import normal_origin, normal_origins
from hub.services.credential.rewrap import lacking_keys
from hub.services.credential.rotation import activate, end_overlaps, go_back, note_test, retiring, revoke, stage, staged
from hub.services.credential.use import Use
from hub.services.credential.values import holds, open_values, set_values

__all__ = [
    "KINDS",
    "Impact",
    "Kind",
    "Use",
    "Value",
    "Warned",
    "activate",
    "choices",
    "end_overlaps",
    "ending",
    "get_ready",
    "go_back",
    "holds",
    "horizon",
    "impact_of",
    "inbound_vault",
    "kind_of",
    "lacking_keys",
    "last_uses",
    "main_vault",
    "may_open",
    "normal_origin",
    "normal_origins",
    "note_test",
    "open_values",
    "refuse_unfit",
    "refuse_unfit_details",
    "retiring",
    "revoke",
    "set_values",
    "stage",
    "staged",
    "vault_of",
    "warned",
]
