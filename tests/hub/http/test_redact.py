"""Nothing secret in any text."""

import json
import traceback
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from hub.http import Basic, Bearer, HeaderKey, HttpClient, exchange_of
from hub.sdk import (
    HubError,
    Secret,
)
from tests.hub.http.calls import call
from tests.hub.http.wires import always

pytestmark = pytest.mark.usefixtures("carrier")


class TestSecrets:
    """A secret that a server sends back goes no further."""

    SECRET = 'tö/ken "42"&x'

    @pytest.mark.parametrize(
        "auth", [Bearer(Secret(SECRET)), HeaderKey("X-Key", Secret(SECRET)), Basic("hub", Secret(SECRET))]
    )
    @pytest.mark.parametrize("status", ["200 OK", "401 No", "422 No", "500 No"])
    def test_are_in_no_text(self, auth: Any, status: str) -> None:
        secret = self.SECRET
        in_json = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1].replace("/", r"\/")]
        forms = [*auth.hidden(), *in_json, escape(secret), quote_plus(secret), quote(secret, safe="")]
        body = " ".join(forms).encode()
        shown = ""
        try:
            response = call(
                always(body, f"ETag: {forms[-1]}", status=status),
                "POST",
                "/things?key=" + forms[-1],
                auth=auth,
                json={"note": self.SECRET},
            )
            shown += repr(response.exchange) + repr(response)
        except HubError as error:
            shown += traceback.format_exc() + repr(exchange_of(error)) + repr(error)

        assert "•••" in shown
        assert [form for form in forms if form in shown] == []

    def test_are_not_in_the_client(self) -> None:
        client = HttpClient(
            base_url="http://127.0.0.1:1",
            origins=["http://127.0.0.1:1"],
            auth=Basic("hub", Secret("geheim")),
            headers={"X-Key": "geheim"},
        )

        assert "geheim" not in repr(client)

    def test_are_removed_before_a_text_is_cut(self) -> None:
        body = b"x" * 1995 + b"geheim-geheim"

        exchange = call(always(body), auth=Bearer(Secret("geheim-geheim"))).exchange

        assert "gehe" not in exchange.response

    def test_exchanges_are_bounded_and_show_no_query_values(self) -> None:
        exchange = call(always(b"y" * 9000), "PUT", "/a?token=abc&x=1", data=b"z" * 9000).exchange

        assert exchange.request.startswith("PUT /a?token=…&x=…\n")
        assert len(exchange.request) < 2200
        assert len(exchange.response) < 2200
