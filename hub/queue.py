"""The doorbell: tells a worker that a lane has something to do. Losing a ring costs a delay, never work."""

import logging
import time
from collections.abc import Mapping
from functools import cache
from typing import cast

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

NAME = "hub"
DRAIN = "hub.jobs.drain"
CHECK = "hub.jobs.check_connection"
TAKE = "hub.jobs.take_deliveries"
TAKING = "hub:deliveries"  # set while a worker has been rung to take deliveries and has not begun
TAKING_SECONDS = 5
REVIEW = "hub.jobs.review"
EXCHANGE = "hub.jobs.complete_consent"
ANSWER = "hub.jobs.answer"
ANSWER_SECONDS = 60
LOOK_SECONDS = 0.1
EXPORT = "hub.jobs.export"
VERIFY = "hub.jobs.verify_evidence"

logger = logging.getLogger(__name__)


@cache
def connection() -> Redis:
    """The Redis connection of this process."""
    # Not tried again: whoever rings must not be held up for seconds when Redis is away, and the sweeper rings again.
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def queue() -> Queue:
    """The one queue. JSON, because a pickle in a reachable Redis is code execution."""
    return Queue(NAME, connection=connection(), serializer=JSONSerializer)


def ring(lane_id: int) -> None:
    """Ask, once the present transaction has committed, that a worker drains this lane."""
    transaction.on_commit(lambda: _enqueue(DRAIN, lane_id=lane_id))


def waiting() -> int:
    """How many jobs wait for a worker; none when Redis does not say."""
    try:
        return int(queue().count)
    except RedisError:
        return 0


def ask_check(check_id: int) -> None:
    """Ask, once the present transaction has committed, that a worker tests a connection."""
    transaction.on_commit(lambda: _enqueue(CHECK, check_id=check_id))


def ask_answer(*, ticket: str, question: str, subject: int, more: Mapping[str, int]) -> None:
    """Ask that the next free worker looks something up; the answer is awaited under `ticket`."""
    _enqueue(ANSWER, ticket=ticket, question=question, subject=subject, more=dict(more))


def put_answer(ticket: str, answer: str) -> None:
    """Lay down an answer for whoever awaits it, for a minute. Raises RedisError."""
    connection().set(f"hub:answer:{ticket}", answer, ex=ANSWER_SECONDS)


def await_answer(ticket: str, seconds: float) -> str | None:
    """The answer; None when there was none in time, or Redis is away."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            if (found := connection().getdel(f"hub:answer:{ticket}")) is not None:
                return bytes(cast(bytes, found)).decode()
            time.sleep(LOOK_SECONDS)
    except RedisError:
        logger.debug("The doorbell is away; nobody can answer.")
    return None


def ring_deliveries() -> bool:
    """Ask that a worker takes the deliveries that wait, unless one is asked already; False when Redis is away."""
    try:
        if connection().set(TAKING, 1, nx=True, ex=TAKING_SECONDS):
            _enqueue(TAKE)
    except RedisError:
        return False
    return True


def hear_deliveries() -> None:
    """Begin to take deliveries: whatever is stored from now on needs another ring."""
    try:
        connection().delete(TAKING)
    except RedisError:
        logger.debug("The doorbell is away; the mark of the ring ends by itself.")


def ask_review(review_id: int) -> None:
    """Ask, once the present transaction has committed, that a worker reads both sides of a mapping after a restore."""
    transaction.on_commit(lambda: _enqueue(REVIEW, review_id=review_id))


def ask_export(export_id: int) -> None:
    """Ask, once the present transaction has committed, that a worker writes an export of evidence."""
    transaction.on_commit(lambda: _enqueue(EXPORT, export_id=export_id))


def ask_verification(verification_id: int) -> None:
    """Ask, once the present transaction has committed, that a worker verifies all evidence."""
    transaction.on_commit(lambda: _enqueue(VERIFY, verification_id=verification_id))


def ask_exchange(consent_id: int) -> None:
    """Ask, once the present transaction has committed, that a worker completes a consent that came back."""
    transaction.on_commit(lambda: _enqueue(EXCHANGE, consent_id=consent_id))


def _enqueue(job: str, **ids: object) -> None:
    """Put a job of ids on the queue. A Redis that is away is reported, not raised: the sweeper rings again."""
    try:
        queue().enqueue(
            job,
            kwargs=ids,
            description=job,
            at_front=job in {ANSWER, EXCHANGE},
            result_ttl=0,
            failure_ttl=86_400,
            job_timeout=6 * 3600,
        )
    except RedisError as error:
        logger.warning("The doorbell is away (%s); the sweeper will ring again.", type(error).__name__)
