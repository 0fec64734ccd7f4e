"""Which tables are governed, and what of a row is left out of the evidence."""

from dataclasses import dataclass

APPEND_ONLY = ("hub_auditevent", "hub_capturedrow", "hub_sealedentry", "hub_seal")


@dataclass(frozen=True, slots=True)
class Governed:
    """A table of which every write is captured.

    `hot` columns are written by runs and sign-ins all the time and decide nothing. `sealed` ones hold what must not be
    copied: the last signs of a salted hash or of a ciphertext tell that it changed, and nothing else.
    """

    table: str
    hot: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()


GOVERNED = (
    Governed("hub_integration", hot=("next_run_at",)),
    Governed("hub_mapping"),
    Governed("hub_mappingversion"),
    Governed("hub_connection"),
    Governed("hub_credential", hot=("last_used_at",)),
    Governed("hub_credentialversion", hot=("tested_at",)),
    Governed("hub_credentialsecret", sealed=("sealed", "wrapped")),
    Governed("hub_webhook", hot=("silent_since",)),
    Governed("hub_webhookroute"),
    Governed("hub_mainswitch"),
    Governed("hub_egresszone"),
    Governed("hub_integrationgrant"),
    Governed("hub_credentialgrant"),
    Governed("hub_user", hot=("last_login",), sealed=("password",)),
    Governed("hub_user_groups"),
    Governed("hub_user_user_permissions"),
    Governed("auth_group"),
    Governed("auth_group_permissions"),
    Governed("hub_accessreview"),
    Governed("hub_accessline"),
)
