"""Drives a whole hub as its people do, by its pages and commands, and keeps everything that it ever answered."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.canary.sink import Blob
from tests.hubs import ROOT, Hub

PATIENCE = 40.0  # seconds
PASSWORD = "a-password-for-trying-1"
PEOPLE = {
    "ada": ("Integration owner", "Operator", "Credential admin", "Whole hub"),
    "sigrid": ("Security admin",),
    "abel": ("Auditor",),
    "rita": ("Resolver", "Whole hub"),
    "vera": ("Viewer", "Whole hub"),
}
MAKE = """
import json, sys
from django.contrib.auth.models import Group
from hub.models import User
for name, groups in json.loads(sys.argv[-1] if False else {people!r}).items():
    person = User.objects.create_user(name, password={password!r}, is_staff=True)
    person.groups.set(Group.objects.filter(name__in=groups))
"""
TOKEN = re.compile(r'name="csrfmiddlewaretoken"\s+value="([^"]+)"')
FIELD = re.compile(r'<(?:input|select|textarea)[^>]*\sname="([^"]+)"[^>]*>')
LINK = re.compile(r'href="(/[^"#]*)"')


@dataclass
class Driver:
    """Everything that is asked goes through here; `heard` is every answer and everything printed."""

    hub: Hub
    heard: list[Blob] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    _sessions: dict[str, requests.Session] = field(default_factory=dict)

    def begin(self) -> None:
        """Make the people."""
        people = json.dumps({name: list(groups) for name, groups in PEOPLE.items()})
        self.command("shell", "-c", MAKE.format(people=people, password=PASSWORD), told="make people")

    def command(self, *words: str, told: str = "", **environment: str) -> str:
        """What a command prints, whether it goes well or not; one that would wait for hours is stopped."""
        asked = [sys.executable, "manage.py", *words]
        given = {**self.hub.settings, **environment}
        with subprocess.Popen(asked, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate()
        self._keep(told or f"manage.py {words[0]}", out + b"\n" + err)
        return (out + err).decode()

    def get(self, who: str, path: str) -> str:
        """A page, as this person gets it."""
        answer = self._session(who).get(self._url(path), timeout=60)
        return self._hear(f"{who} gets {path}", answer)

    def post(self, who: str, path: str, told: str, **given: Any) -> str:
        """Fill the form of a page and send it; what it asks and `given` does not answer stays as it stands."""
        page = self._session(who).get(self._url(path), timeout=60)
        self._hear(f"{who} opens {path}", page)
        token = TOKEN.search(page.text)
        data = {**_standing(page.text), **given, "csrfmiddlewaretoken": token[1] if token else ""}
        answer = self._session(who).post(self._url(path), data=data, headers={"Referer": self._url(path)}, timeout=60)
        return self._hear(f"{told} ({who})", answer)

    def send(self, path: str, told: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post something from outside."""
        answer = requests.post(self._url(path), data=body, headers=dict(headers), timeout=30)
        self._hear(told, answer)
        return answer.status_code

    def crawl(self, who: str, start: str = "/admin/", most: int = 400) -> int:
        """Look at every page that leads on from the first, as this person; how many there were."""
        seen, left = {start}, [start]
        while left and len(seen) < most:
            for found in LINK.findall(self.get(who, left.pop())):
                path = found.replace("&amp;", "&")
                if path not in seen and path.startswith("/admin/hub/") and "/delete/" not in path:
                    seen.add(path)
                    left.append(path)
        return len(seen)

    def _session(self, who: str) -> requests.Session:
        if who not in self._sessions:
            self._sessions[who] = session = requests.Session()
            session.trust_env = False
            page = session.get(self._url("/account/login/"), timeout=60)
            token = TOKEN.search(page.text)
            assert token, page.text[:500]
            data = {"login": who, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
            answer = session.post(page.url, data=data, headers={"Referer": page.url}, timeout=60)
            assert "/account/login" not in answer.url, answer.text[:2000]
        return self._sessions[who]

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.hub.settings['HUB_PORT']}{path}"

    def _hear(self, told: str, answer: requests.Response) -> str:
        heads = "\n".join(
            f"{name}: {value}" for one in [*answer.history, answer] for name, value in one.headers.items()
        )
        self._keep(told, f"{answer.url}\n{heads}\n".encode() + answer.content)
        return answer.text

    def _keep(self, told: str, blob: bytes) -> None:
        self.flows.append(told)
        self.heard.append((f"answer to: {told}", blob))


def _standing(page: str) -> dict[str, str]:
    """What the fields of a form hold as it is opened."""
    found: dict[str, str] = {}
    for tag in re.finditer(r"<input[^>]*>", page):
        name, value = (re.search(rf'\s{word}="([^"]*)"', tag[0]) for word in ("name", "value"))
        is_off = re.search(r'type="(?:checkbox|radio|submit|hidden)"', tag[0]) and "checked" not in tag[0]
        if name and not (is_off and 'type="hidden"' not in tag[0]) and name[1] != "csrfmiddlewaretoken":
            found[name[1]] = value[1] if value else ""
    for name, inner in re.findall(r'<select[^>]*\sname="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', inner)
        found[name] = chosen[1] if chosen else ""
    for name, inner in re.findall(r'<textarea[^>]*\sname="([^"]*)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        found[name] = inner.strip()
    return found
