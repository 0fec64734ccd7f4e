"""The one door out: every HTTP call of a connector passes here, under deadlines and egress rules."""

from hub.http.auth import Auth, Basic, Bearer, ClientCertificate, HeaderKey, QueryKey, Renewed
from hub.http.client import HttpClient, Sending
from hub.http.egress import Zone, classify
from hub.http.failure import exchange_of
from hub.http.origin import origin_of, quote_segment
from hub.http.pages import PageWalk, links
from hub.http.payload import decode, encode
from hub.http.response import Response
from hub.http.sftp import SftpFiles
from hub.http.ssh import SshAccount
from hub.http.transport import LostAnswerError, NotSentError, Transport, WireAnswer, WireRequest

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
    "QueryKey",
    "Renewed",
    "Response",
    "Sending",
    "SftpFiles",
    "SshAccount",
    "Transport",
    "WireAnswer",
    "WireRequest",
    "Zone",
    "classify",
    "decode",
    "encode",
    "exchange_of",
    "links",
    "origin_of",
    "quote_segment",
]
