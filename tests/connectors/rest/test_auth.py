"""How a connection proves who it is, by its settings and its credential."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.rest import CONNECTOR
from connectors.rest.client import RestConnection
from hub.sdk import AuthError, Change, ConfigError, Operation, Secret, Settings, check_config
from tests.connectors.rest.listener import Asked, Told, basic, listening
from tests.connectors.rest.reads import all_pages, keys

KEY = "what nobody sees"
MANIFEST: dict[str, Any] = {
    "streams": {
        "things": {
            "list": {"path": "/things", "records": "items", "pagination": {"kind": "link", "next": "next"}},
            "create": {"path": "/things"},
        }
    }
}


class Tokens:
    """A source whose first token is outdated."""

    number = 1

    def current(self) -> Secret:
        return Secret(f"token-{self.number}")

    def refused(self, token: Secret) -> bool:
        self.number += 1
        return True


def opened(base_url: str, config: Mapping[str, Any], secrets: Mapping[str, str], tokens: Any = None) -> RestConnection:
    checked = check_config(CONNECTOR.fields, {"base_url": base_url, "manifest": MANIFEST, **config})
    hidden = {name: Secret(value) for name, value in secrets.items()}
    return RestConnection(Settings(checked, hidden, CONNECTOR.origins(checked), 5.0, tokens=tokens))


@pytest.mark.parametrize(
    ("config", "secrets", "header", "value"),
    [
        ({}, {}, "authorization", None),
        ({"auth": "basic", "user": "hub"}, {"password": KEY}, "authorization", basic("hub", KEY)),
        ({"auth": "bearer"}, {"token": KEY}, "authorization", f"Bearer {KEY}"),
        ({"auth": "header"}, {"token": KEY}, "x-api-key", KEY),
        ({"auth": "header", "auth_header": "X-Mine"}, {"token": KEY}, "x-mine", KEY),
        ({"auth": "oauth2"}, {}, "authorization", "Bearer token-1"),
    ],
)
def test_goes_with_every_call(
    config: Mapping[str, str], secrets: Mapping[str, str], header: str, value: str | None
) -> None:
    seen: list[str | None] = []

    def answer(asked: Asked) -> Told:
        seen.append(asked.headers.get(header))
        return Told(200, {"items": []})

    with listening(answer) as base_url:
        connection = opened(base_url, config, secrets, Tokens())
        connection.check()
        connection.close()

    assert seen == [value]


class TestKeyInTheQuery:
    def test_is_in_every_address_and_in_no_cursor(self) -> None:
        seen: list[Mapping[str, str]] = []

        def answer(asked: Asked) -> Told:
            seen.append(asked.query)
            number = int(asked.query.get("page", 1))
            onward = {"next": f"/things?api_key={KEY.replace(' ', '%20')}&page={number + 1}"} if number < 3 else {}
            return Told(200, {"items": [{"id": number}], **onward})

        with listening(answer) as base_url:
            connection = opened(base_url, {"auth": "query", "auth_param": "api_key"}, {"token": KEY})
            pages = all_pages(connection)
            connection.close()

        assert keys(pages) == ["1", "2", "3"]
        assert [query["api_key"] for query in seen] == [KEY] * 3
        assert "api_key" not in json.dumps([page.cursor for page in pages])

    def test_needs_to_know_the_parameter(self) -> None:
        with pytest.raises(ConfigError, match="auth_param"):
            opened("https://a.example", {"auth": "query"}, {"token": KEY})


class TestOAuth2:
    def test_reads_again_with_a_new_token(self) -> None:
        with listening(by_token("token-2")) as base_url:
            connection = opened(base_url, {"auth": "oauth2"}, {}, Tokens())
            assert keys(all_pages(connection)) == ["1"]
            connection.close()

    def test_does_not_write_again_but_the_next_time(self) -> None:
        asked: list[Asked] = []
        with listening(by_token("token-2", asked)) as base_url:
            connection = opened(base_url, {"auth": "oauth2"}, {}, Tokens())
            change = Change("c1", Operation.CREATE, "x1", {"name": "a"}, {"name": "a"})
            outcomes = [next(iter(connection.apply("things", [change]))).answer.value for _ in range(2)]
            connection.close()

        assert outcomes == ["auth", "applied"]
        assert len(asked) == 2

    def test_needs_a_credential_of_that_kind(self) -> None:
        with pytest.raises(ConfigError, match="kind is OAuth2"):
            opened("https://a.example", {"auth": "oauth2"}, {})


class TestCertificate:
    def test_that_is_chosen_must_be_there(self) -> None:
        with pytest.raises(ConfigError, match="no certificate"):
            opened("https://a.example", {"auth": "certificate"}, {})

    def test_that_is_there_is_checked_beside_any_way(self) -> None:
        with pytest.raises(ConfigError, match="PEM"):
            opened("https://a.example", {"auth": "bearer"}, {"token": KEY, "certificate": "x", "private_key": "y"})


def test_no_secret_is_in_an_error() -> None:
    with listening(lambda asked: Told(401, {"error": {"message": f"{asked.query} {asked.headers}"}})) as base_url:
        for config in ({"auth": "query", "auth_param": "k"}, {"auth": "header"}):
            connection = opened(base_url, config, {"token": KEY})
            with pytest.raises(AuthError) as caught:
                connection.check()
            connection.close()
            assert KEY not in str(caught.value)


def by_token(token: str, seen: list[Asked] | None = None) -> Any:
    def answer(asked: Asked) -> Told:
        if seen is not None:
            seen.append(asked)
        if asked.headers.get("authorization") != f"Bearer {token}":
            return Told(401, {"error": "invalid_token"})
        return Told(200, {"items": [{"id": 1}]}) if asked.method == "GET" else Told(201, {"id": 2})

    return answer
