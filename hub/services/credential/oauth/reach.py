"""Where a connection calls, as far as its settings say."""

from collections.abc import Sequence

from hub import registry
from hub.models import Connection
from hub.sdk import HubError, check_config
from hub.services.credential.origin import normal_origin


def origins_of(connection: Connection) -> Sequence[str]:
    """The addresses of a connection; none of one whose settings are wrong, which nobody calls."""
    try:
        connector = registry.get(connection.connector)
        return [
            normal_origin(origin) for origin in connector.origins(check_config(connector.fields, connection.config))
        ]
    except HubError:
        return []
