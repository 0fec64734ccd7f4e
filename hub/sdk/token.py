"""A token that is renewed while it is in use, as OAuth2 has it."""

from typing import Protocol

from hub.sdk.secret import Secret


class TokenSource(Protocol):
    """Asked for a token before each request. Safe to share between threads and processes.

    Whoever gives it renews the token in time, once for everybody who uses it.
    """

    def current(self) -> Secret:
        """A token that may be used now; may take as long as renewing it takes.

        Raises AuthError when a person must give consent again, TransientError when it cannot be renewed just now.
        Nothing has been sent to the system itself.
        """
        ...

    def refused(self, token: Secret) -> bool:
        """Tell that the system refused this token, and learn whether `current` will give another one.

        False: it was a new one, so another would be refused too. It calls nobody.
        """
        ...
