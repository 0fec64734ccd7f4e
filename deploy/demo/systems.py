"""The third-party systems of the demo: start them, edit their records, stop them.

    python systems.py serve  --state DIR    start all, stay until Ctrl-C or SIGTERM
    python systems.py edit   --state DIR    a working day's edits in the source systems
    python systems.py status --state DIR    what runs, and where
    python systems.py reset  --state DIR    remove everything; the next start begins anew

Run it with the Python of the environment made from requirements.txt beside this file.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import erp
import freight
import recordstore
import requests
import sqlserver
import workday
from children import HOST, Children, claim_port
from state import DemoError, Ports, State, write_private

_PORTS = {"kinto": 18340, "tryton": 18341, "postgres": 18342}


class Stopped(BaseException):
    """Somebody asked us to stop; not an error, so no `except Exception` may hold it."""


def main() -> int:
    """Do what the command line says."""
    options = _options()
    try:
        options.act(State(options.state), options)
    except DemoError as problem:
        sys.stderr.write(f"demo: {problem}\n")
        return 1
    except Stopped:  # before anything ran
        return 0
    return 0


def serve(state: State, options: argparse.Namespace) -> None:
    """Start everything, announce it, and stay until told to stop."""
    ports = Ports(options.kinto_port, options.tryton_port, options.postgres_port)
    _on_stop_signals(_stop)
    state.create()
    with state.lock() as lock:
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        state.addresses.unlink(missing_ok=True)
        children = Children(state)
        try:
            _start_all(children, state, ports)
            while True:
                children.check()
                time.sleep(0.5)
        except Stopped:
            _tell("stopping")
        finally:
            _on_stop_signals(signal.SIG_IGN)
            state.addresses.unlink(missing_ok=True)
            children.stop()


def edit(state: State, options: argparse.Namespace) -> None:
    """Make the edits of one working day."""
    known = state.path("done", "rounds.json")
    made: list[int] = json.loads(known.read_text()) if known.exists() else []
    number = options.round or max(made, default=0) + 1
    for line in workday.apply_round(state, number):
        sys.stdout.write(f"round {number}: {line}\n")
    write_private(known, json.dumps(sorted({*made, number})))


def status(state: State, options: argparse.Namespace) -> None:
    """Say what runs, and where."""
    del options
    announced = state.read_addresses()
    server = announced["postgres"]
    places = {
        "kinto": (announced["kinto"]["url"] + "/", f"user {announced['kinto']['user']}"),
        "tryton": (announced["tryton"]["url"] + "/", f"database {announced['tryton']['database']}"),
    }
    for name, (address, detail) in places.items():
        sys.stdout.write(f"{name:9} {_is_up(address)}  {address}  {detail}\n")
    place = f"{server['host']}:{server['port']}  database {server['database']}"
    sys.stdout.write(f"postgres  {_is_listening(state, server)}  {place}\n")
    sys.stdout.write(f"files     here  {announced['files']['directory']}\n")


def reset(state: State, options: argparse.Namespace) -> None:
    """Remove everything the demo systems keep."""
    del options
    state.reset()
    _tell(f"{state.folder} removed")


def _start_all(children: Children, state: State, ports: Ports) -> None:
    """Start the systems; what takes long goes on while the others are set up."""
    began = time.monotonic()
    for name, port in vars(ports).items():
        claim_port(port, option=f"--{name}-port")
    server = sqlserver.start(children, state, ports.postgres)
    _tell(f"PostgreSQL answers on {HOST}:{ports.postgres}")
    making = erp.prepare(children, state, server, ports.tryton)
    if making is not None:
        _tell("making the ERP's database: some 20 seconds, this once")
    tryton = None if making else erp.start(children, state, None)
    sqlserver.ensure_logistics(server, state.passwords()["logistics"])
    freight.ensure_file(state)
    recordstore.prepare(children, state, server, ports.kinto)
    kinto = recordstore.start(children, state)
    recordstore.await_ready(children, kinto, state, ports.kinto)
    _tell(f"Kinto answers on {HOST}:{ports.kinto}")
    tryton = tryton or erp.start(children, state, making)
    erp.await_ready(children, tryton, state, ports.tryton)
    _tell(f"Tryton answers on {HOST}:{ports.tryton}")
    write_private(state.addresses, json.dumps(_addresses(state, ports), indent=2) + "\n")
    _tell(f"all up after {time.monotonic() - began:.1f} s: {state.addresses}")


def _addresses(state: State, ports: Ports) -> dict[str, dict[str, Any]]:
    passwords = state.passwords()
    return {
        "kinto": {
            "url": f"http://{HOST}:{ports.kinto}/v1",
            "user": recordstore.USER,
            "password": passwords["kinto"],
        },
        "tryton": {
            "url": f"http://{HOST}:{ports.tryton}",
            "database": erp.DATABASE,
            "user": erp.USER,
            "password": passwords["tryton"],
        },
        "postgres": {
            "host": HOST,
            "port": ports.postgres,
            "database": "logistics",
            "user": "logistics",
            "password": passwords["logistics"],
        },
        "files": {"directory": str(state.folder / "files")},
    }


def _is_up(url: str) -> str:
    try:
        requests.get(url, timeout=5)
    except requests.RequestException:
        return "down"
    return "up  "


def _is_listening(state: State, server: dict[str, Any]) -> str:
    answers = sqlserver.answers(sqlserver.Server(server["port"], state.passwords()["postgres"]))
    return "up  " if answers else "down"


def _on_stop_signals(handler: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, handler)


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise Stopped


def _tell(line: str) -> None:
    sys.stdout.write(f"demo: {line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="serve|edit|status|reset")
    for act in (serve, edit, status, reset):
        verb = verbs.add_parser(act.__name__, help=act.__doc__)
        verb.add_argument("--state", type=Path, required=True, metavar="DIR")
        verb.set_defaults(act=act)
        if act is serve:
            _add_ports(verb)
        if act is edit:
            verb.add_argument("--round", type=int, help="default: the next one not made yet")
    return parser.parse_args()


def _add_ports(verb: argparse.ArgumentParser) -> None:
    for name, usual in _PORTS.items():
        variable = f"HUB_DEMO_{name.upper()}_PORT"
        default = int(os.environ.get(variable, usual))
        described = f"default: {variable} or {usual}"
        verb.add_argument(f"--{name}-port", type=int, default=default, metavar="PORT", help=described)


if __name__ == "__main__":
    sys.exit(main())
