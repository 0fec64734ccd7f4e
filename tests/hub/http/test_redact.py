"""Nothing secret in any text."""

import json
import traceback
from base64 import b64encode
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http import Basic, Bearer, HeaderKey, HttpClient, exchange_of
from hub.http.redact import Scrubber
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


class TestReEncodedSecrets:
    """What a server may make of them before it sends them back."""

    @pytest.mark.parametrize("before", [b"", b"a", b"ab", b"hub:"])
    @given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40))
    def test_are_hidden_wherever_in_base64_they_stand(self, secret: str, before: bytes) -> None:
        told = b64encode(before + secret.encode() + b" and more").decode()

        for text in (told, told.translate(str.maketrans("+/", "-_"))):
            left = Scrubber([secret])(text).replace("•••", "")
            assert len(left) <= len(b64encode(before + b" and more")) + 4

    def test_are_hidden_in_hexadecimal_digits(self) -> None:
        scrub = Scrubber(["swordfish"])

        assert scrub(f"at {b'swordfish'.hex()} or {b'swordfish'.hex().upper()}") == "at ••• or •••"

    def test_are_hidden_by_halves(self) -> None:
        assert Scrubber(["swordfish-for-the-crm"])("begins swordfis, ends -the-crm") == "begins •••, ends •••"

    def test_that_are_short_hide_nothing_else(self) -> None:
        assert Scrubber(["ab"])("YWI= 6162") == "YWI= 6162"
