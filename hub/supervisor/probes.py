"""Asks, before anything starts, whether what the settings name is there, and says what to do when it is not."""

import errno
import http.client
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, BusyLoadingError, RedisError
from redis.retry import Retry

from hub import env
from hub.env import SettingError

PATIENCE_SECONDS = 3.0  # for a predecessor that is just ending
DATABASE_SHAPE = "postgresql://user:password@host:5432/name"
REDIS_SHAPE = "redis://host:6379/0"


def host() -> str:
    """The address on which the web server listens."""
    return env.text("HUB_BIND", "127.0.0.1", shape="an address of this machine, such as 127.0.0.1 or 0.0.0.0")


def bind_address() -> str:
    """Address and port as servers write them."""
    return f"[{host()}]:{settings.HUB_PORT}" if ":" in host() else f"{host()}:{settings.HUB_PORT}"


def page() -> str:
    """Where a person on this machine opens the hub."""
    return f"http://{_reached_at()}:{settings.HUB_PORT}/"


def claim_port() -> None:
    """Raise SettingError when the web server could not listen."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while (problem := _listening_problem()) and problem.errno == errno.EADDRINUSE and time.monotonic() < limit:
        time.sleep(0.1)
    if problem is None:
        return
    if problem.errno == errno.EADDRINUSE:
        raise SettingError(
            f"HUB_PORT={settings.HUB_PORT} is in use by another program. It must be a free port from 1 to 65535. "
            f"Stop that program, or choose another port: HUB_PORT={settings.HUB_PORT % 65535 + 1}."
        )
    raise SettingError(
        f"HUB_BIND={host()} with HUB_PORT={settings.HUB_PORT} cannot be listened on ({problem.strerror or problem}). "
        f"HUB_BIND must be an address of this machine. Correct it, or unset it to use 127.0.0.1."
    )


def database() -> None:
    """Raise SettingError when the database that DATABASE_URL names cannot be used."""
    if settings.HUB_EMBEDDED_DATABASE:
        return
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise SettingError(
            f"DATABASE_URL: {_database_place()} cannot be used ({_first_line(error)}). Start that server, create the "
            f"database, or correct DATABASE_URL ({DATABASE_SHAPE}); unset it to use the embedded SQLite."
        ) from None
    finally:
        connection.close()


def redis(wait: Callable[[], None]) -> None:
    """Raise SettingError when the server that REDIS_URL names cannot be used; calls `wait` while it is loading."""
    once = Retry(NoBackoff(), 0)
    client = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5, retry=once)
    try:
        while _is_loading(client):
            wait()
    except (AuthenticationError, AuthorizationError):
        raise _redis_error("refused the user or password") from None
    except RedisError as error:
        raise _redis_error(f"did not answer ({_first_line(error)})") from None
    finally:
        client.close()


def is_ready() -> bool:
    """Whether the whole hub says that it can work."""
    asked = http.client.HTTPConnection(_reached_at().strip("[]"), settings.HUB_PORT, timeout=5)
    try:
        asked.request("GET", "/readyz", headers={"Host": _known_host()})
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _reached_at() -> str:
    own = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host(), host())  # noqa: S104  compared, not bound
    return f"[{own}]" if ":" in own and not own.startswith("[") else own


def _known_host() -> str:
    """A name the web server answers to."""
    first = settings.ALLOWED_HOSTS[0]
    return "localhost" if first == "*" else first.lstrip(".")


def _listening_problem() -> OSError | None:
    family = socket.AF_INET6 if ":" in host() else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host(), settings.HUB_PORT))
    except OSError as error:
        return error
    return None


def _is_loading(client: Redis) -> bool:
    try:
        client.ping()
    except BusyLoadingError:
        return True
    return False


def _redis_error(what: str) -> SettingError:
    place = urlsplit(settings.REDIS_URL)
    named = place.path if place.scheme == "unix" else f"{place.hostname}:{place.port or 6379}"
    return SettingError(
        f"REDIS_URL: the Redis or Valkey server at {named} {what}. Start it, or correct REDIS_URL ({REDIS_SHAPE}); "
        f"unset it to use the embedded one."
    )


def _database_place() -> str:
    named = settings.DATABASES["default"]
    if "sqlite" in named["ENGINE"]:
        return f"the SQLite file {named['NAME']}"
    return f"the database {named['NAME']} at {named.get('HOST') or 'localhost'}:{named.get('PORT') or 5432}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
