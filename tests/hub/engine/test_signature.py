"""Signatures of webhooks, against values that others published."""

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine import signature
from hub.engine.signature import Scheme, SignatureError, Style, Verdict

STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_BODY = b'{"test": 2432232314}'
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK = {"header": "X-Slack-Signature", "prefix": "v0=", "template": "v0:{timestamp}:{body}",
         "timestamp_header": "X-Slack-Request-Timestamp"}  # fmt: skip
TIMED = [Style.STANDARD, Style.STRIPE]


def judged(
    how: Scheme, secrets: list[str], headers: Mapping[str, str], body: bytes, now: float = 0, tolerance: float = 300
) -> Verdict:
    keys = [signature.key_of(how, secret) for secret in secrets]
    return signature.verify(how, keys, headers, body, now=now, tolerance=tolerance)


class TestPublishedValues:
    def test_of_standard_webhooks(self) -> None:
        """The example of the specification (standardwebhooks.com), which all its libraries test against."""
        how = signature.scheme("standard", {})

        assert judged(how, [STANDARD_SECRET], STANDARD_HEADERS, STANDARD_BODY, now=1614265330) is Verdict.VALID

    def test_of_github(self) -> None:
        """docs.github.com, “Testing the webhook payload validation”."""
        digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        headers = {"x-hub-signature-256": f"sha256={digest}"}

        found = judged(signature.scheme("github", {}), ["It's a Secret to Everybody"], headers, b"Hello, World!")

        assert found is Verdict.VALID

    def test_of_shopifys_form(self) -> None:
        """A value that another receiver of Shopify's webhooks (SQLPage) keeps among its tests."""
        headers = {"x-shopify-hmac-sha256": "QNyObTlKbMx2qDlPF/ZOZcBqg5OgPg+2oky3zldc0Gw="}
        body = b'{"id":1234567890,"email":"customer@example.com","total_price":"123.45"}'

        assert judged(signature.scheme("shopify", {}), ["test-webhook-secret"], headers, body) is Verdict.VALID

    def test_of_slack_described_as_hmac(self) -> None:
        """docs.slack.dev, “Verifying requests from Slack”: any such style can be described."""
        headers = {
            "x-slack-request-timestamp": "1531420618",
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        }
        how = signature.scheme("generic", SLACK)

        assert judged(how, ["8f742231b10e8888abcd99yyyzzz85a5"], headers, SLACK_BODY, now=1531420600) is Verdict.VALID

    def test_of_stripes_form(self) -> None:
        """Stripe publishes the way (t, then a dot, then the body) but no value; this one is by openssl.

        printf '1492774577.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret
        """
        digest = "799c4ba7bb339f3c8601adfd112f0e477c930a268be1243d341abb8286501c2f"
        headers = {"stripe-signature": f"t=1492774577,v1={digest},v0=6ffbb59b2300aae63f272406069a9788598b792a"}
        how = signature.scheme("stripe", {})

        assert judged(how, ["whsec_test_secret"], headers, b'{"id":"evt_1"}', now=1492774577) is Verdict.VALID


