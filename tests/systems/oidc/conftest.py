"""A hub that has a real OIDC provider for its single sign-on."""

import importlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client
from django.urls import clear_url_caches

from hub import urls
from hub.models import User
from hub.provider import Provider
from tests.factories import UserFactory
from tests.ports import free_ports

HERE = Path(__file__).parent
CALLBACK = "http://testserver/account/oidc/callback/"
CLIENT_ID, CLIENT_SECRET, PASSWORD = "the-hub", "what-only-the-hub-knows", "a-password-at-the-provider-1"


@dataclass
class Running:
    """The provider, and a browser at it."""

    url: str
    browser: requests.Session = field(default_factory=requests.Session)

    @property
    def issuer(self) -> str:
        return f"{self.url}/o"

    def control(self, **asked: Any) -> None:
        """Have it know other groups, or say something else."""
        requests.post(f"{self.url}/control", json=asked, timeout=10).raise_for_status()

    def asked(self) -> dict[str, int]:
        """How often it was asked for tokens, by the kind of grant, and for things."""
        counted: dict[str, int] = requests.post(f"{self.url}/control", json={}, timeout=10).json()
        return counted

    def visit(self, address: str, name: str, callback: str = CALLBACK) -> str:
        """Go where the hub sent the browser, sign in as `name` where asked, and return where it is sent back to."""
        answer = self.browser.get(address, allow_redirects=False, timeout=20)
        for _ in range(8):
            if answer.status_code == 200 and "csrfmiddlewaretoken" in answer.text:
                answer = self._sign_in(answer, name)
            onward = answer.headers.get("Location", "")
            assert onward, f"{answer.status_code}: {answer.text[:400]}"
            if onward.startswith(callback):
                return onward.removeprefix("http://testserver")
            answer = self.browser.get(requests.compat.urljoin(answer.url, onward), allow_redirects=False, timeout=20)
        raise AssertionError(f"never sent back: {answer.url}")

    def _sign_in(self, page: requests.Response, name: str) -> requests.Response:
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        hidden["next"] = hidden.get("next", "").replace("&amp;", "&")
        sent = {**hidden, "username": name, "password": PASSWORD}
        return self.browser.post(page.url, data=sent, allow_redirects=False, timeout=20)


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The provider's process; its address."""
    folder, port = tmp_path_factory.mktemp("provider"), free_ports("provider")["provider"]
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, str(HERE / "provider.py"), str(folder), str(port), CALLBACK], stdout=log, stderr=log
        )
        url, limit = f"http://127.0.0.1:{port}", time.monotonic() + 90
        while not _answers(url):
            if started.poll() is not None or time.monotonic() > limit:
                started.kill()
                pytest.fail((folder / "log").read_text())
            time.sleep(0.2)
        yield url
        started.terminate()
        started.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/o/.well-known/openid-configuration", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def running(process: str) -> Iterator[Running]:
    """The provider as it was at first: nobody in any group."""
    provider = Running(process)
    provider.control(
        groups={"nora": [], "olga": []}, said={}, mood={},
        ACCESS_TOKEN_EXPIRE_SECONDS=3600, REFRESH_TOKEN_GRACE_PERIOD_SECONDS=0,
    )  # fmt: skip
    yield provider
    provider.browser.close()


@pytest.fixture
def provider(running: Running, settings: Any) -> Iterator[Provider]:
    """The hub's settings for it, as the environment would name them."""
    found = Provider(
        issuer=running.issuer,
        client_id=CLIENT_ID,
        secret=CLIENT_SECRET,
        name="Example Ltd",
        claim="groups",
        groups={"hub-view": ("Viewer",), "hub-audit": ("Auditor",), "hub-run": ("Operator", "Whole hub")},
    )
    settings.HUB_OIDC, settings.SOCIALACCOUNT_PROVIDERS = found, found.apps()
    renew_addresses()
    yield found
    settings.HUB_OIDC = None
    renew_addresses()


def renew_addresses() -> None:
    importlib.reload(urls)
    clear_url_caches()


def come(client: Client, running: Running, name: str = "nora", **asked: str) -> Any:
    """Sign in through the provider; the hub's last answer."""
    sent = client.get("/account/oidc/", {"process": "login", **asked})
    assert urlsplit(sent.headers["Location"]).path == "/o/authorize/"
    return client.get(running.visit(sent.headers["Location"], name))


@pytest.fixture
def person(db: None) -> User:
    """Who manages the credentials."""
    made: User = UserFactory(username="carla", groups=["Credential admin", "Whole hub"])
    return made
