"""A token that somebody keeps fresh: asked for before each call, and told when it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.http.auth.plain import Bearer
from hub.sdk import Secret, TokenSource


@dataclass(frozen=True, slots=True)
class Renewed:
    """A bearer token from a source, as OAuth2 has it. `scheme` is for systems with a word of their own."""

    source: TokenSource = field(repr=False)
    scheme: str = "Bearer"

    def headers(self) -> Mapping[str, str]:
        """The Authorization header with the present token. Raises what the source raises: nothing was sent."""
        return self.present().headers()

    def hidden(self) -> tuple[str, ...]:
        """Nothing yet: each token is hidden once it is known."""
        return ()

    def present(self) -> Bearer:
        """The proof for one call."""
        return Bearer(self.source.current(), self.scheme)

    def refused(self, token: Secret) -> bool:
        """Tell the source that its token was refused; whether it will have another."""
        return self.source.refused(token)
