"""Where HashiCorp Vault is, as the environment names it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hub import env


@dataclass(frozen=True, slots=True)
class TransitPlace:
    """A Vault, the key in its transit engine, and who asks."""

    url: str
    key: str
    mount: str
    namespace: str
    ca_file: str
    seals_only: bool  # of the web process, whose token has no policy for decrypt

    def token(self) -> str:
        """The token now: an agent beside the hub may renew it in its file. Raises SettingError."""
        return env.secret("HUB_VAULT_TRANSIT_TOKEN")


def named() -> TransitPlace | None:
    """The Vault that HUB_VAULT_TRANSIT_URL names; None without one. Raises SettingError."""
    url = env.parsed("HUB_VAULT_TRANSIT_URL", "", _url, "Vault's address, such as https://vault.example:8200")
    if not url:
        return None
    place = TransitPlace(
        url=url,
        key=env.text("HUB_VAULT_TRANSIT_KEY", shape="the name of a key in Vault's transit engine"),
        mount=env.text("HUB_VAULT_TRANSIT_MOUNT", "transit"),
        namespace=env.text("HUB_VAULT_TRANSIT_NAMESPACE", ""),
        ca_file=env.text("HUB_VAULT_TRANSIT_CA_FILE", ""),
        seals_only=env.flag("HUB_VAULT_TRANSIT_SEALS_ONLY", default=False),
    )
    if not place.token():
        raise env.SettingError(
            "HUB_VAULT_TRANSIT_URL is set, so HUB_VAULT_TRANSIT_TOKEN or HUB_VAULT_TRANSIT_TOKEN_FILE must be set too."
        )
    return place


def _url(value: str) -> str:
    parts = urlsplit(value)
    is_here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or not (parts.scheme == "https" or is_here):
        raise ValueError("it must begin with https://, or lead to this machine")
    return value.rstrip("/")
