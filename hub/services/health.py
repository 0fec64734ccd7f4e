"""Whether the hub is whole: which of its processes are alive, and what is missing for it to be ready."""

import os
import socket
from functools import cache
from typing import cast

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from hub import clock, queue

ROLES = {"worker": "no worker is alive", "scheduler": "the scheduler is not alive"}
FRESH_SECONDS = 45  # an idle worker beats every 30


def beat(role: str) -> None:
    """Say that this process is alive, for the next 45 seconds. Raises RedisError."""
    until = clock.now().timestamp() + FRESH_SECONDS
    queue.connection().zadd(_key(role), {_me(): until})


def fall_silent(role: str) -> None:
    """Say that this process ends. Raises RedisError."""
    queue.connection().zrem(_key(role), _me())


def forget_dead() -> None:
    """Strike off processes of this machine that were killed and could not say so. Raises RedisError."""
    redis = queue.connection()
    for role in ROLES:
        redis.zremrangebyscore(_key(role), 0, clock.now().timestamp())
        for member in cast(list[bytes], redis.zrange(_key(role), 0, -1)):
            host, _, pid = member.decode().rpartition(":")
            if host == socket.gethostname() and not _is_running(int(pid)):
                redis.zrem(_key(role), member)


def heard() -> dict[tuple[str, str, int], bool]:
    """(role, host, process id) of each process that has not taken its leave, and whether its last sign of life is
    fresh. Raises RedisError."""
    now, redis = clock.now().timestamp(), queue.connection()
    found: dict[tuple[str, str, int], bool] = {}
    for role in ROLES:
        for member, until in cast(list[tuple[bytes, float]], redis.zrange(_key(role), 0, -1, withscores=True)):
            host, _, pid = member.decode().rpartition(":")
            found[role, host, int(pid)] = until >= now
    return found


def missing() -> list[str]:
    """What keeps the hub from working, one phrase for each; empty when it is ready."""
    return [*_missing_of_database(), *_missing_of_processes()]


def _missing_of_database() -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return [] if _is_migrated() else ["the database is not migrated"]
    except DatabaseError:
        return ["the database does not answer"]


def _missing_of_processes() -> list[str]:
    now = clock.now().timestamp()
    try:
        redis = queue.connection()
        return [told for role, told in ROLES.items() if not redis.zcount(_key(role), now, "+inf")]
    except RedisError:
        return ["Redis does not answer"]


def _is_migrated() -> bool:
    """Once migrated, this version of the code stays migrated: only a yes is remembered."""
    if not _migrated_once():
        _migrated_once.cache_clear()
        return False
    return True


@cache
def _migrated_once() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _key(role: str) -> str:
    return f"hub:alive:{role}"


def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
