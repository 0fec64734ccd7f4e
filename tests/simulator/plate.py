"""The plate on the door of a simulated third party."""

from hub.sdk import ConfigField, Connector, FieldKind, Settings
from tests.simulator.party import ThirdParty

TOKEN = ConfigField("token", "Token", "Which of its tokens the third party is asked with.", FieldKind.SECRET, False)


def connector(name: str, party: ThirdParty) -> Connector:
    """A plate for the door of a third party. What is opened keeps the token it was opened with."""

    def opened(settings: Settings) -> ThirdParty:
        if "token" in settings.secrets:
            party.token = settings.secrets["token"].reveal()
        return party

    return Connector(name, name.title(), "Simulated.", (TOKEN,), opened, lambda config: ())
