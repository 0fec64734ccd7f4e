"""Measures webhook intake, committed before it is answered, beside pgbench's single inserts in the same run."""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CLIENTS = 32
STATE = tempfile.mkdtemp()
SECRET = "whsec_" + base64.b64encode(b"the secret of the benchmark").decode()
HOOK = "bench"
PAD = "x" * 480  # the body has about 600 bytes
INSERT = """\\set key random(1, 1000000000)
insert into bench_intake (webhook, at, delivery_id, digest, body)
values (1, now(), 'msg_' || :client_id || '_' || :key || '_' || random(), md5(random()::text), repeat('x', 600)::bytea);
"""
TABLE = """
drop table if exists bench_intake;
create table bench_intake (id bigserial primary key, webhook bigint, at timestamptz, delivery_id text, digest text,
  body bytea, unique (webhook, delivery_id));
"""


def request(number: str) -> bytes:
    """One signed delivery as bytes on the wire (Standard Webhooks)."""
    body = json.dumps({"type": "order.updated", "data": {"id": number, "note": PAD}}).encode()
    id_, at = f"msg_{number}", str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = base64.b64encode(hmac.digest(key, f"{id_}.{at}.".encode() + body, hashlib.sha256)).decode()
    head = (
        f"POST /hooks/{HOOK} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nwebhook-id: {id_}\r\nwebhook-timestamp: {at}\r\n"
        f"webhook-signature: v1,{signed}\r\n\r\n"
    )
    return head.encode() + body


# wrk makes every request anew from a file of signed ones, so that it signs nothing while it measures.
WRK = """
local requests, place = {}, 0
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  for line in io.lines(args[1] .. "." .. number) do
    local id, at, signed, body = line:match("^(%S+) (%S+) (%S+) (.*)$")
    requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json",
      ["webhook-id"] = id, ["webhook-timestamp"] = at, ["webhook-signature"] = "v1," .. signed}, body)
  end
end
function request() place = place + 1; return requests[(place - 1) % #requests + 1] end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %f %f %f %d\\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status + summary.errors.timeout))
end
"""


