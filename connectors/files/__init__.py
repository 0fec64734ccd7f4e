"""Files: CSV and JSON Lines in a folder as streams; a wrong row names its file, line and column."""

from collections.abc import Mapping
from typing import Any

from connectors.files.connection import FilesConnection
from connectors.files.folder import Folder, origin_of
from connectors.files.spec import parse_streams
from hub.sdk import ConfigError, ConfigField, Connector, FieldKind, Settings


def open_folder(settings: Settings) -> FilesConnection:
    """A connection that looks at the folder when it is first used."""
    place = origins(settings.config)
    if settings.origins and not set(place) <= set(settings.origins):
        raise ConfigError(f"This connection may reach {', '.join(settings.origins)}, not {', '.join(place)}.")
    return FilesConnection(Folder(settings.config["url"]), parse_streams(settings.config.get("streams")))


def origins(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The folder."""
    return (origin_of(str(config.get("url") or "")),)


CONNECTOR = Connector(
    name="files",
    label="Files",
    summary="CSV and JSON Lines files of a folder, read row by row.",
    fields=(
        ConfigField("url", "Folder", "Where the files lie, for example file:///srv/exports.", FieldKind.URL),
        ConfigField(
            "streams",
            "Streams",
            "An object: stream name → {pattern, format, key, encoding, delimiter, header, columns, version}.",
            FieldKind.JSON,
        ),
    ),
    open=open_folder,
    origins=origins,
    is_paced_by_call=True,
)

__all__ = ["CONNECTOR"]
