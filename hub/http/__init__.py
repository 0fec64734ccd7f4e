"""The one door out: every HTTP call of a connector passes here, under deadlines and egress rules."""

from hub.http.auth import Auth, Basic, Bearer, ClientCertificate, HeaderKey, QueryKey, Renewed
from hub.http.client import HttpClient, Sending
from hub.http.dial import Route, route
from hub.http.egress import Place, classify
from hub.http.failure import exchange_of
from hub.http.origin import origin_of, quote_segment
from hub.http.pages import PageWalk, links
from hub.http.payload import decode, encode
from hub.http.poison import Poison, loads, poison_in
from hub.http.response import Response
from hub.http.sftp import SftpFiles
from hub.http.ssh import SshAccount
from hub.http.transport import LostAnswerError, NotSentError, Transport, WireAnswer, WireRequest
from hub.http.zone import Zone, Zones, current, file_of

__all__ = [
    "Auth",
    "Basic",
    "Bearer",
    "ClientCertificate",
    "HeaderKey",
    "HttpClient",
    "LostAnswerError",
    "NotSentError",
    "PageWalk",
    "Place",
    "Poison",
    "QueryKey",
    "Renewed",
    "Response",
    "Route",
    "Sending",
    "SftpFiles",
    "SshAccount",
    "Transport",
    "WireAnswer",
    "WireRequest",
    "Zone",
    "Zones",
    "classify",
    "current",
    "decode",
    "encode",
    "exchange_of",
    "file_of",
    "links",
    "loads",
    "origin_of",
    "poison_in",
    "quote_segment",
    "route",
]
