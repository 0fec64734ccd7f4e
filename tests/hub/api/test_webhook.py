"""The door for webhooks, as a web server calls it."""

import io
import json
from typing import Any

import pytest

from hub import clock
from hub.engine import signature
from hub.models import Delivery
from hub.services import webhook as webhooks
from hub.services.delivery.endpoint import directory
from hub.services.delivery.writer import writer
from tests.hub.webhooks import WebhookFactory

SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM="


@pytest.fixture
def hook(transactional_db: None) -> Any:
    directory.forget()
    made = WebhookFactory(name="shop")
    webhooks.set_secret(webhook=made, secret=SECRET, by=None)
    yield made
    writer.close()
    directory.forget()


def called(
    path: str = "/hooks/shop", method: str = "POST", body: bytes = b"{}", **environ: Any
) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and text of the answer."""
    from hub.wsgi import application

    told: list[Any] = []
    found = application(
        {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "testserver",
            "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), **environ,
        },
        lambda status, headers: told.extend([status, dict(headers)]),
    )  # fmt: skip
    return told[0], told[1], b"".join(found)


def signed(hook: Any, body: bytes, id_: str = "m1") -> dict[str, str]:
    how = webhooks.scheme_of(hook)
    key = signature.key_of(how, SECRET)
    headers = signature.sign(how, key, body, id_=id_, timestamp=int(clock.now().timestamp()))
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def test_a_signed_delivery_is_stored_before_it_is_answered(hook: Any) -> None:
    body = json.dumps({"type": "order.paid", "id": 7}).encode()

    status, headers, text = called(body=body, **signed(hook, body))

    assert (status, text, headers["Content-Length"]) == ("202 Accepted", b"stored", "6")
    assert Delivery.objects.get().delivery_id == "m1"


def test_one_that_is_not_signed_is_refused(hook: Any) -> None:
    assert called()[0] == "401 Unauthorized"


def test_an_unknown_webhook_is_not_found(hook: Any) -> None:
    assert called("/hooks/other")[0] == "404 Not Found"
    assert called("/hooks/other", method="GET")[0] == "404 Not Found"


def test_anything_but_post_is_not_allowed(hook: Any) -> None:
    status, headers, _ = called(method="GET")

    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "POST")


def test_a_length_that_is_none_is_asked_for(hook: Any) -> None:
    assert called(CONTENT_LENGTH="-3")[0] == "411 Length Required"


def test_a_busy_hub_says_when_to_send_again(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.services.delivery.writer.MOST_WAITING", 0)
    body = b'{"id": 1}'

    status, headers, _ = called(body=body, **signed(hook, body))

    assert (status[:3], headers["Retry-After"]) == ("503", "30")


def test_everything_else_goes_on_to_the_pages(hook: Any) -> None:
    assert called("/healthz", method="GET")[0] == "200 OK"


def test_the_servers_own_environment_is_no_header(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers put their process's environment beside the headers."""
    monkeypatch.setattr("hub.api.webhook.OURS", frozenset({"HTTP_PROXY"}))
    body = b'{"id": 1}'

    called(body=body, HTTP_PROXY="http://user:password@proxy", **signed(hook, body))

    assert "proxy" not in Delivery.objects.get().headers
