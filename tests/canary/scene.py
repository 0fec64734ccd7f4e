"""What is set up and done so that every secret goes wherever a secret of its kind goes."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.engine import signature
from hub.engine.signature import Style
from tests.canary.driver import PEOPLE, Driver
from tests.canary.secret import certificate
from tests.canary.system import WAYS

MANIFEST = {
    "streams": {
        "things": {
            "label": "Things",
            "key": "id",
            "list": {"path": "/things", "records": "data"},
            "item": {"path": "/things/{key}", "record": "data"},
            "create": {"path": "/things", "record": "data"},
            "update": {"path": "/things/{key}", "record": "data"},
        }
    }
}
AUTHS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("password", {"auth": "basic", "user": "hub"}, "password"),
    ("bearer", {"auth": "bearer"}, "token"),
    ("header key", {"auth": "header", "auth_header": "X-Api-Key"}, "token"),
    ("cookie", {"auth": "header", "auth_header": "Cookie"}, "token"),
    ("short", {"auth": "basic", "user": "hub"}, "password"),
    ("query key", {"auth": "query", "auth_param": "key"}, "token"),
)
"""(secret, how it is sent, the name of its value)"""
ZONE = {
    "zones": {
        "here": {
            "title": "This machine", "networks": ["127.0.0.0/8"], "allow_http": True, "reason": "The tests' systems.",
            "is_open": True,
        }
    }
}  # fmt: skip
PLACES = re.compile(r'<(?:input[^>]*type="password"|textarea)[^>]*\sname="(value-[^"]+|secret-[^"]+)"')


def names() -> list[tuple[str, str, dict[str, str], str]]:
    """(connection, secret, how it is sent, name of its value) for each way of answering and each way of proving."""
    found = []
    for number, way in enumerate(WAYS):
        for secret, config, value in (AUTHS[number % len(AUTHS)], AUTHS[(number + 2) % len(AUTHS)]):
            found.append((f"{way.replace('_', '-')}-{secret.replace(' ', '-')}", secret, config, value))
    return found


def configuration(folder: Path, address: str) -> dict[str, Any]:
    """Connections of every sort to a system that repeats what it is told, and an integration that writes to each."""
    made: dict[str, Any] = {"credentials": {}, "connections": {}, "integrations": {}, "webhooks": {}}
    for name, secret, config, value in names():
        way = name.removesuffix(f"-{secret.replace(' ', '-')}").replace("-", "_")
        made["credentials"][name] = {"values": {value: {"from_env": _variable(secret)}}}
        made["connections"][name] = {
            "title": name, "connector": "rest", "owner": "ada", "credential": name, "timeout_seconds": 2,
            "landing_seconds": 1, "config": {"base_url": f"{address}/{way}", "manifest": MANIFEST, **config},
        }  # fmt: skip
    _renewed(made, address)
    _by_key(made, address)
    made["credentials"]["base"] = {"values": {"password": {"from_env": _variable("database")}}}
    port = int(address.rpartition(":")[2])
    for name, at in (("base-away", 1), ("base-strange", port)):
        made["connections"][name] = {
            "title": name, "connector": "sql", "owner": "ada", "credential": "base", "timeout_seconds": 2,
            "config": {
                "driver": "postgresql+psycopg", "host": "127.0.0.1", "port": at, "database": "books", "user": "hub",
                "sslmode": "prefer", "tables": {"things": {"table": "things", "key": ["id"]}},
            },
        }  # fmt: skip
    made["credentials"]["base"]["origins"] = [f"postgresql://127.0.0.1:{at}" for at in (1, port)]
    made["connections"]["files"] = {
        "title": "Files", "connector": "files", "owner": "ada",
        "config": {"url": f"file://{folder}", "streams": {"things": {"pattern": "things.csv", "key": ["id"]}}},
    }  # fmt: skip
    for name, *_ in names():
        there = {
            "source": "files/things", "destination": f"{name}/things", "delete_policy": "ignore",
            "body": {"fields": {"name": {"steps": [{"path": "name"}]}}},
        }  # fmt: skip
        back = {**there, "source": f"{name}/things", "destination": "fine-password/things"}
        made["integrations"][name] = {
            "title": name, "purpose": "To be refused.", "owner": "ada", "deputy": "rita", "mappings": {"out": there},
        }  # fmt: skip
        made["integrations"][f"{name}-back"] = {
            "title": f"{name} back", "purpose": "To be misread.", "owner": "ada", "deputy": "rita",
            "mappings": {"back": back},
        }  # fmt: skip
    for name, style, secret in (("signed", "standard", "webhook"), ("shared", "token", "webhook token")):
        made["credentials"][f"hook-{name}"] = {"values": {"secret": {"from_env": _variable(secret)}}}
        made["webhooks"][name] = {
            "title": name, "connection": names()[0][0], "style": style, "credential": f"hook-{name}",
        }  # fmt: skip
    return made


def _renewed(made: dict[str, Any], address: str) -> None:
    """Connections with tokens: one that gets them, and one whose provider refuses and repeats what it was told."""
    for name, way in (("tokens", "token"), ("no-tokens", "no_token")):
        made["credentials"][name] = {
            "kind": "oauth_client", "origins": [address],
            "details": {"client_id": "hub", "token_url": f"{address}/{way}", "client_authentication": "post"},
            "values": {"client_secret": {"from_env": _variable("client secret")}},
        }  # fmt: skip
        for where in ("fine", "refuses", "forbids"):
            made["connections"][f"{name}-{where}"] = {
                "title": f"{name} {where}", "connector": "rest", "owner": "ada", "credential": name,
                "timeout_seconds": 2, "landing_seconds": 1,
                "config": {"base_url": f"{address}/{where}", "manifest": MANIFEST, "auth": "oauth2"},
            }  # fmt: skip


def _by_key(made: dict[str, Any], address: str) -> None:
    """Connections that prove themselves by a private key, to a system that does not understand them."""
    place = address.partition("://")[2]
    made["credentials"]["card"] = {
        "kind": "certificate", "origins": [f"https://{place}"], "values": {
            "certificate": {"from_env": "CANARY_CERTIFICATE"},
            "private_key": {"from_env": _variable("certificate key")},
        },
    }  # fmt: skip
    made["credentials"]["ssh"] = {
        "kind": "ssh_key", "origins": [f"sftp://{place}"],
        "values": {"private_key": {"from_env": _variable("ssh key")}},
    }  # fmt: skip
    made["connections"]["card"] = {
        "title": "card", "connector": "rest", "owner": "ada", "credential": "card", "timeout_seconds": 2,
        "config": {"base_url": f"https://{place}/fine", "manifest": MANIFEST, "auth": "certificate"},
    }  # fmt: skip
    made["connections"]["ssh"] = {
        "title": "ssh", "connector": "files", "owner": "ada", "credential": "ssh", "timeout_seconds": 2,
        "config": {
            "url": f"sftp://{place}/out", "user": "hub",
            "streams": {"things": {"pattern": "things.csv", "key": ["id"]}},
        },
    }  # fmt: skip


def environment(planted: Mapping[str, str]) -> dict[str, str]:
    """The secrets as the command that applies the configuration finds them."""
    shown = {"CANARY_CERTIFICATE": certificate(planted["certificate key"])}
    return {**{_variable(name): value for name, value in planted.items()}, **shown}


def _variable(secret: str) -> str:
    return f"CANARY_{secret.upper().replace(' ', '_')}"


def keys_of(driver: Driver, model: str) -> dict[str, int]:
    """The number of each row, by name."""
    rows = f"{model}.objects.values_list('name', 'pk')"
    ask = f"import json; from hub.models import {model}; print(json.dumps(dict({rows})))"
    found: dict[str, int] = json.loads(
        driver.command("shell", "-v0", "-c", ask, told=f"look {model} up").splitlines()[-1]
    )
    return found


def use(driver: Driver, planted: Mapping[str, str]) -> None:
    """Do with the secrets whatever is done with secrets, well and wrongly."""
    connections, credentials = keys_of(driver, "Connection"), keys_of(driver, "Credential")
    for name, pk in connections.items():
        driver.post("ada", f"/admin/hub/connection/{pk}/do/test/", f"test {name}")
        driver.post("ada", f"/admin/hub/connection/{pk}/do/streams/", f"streams of {name}")
    _set_anew(driver, credentials, planted)
    _rotate(driver, credentials, planted)
    _run(driver)
    _deliver(driver, planted)
    _take_out(driver)
    _look(driver)


OTHERS: dict[str, tuple[str, str]] = {
    "tokens": ("client secret", "client_secret"),
    "no-tokens": ("client secret", "client_secret"),
    "card": ("certificate key", "private_key"),
    "ssh": ("ssh key", "private_key"),
    "base": ("database", "password"),
}


def _set_anew(driver: Driver, credentials: Mapping[str, int], planted: Mapping[str, str]) -> None:
    """Set values by the form: rightly, where it may not be sent, too little of them, and by who may not."""
    known = {name: (secret, value) for name, secret, _, value in names()} | OTHERS
    for name, (secret, value) in known.items():
        at = f"/admin/hub/credential/{credentials[name]}/do/set_values/"
        right = {f"value-{value}": planted[secret]}
        everywhere = dict.fromkeys(PLACES.findall(driver.get("ada", at)), planted[secret])
        driver.post("ada", at, f"set {name} wrongly", **everywhere, origins="http://nowhere at all")
        driver.post("ada", at, f"set {name} without a name", **right, other_value=planted[secret])
        driver.post("vera", at, f"set {name} without the right", **right)
        driver.post("ada", at, f"set {name}", **right)
    secret = planted["password"]
    driver.post("ada", "/admin/hub/credential/add/", "add one", name="late", title=f"Late {len(secret)}")
    driver.post(
        "ada", "/admin/hub/credential/999999/do/set_values/", "set one that is not there", **{"value-x": secret}
    )
    driver.post("ada", "/admin/hub/connection/add/?connector=rest", "add a connection wrongly", **{
        "secret-password": secret, "secret-token": secret, "title": "", "config-base_url": f"ftp://{len(secret)}",
    })  # fmt: skip


def _rotate(driver: Driver, credentials: Mapping[str, int], planted: Mapping[str, str]) -> None:
    """Stage values and test them, put them to use, go back, and take back what was staged."""
    for number, (name, secret, _, value) in enumerate(names()[:6]):
        at = f"/admin/hub/credential/{credentials[name]}/do"
        driver.post("ada", f"{at}/rotate/", f"stage {name}", **{f"value-{value}": planted[secret]})
        driver.post("ada", f"{at}/test/", f"test what is staged of {name}")
        ends = ("discard", "revoke") if number % 2 else ("activate", "go_back")
        for end in ends:
            driver.post("ada", f"{at}/{end}/", f"{end} {name}", reason="It is due today, as agreed.")


def _take_out(driver: Driver) -> None:
    """Wrap keys anew, verify, and export evidence in both forms."""
    driver.command("rewrap_credentials")
    driver.command("verify_audit")
    for form in ("jsonl", "csv"):
        file = driver.hub.state / f"evidence.{form}"
        driver.command("export_evidence", str(file), "--format", form, "--reason", "For the auditors of this year.")


def _run(driver: Driver) -> None:
    """Run everything, by hand and by a worker, and preview it."""
    for number, (name, pk) in enumerate(keys_of(driver, "Integration").items()):
        if number % 6 == 0:
            driver.command("sync", name, "--full", "--by", "ada", told=f"run {name} by hand")
            driver.command("sync", name, "--preview", "--json", "--by", "ada", told=f"preview {name} by hand")
        driver.post("ada", f"/admin/hub/integration/{pk}/do/run_now/", f"run {name} by a worker", full="on")


def _deliver(driver: Driver, planted: Mapping[str, str]) -> None:
    """Send webhooks: rightly, with a wrong signature, with the secret where it does not belong."""
    body = json.dumps({"type": "edited", "data": {"id": "1"}}).encode()
    scheme = signature.scheme(Style.STANDARD, {})
    key = signature.key_of(scheme, planted["webhook"])
    right = signature.sign(scheme, key, body, id_="msg_1", timestamp=int(time.time()))
    right = {**right, "content-type": "application/json"}
    driver.send("/hooks/signed", "a right delivery", body, right)
    driver.send("/hooks/signed", "a wrong signature", body, {**right, "webhook-signature": "v1,AAAA"})
    for place in ("authorization", "x-hub-token", "x-webhook-token", "x-token"):
        driver.send("/hooks/shared", f"a shared secret as {place}", body, {place: planted["webhook token"]})
    driver.send("/hooks/none", "a hook that is not there", body, right)


def _look(driver: Driver) -> None:
    """Let everybody look at everything."""
    for who in PEOPLE:
        driver.crawl(who)
    for path in ("/healthz", "/readyz", "/no/such/page", "/admin/hub/credential/?q=x&fields__contains=a"):
        driver.get("abel", path)
