"""OAuth2: tokens asked for, renewed once for everybody, and given to connections; consent where a person must agree."""

from hub.services.credential.oauth.consent import address, begin, exchange, ring_waiting, take_back
from hub.services.credential.oauth.source import KINDS, Source, has_tokens, needs_person, source_of

__all__ = [
    "KINDS",
    "Source",
    "address",
    "begin",
    "exchange",
    "has_tokens",
    "needs_person",
    "ring_waiting",
    "source_of",
    "take_back",
]
