"""What connections reach with which credential, found without calling anything."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub import registry
from hub.models import Connection
from hub.sdk import ConfigError, Connector, Secret, Settings, check_config
from hub.services.credential import normal_origin


@dataclass(frozen=True, slots=True)
class Reach:
    """Which addresses a connection reaches, with which credential, and which secrets its connector asks for."""

    connection: str
    credential: str | None
    origins: tuple[str, ...]
    secrets: frozenset[str]


def of(name: str, connector: Connector, config: Mapping[str, Any], credential: str | None) -> Reach:
    """The reach of connection `name`. Raises ConfigError when its config is wrong."""
    origins = connector.origins(check_config(connector.fields, config))
    secrets = frozenset(field.name for field in connector.fields if field.is_secret)
    return Reach(name, credential, tuple(normal_origin(origin) for origin in origins), secrets)


def of_row(row: Connection) -> list[Reach]:
    """The reach of a stored connection; none when it cannot be opened as it stands."""
    try:
        credential = row.credential.name if row.credential else None
        return [of(row.name, registry.get(row.connector), row.config, credential)]
    except Exception:  # noqa: BLE001  a broken connector folder; the system check reports it
        return []


class _NoToken:
    """Stands for the tokens of a credential while its connection is only looked at."""

    def current(self) -> Secret:
        """Never asked: nothing is called."""
        raise ConfigError("It has no token yet.")

    def refused(self, token: Secret) -> bool:
        """Never told."""
        return False


def try_opening(
    connector: Connector,
    config: Mapping[str, Any],
    origins: tuple[str, ...],
    secrets: Mapping[str, Secret],
    *,
    is_renewed: bool = False,
) -> None:
    """Open and close, which calls nothing but reads the config to its depth. Raises ConfigError.

    `is_renewed`: its credential gets tokens.

    Left out while a secret is not known yet: what is put in its place might be refused for its form.
    """
    asked = {field.name: field for field in connector.fields if field.is_secret}
    given = {name: secret for name, secret in secrets.items() if name in asked}
    if not all(name in given for name, field in asked.items() if field.required):
        return
    try:
        tokens = _NoToken() if is_renewed else None
        connector.open(Settings(check_config(connector.fields, config), given, origins, tokens=tokens)).close()
    except ConfigError:
        raise
    except Exception as error:  # a connector may fail in any way; its text may quote what it was given
        raise ConfigError(f"the connector “{connector.name}” itself failed ({type(error).__name__}).") from error


def wrong_settings(connector: Connector, config: Mapping[str, Any], error: ConfigError) -> Iterator[tuple[str, str]]:
    """Each wrong setting with what is wrong; the name is empty when the error is about all of them."""
    names = {field.name for field in connector.fields} | set(config)
    secrets = {field.name for field in connector.fields if field.is_secret}
    name, told = "", ""
    for part in str(error).split("; "):
        begins = part.partition(":")[0]
        if begins in names and part != begins:
            if told:
                yield name, told
            name, told = begins, part
            if begins in secrets:
                told += ". It is a secret: write it under the values of a credential"
        else:
            told += f"; {part}" if told else part
    yield name, told
