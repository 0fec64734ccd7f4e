"""What workers are asked to do. A job carries ids only; what there is to do stands in the database."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections

from hub import provenance, queue
from hub.services import connection, delivery, errand, recovery, run
from hub.services import export as exports
from hub.services.audit import verification
from hub.services.credential import oauth


def drain(lane_id: int, **newer: object) -> None:
    """Do all that a lane has to do now. `newer`: what a newer hub's job may say besides, during an upgrade."""
    with _own_connections():
        run.drain(lane_id=lane_id, owner=f"{socket.gethostname()}:{os.getpid()}", gives_way=True)


def check_connection(check_id: int, **newer: object) -> None:
    """Test a connection and write down the answer."""
    with _own_connections():
        connection.run_check(check_id=check_id)


def answer(ticket: str, question: str, subject: int, more: dict[str, int], **newer: object) -> None:
    """Look something up in another system for a person who waits for it, in a process that may not open secrets."""
    with _own_connections():
        errand.answer(ticket=ticket, question=question, subject=subject, more=more)


def take_deliveries(**newer: object) -> None:
    """Turn the deliveries that wait into hints."""
    with _own_connections():
        queue.hear_deliveries()
        delivery.take_waiting()


def review(review_id: int, **newer: object) -> None:
    """Read both sides of a mapping after a restored backup."""
    with _own_connections():
        recovery.review(review_id=review_id)


def export(export_id: int, **newer: object) -> None:
    """Write a file of evidence."""
    with _own_connections():
        exports.write(export_id)


def verify_evidence(verification_id: int, **newer: object) -> None:
    """Verify all evidence, and keep what came out."""
    with _own_connections():
        verification.run(verification_id)


def complete_consent(consent_id: int, **newer: object) -> None:
    """Get the first tokens for a consent that came back from its provider."""
    with _own_connections():
        oauth.exchange(consent_id=consent_id)


@contextmanager
def _own_connections() -> Iterator[None]:
    """Begin and end without a database connection that has grown old or broken; what is done is the hub's own doing."""
    close_old_connections()
    try:
        with provenance.acting(provenance.Provenance(method="worker")):
            yield
    finally:
        close_old_connections()