class TestVerify:
    @pytest.mark.parametrize("style", list(Style))
    def test_takes_what_was_signed_and_refuses_sixty_mutations(self, style: Style) -> None:
        """PROOF-HOOK-1."""
        how, chance = signature.scheme(style, {}), random.Random(7)
        secret = "c2VjcmV0LW9mLXRoZS10ZXN0"
        key, body = signature.key_of(how, secret), b'{"id": 17, "state": "paid"}'
        headers = signature.sign(how, key, body, id_="m1", timestamp=1000)

        assert judged(how, [secret], headers, body, now=1000) is Verdict.VALID
        for _ in range(60):
            place = chance.randrange(len(headers[how.header]))
            told = headers[how.header]
            other = told[:place] + chance.choice("xyz!") + told[place + 1 :]
            changed = bytearray(body)
            changed[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
            if style is not Style.TOKEN:
                assert judged(how, [secret], headers, bytes(changed), now=1000) is not Verdict.VALID
            assert judged(how, [secret], headers | {how.header: other}, body, now=1000) is not Verdict.VALID

    @pytest.mark.parametrize("style", TIMED)
    @pytest.mark.parametrize(
        ("now", "verdict"),
        [(1000 + 301, Verdict.LATE), (1000 - 301, Verdict.EARLY), (1299, Verdict.VALID), (701, Verdict.VALID)],
    )
    def test_refuses_what_was_signed_long_ago_or_in_the_future(self, style: Style, now: int, verdict: Verdict) -> None:
        how = signature.scheme(style, {})
        headers = signature.sign(how, signature.key_of(how, STANDARD_SECRET), b"{}", id_="m", timestamp=1000)

        assert judged(how, [STANDARD_SECRET], headers, b"{}", now=now) is verdict

    @pytest.mark.parametrize("style", list(Style))
    def test_accepts_either_of_two_secrets_while_they_are_replaced(self, style: Style) -> None:
        how = signature.scheme(style, {})
        old, new, other = "b2xk", "bmV3", "b3RoZXI="
        headers = signature.sign(how, signature.key_of(how, old), b"{}", id_="m", timestamp=1000)

        assert judged(how, [new, old], headers, b"{}", now=1000) is Verdict.VALID
        assert judged(how, [new, other], headers, b"{}", now=1000) is Verdict.WRONG

    def test_accepts_one_of_several_signatures_of_the_sender(self) -> None:
        how = signature.scheme("standard", {})
        headers = STANDARD_HEADERS | {"webhook-signature": f"v1,AAAA v1a,xx {STANDARD_HEADERS['webhook-signature']}"}

        assert judged(how, [STANDARD_SECRET], headers, STANDARD_BODY, now=1614265330) is Verdict.VALID

    def test_says_what_is_missing(self) -> None:
        how = signature.scheme("standard", {})

        assert judged(how, [], STANDARD_HEADERS, b"") is Verdict.KEYLESS
        assert judged(how, [STANDARD_SECRET], {}, b"") is Verdict.UNSIGNED
        assert judged(how, [STANDARD_SECRET], {"webhook-signature": "v1,x"}, b"") is Verdict.UNTIMED

    @given(st.dictionaries(st.sampled_from(sorted({s.header for s in signature.NAMED.values()})), st.text()),
           st.sampled_from(list(Style)), st.binary(max_size=50))  # fmt: skip
    def test_withstands_any_header(self, headers: dict[str, str], style: Style, body: bytes) -> None:
        assert judged(signature.scheme(style, {}), ["c2VjcmV0"], headers, body) is not Verdict.VALID


class TestScheme:
    @pytest.mark.parametrize(
        ("described", "told"),
        [
            ({"template": "{timestamp}{body}"}, "timestamp_header"),
            ({"template": "{id}{body}"}, "id_header"),
            ({"template": "nothing"}, "{body} once"),
            ({"template": "{body}{other}"}, "{body} once"),
            ({"algorithm": "md5"}, "sha256 or sha512"),
            ({"colour": "red"}, "no setting"),
            ({"header": 7}, "must be text"),
            ({"header": ""}, "header must name"),
        ],
    )
    def test_says_what_is_wrong(self, described: dict[str, Any], told: str) -> None:
        with pytest.raises(SignatureError, match=told):
            signature.scheme("generic", described)

    def test_of_a_named_style_takes_no_settings(self) -> None:
        with pytest.raises(SignatureError, match="no setting of this style"):
            signature.scheme("github", {"prefix": "x"})

    def test_refuses_a_secret_that_is_not_written_as_the_style_wants(self) -> None:
        with pytest.raises(SignatureError, match="must be base64"):
            signature.key_of(signature.scheme("standard", {}), "whsec_###")