def by_wrk(port: int, seconds: float, run: str) -> dict[str, float]:
    """Load from wrk: 32 kept connections on 2 threads."""
    with tempfile.TemporaryDirectory() as folder:
        for thread in range(2):
            lines = []
            for number in range(int(seconds * 9000)):
                raw = request(f"{run}-{thread}-{number}")
                head, _, body = raw.partition(b"\r\n\r\n")
                told = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
                signed = told["webhook-signature"].removeprefix("v1,")
                lines.append(f"{told['webhook-id']} {told['webhook-timestamp']} {signed} {body.decode()}")
            Path(folder, f"requests.{thread}").write_text("\n".join(lines))
        Path(folder, "load.lua").write_text(WRK)
        command = ["wrk", "-t2", f"-c{CLIENTS}", f"-d{int(seconds)}s", "--latency", "-s", f"{folder}/load.lua"]
        command += [f"http://127.0.0.1:{port}/hooks/{HOOK}", "--", f"{folder}/requests"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = next(line for line in done.stdout.splitlines() if line.startswith("RESULT")).split()
    count, spent, p50, p99, errors = int(told[1]), *map(float, told[2:5]), int(told[5])
    return {"rate": count / spent, "p50": p50, "p99": p99, "errors": errors, "count": count}


def by_sockets(port: int, seconds: float, run: str) -> dict[str, float]:
    """Load from 32 threads of this process with raw kept connections: the generator costs more than wrk."""
    # Signed before the clock starts, as with wrk.
    ready = [[request(f"{run}-{number}-{place}") for place in range(int(seconds * 400))] for number in range(CLIENTS)]
    stop = time.monotonic() + seconds
    spent: list[float] = []
    errors = [0]

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for one in ready[number]:
                started = time.perf_counter()
                line.sendall(one)
                answer = b""
                while b"\r\n\r\n" not in answer or not answer.endswith(b"stored"):
                    more = line.recv(4096)
                    answer += more
                    if not more or b" 202 " not in answer[:20]:
                        errors[0] += 1
                        break
                spent.append(time.perf_counter() - started)
                if time.monotonic() > stop:
                    return

    threads = [threading.Thread(target=client, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    spent.sort()
    rate = len(spent) / (time.perf_counter() - started)
    p50, p99 = (spent[int(len(spent) * share)] * 1000 for share in (0.5, 0.99))
    return {"rate": rate, "p50": p50, "p99": p99, "errors": errors[0], "count": len(spent)}


def pgbench(url: str, seconds: float) -> dict[str, float]:
    """Single inserts of the same size by 32 clients: the limit of one commit a request."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(INSERT)
        script.flush()
        subprocess.run(["psql", "-q", url, "-c", TABLE], check=True, capture_output=True)
        command = [
            "pgbench",
            "-n",
            "-M",
            "prepared",
            f"-c{CLIENTS}",
            "-j2",
            f"-T{int(seconds)}",
            "-f",
            script.name,
            url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        subprocess.run(["psql", "-q", url, "-c", "drop table bench_intake"], check=True, capture_output=True)
    told = {line.split("=")[0].strip(): line.split("=")[1] for line in done.stdout.splitlines() if "=" in line}
    return {"rate": float(told["tps"].split()[0]), "p50": float(told["latency average"].split()[0])}


@contextlib.contextmanager
def hub(environment: dict[str, str]) -> Iterator[int]:
    """The hub's web server alone on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    ours = {"DJANGO_SETTINGS_MODULE": "hub.settings", "HUB_PORT": str(port), "HUB_BIND": "127.0.0.1"}
    settings = {**os.environ, **environment, **ours, "HUB_DB_POOL": "1"}
    command = [sys.executable, "-m", "hub.supervisor.web"]
    process = subprocess.Popen(command, cwd=ROOT, env=settings)
    try:
        await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def await_port(port: int) -> None:
    """Until it answers."""
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            if b" 200 " in line.recv(100):
                return
        time.sleep(0.1)
    raise SystemExit("The web server did not start.")


def prepared(environment: dict[str, str]) -> None:
    """The tables, and a webhook with a secret."""
    code = (
        "import django; django.setup()\n"
        "from hub.models import Connection, Webhook\n"
        "from hub.services import webhook\n"
        "there, _ = Connection.objects.get_or_create(name='bench', defaults={'title': 'Bench', 'connector': 'files'})\n"
        f"hook, _ = Webhook.objects.get_or_create(name={HOOK!r}, defaults={{'title': 'Bench', 'connection': there}})\n"
        f"webhook.set_secret(webhook=hook, secret={SECRET!r}, by=None)\n"
    )
    settings = {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "hub.settings"}
    for words in (["manage.py", "migrate", "--no-input", "-v0"], ["-c", code]):
        subprocess.run([sys.executable, *words], cwd=ROOT, env=settings, check=True)


def stored(environment: dict[str, str], run: str) -> int:
    """How many deliveries of a run are in the database."""
    code = (
        "import django; django.setup()\nfrom hub.models import Delivery\n"
        f"print(Delivery.objects.filter(delivery_id__startswith='msg_{run}-').count())"
    )
    settings = {**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "hub.settings"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=settings, check=True, capture_output=True, text=True)
    return int(done.stdout)


def main() -> None:
    """Measure each server with Redis on and off, each round beside its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--redis", nargs="+", default=["on", "off"], choices=["on", "off"])
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    has_limit = url.startswith("postgres") and shutil.which("pgbench") is not None
    load = by_wrk if shutil.which("wrk") else by_sockets
    prepared({"HUB_STATE": STATE})
    print(f"{CLIENTS} kept connections, {load.__name__}; database: {urllib.parse.urlsplit(url).scheme or 'sqlite'}")
    for _ in range(options.rounds):
        limit = pgbench(url, options.seconds) if has_limit else None
        if limit:
            print(f"pgbench single inserts, {CLIENTS} clients: {limit['rate']:8,.0f}/s  mean {limit['p50']:.1f} ms")
        for redis in options.redis:
            measure(redis, load, options.seconds, limit)


def measure(redis: str, load: Callable[[int, float, str], dict[str, float]], seconds: float, limit: Any) -> None:
    """One server, one load, and whether everything that was answered is stored."""
    environment = {"HUB_STATE": STATE}
    if redis == "off":
        environment["REDIS_URL"] = "unix:///nowhere/redis.sock"
    run = secrets.token_hex(5)
    with hub(environment) as port:
        load(port, 1, f"{run}w")  # warm
        found = load(port, seconds, run)
    kept = stored(environment, run)
    ratio = f"  {found['rate'] / limit['rate']:.2f} x pgbench" if limit else ""
    print(
        f"hub, Redis {redis}: {found['rate']:8,.0f}/s  p50 {found['p50']:.1f} ms  p99 {found['p99']:.1f} ms  "
        f"errors {found['errors']:.0f}  answered {found['count']:,.0f}, stored {kept:,}{ratio}"
    )
    if kept < found["count"] - found["errors"]:
        raise SystemExit("What was answered is not stored.")


if __name__ == "__main__":
    main()
