"""How a call proves who it is: a password, a token, a key, a token that somebody keeps fresh, or a certificate."""

from hub.http.auth.certificate import ClientCertificate
from hub.http.auth.plain import Auth, Basic, Bearer, HeaderKey, QueryKey
from hub.http.auth.renewed import Renewed

__all__ = ["Auth", "Basic", "Bearer", "ClientCertificate", "HeaderKey", "QueryKey", "Renewed"]
