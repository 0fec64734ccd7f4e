"""Files: CSV and JSON Lines in a folder, here or over SFTP; a wrong row names its file, line and column."""

from collections.abc import Mapping
from typing import Any

from connectors.files.connection import FilesConnection
from connectors.files.folder import Folder
from connectors.files.place import Place, place_of
from connectors.files.spec import parse_streams
from hub.http import SftpFiles, SshAccount
from hub.sdk import ConfigError, ConfigField, Connector, FieldKind, Settings


def open_folder(settings: Settings) -> FilesConnection:
    """A connection that looks at the folder when it is first used."""
    allowed = origins(settings.config)
    if settings.origins and not set(allowed) <= set(settings.origins):
        raise ConfigError(f"This connection may reach {', '.join(settings.origins)}, not {', '.join(allowed)}.")
    place = place_of(settings.config["url"])
    remote = _remote(place, settings) if place.scheme == "sftp" else None
    return FilesConnection(Folder(place, remote), parse_streams(settings.config.get("streams")))


def origins(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The folder; of one on a server the server."""
    return (place_of(str(config.get("url") or "")).origin,)


def _remote(place: Place, settings: Settings) -> SftpFiles:
    """The server that holds the folder. Calls nobody yet. Raises ConfigError when it is not told how to log in."""
    config, secrets = settings.config, settings.secrets
    account = SshAccount(
        config.get("user") or "", secrets.get("password"), secrets.get("private_key"), secrets.get("passphrase")
    )
    account.private()
    pinned = (config.get("host_key") or "").replace(",", " ").split()
    if not all(fingerprint.startswith("SHA256:") for fingerprint in pinned):
        raise ConfigError("host_key: must be a fingerprint such as SHA256:…, as ssh-keygen -l shows it.")
    return SftpFiles(place.host, place.port, account, pinned, settings.timeout)


CONNECTOR = Connector(
    name="files",
    label="Files",
    summary="CSV and JSON Lines files of a folder, here or on an SFTP server, read row by row.",
    fields=(
        ConfigField(
            "url",
            "Folder",
            "Where the files lie, such as file:///srv/exports or sftp://files.example:22/out.",
            FieldKind.URL,
        ),
        ConfigField(
            "streams",
            "Streams",
            "An object: stream name → {pattern, format, key, encoding, delimiter, header, columns, version}.",
            FieldKind.JSON,
        ),
        ConfigField("user", "User", "The account on an SFTP server.", required=False),
        ConfigField(
            "host_key",
            "Host key",
            "The fingerprint of the SFTP server's key, SHA256:…, from whoever runs it; several while it is renewed. "
            "Test the connection without it to see which key the server shows.",
            required=False,
        ),
        ConfigField("password", "Password", "The account's password, if it has one.", FieldKind.SECRET, required=False),
        ConfigField(
            "private_key",
            "Private key",
            "The SSH key that the account knows, as ssh-keygen writes it.",
            FieldKind.SECRET,
            required=False,
        ),
        ConfigField("passphrase", "Passphrase", "That of the private key, if any.", FieldKind.SECRET, required=False),
    ),
    open=open_folder,
    origins=origins,
    is_paced_by_call=True,
)

__all__ = ["CONNECTOR"]
