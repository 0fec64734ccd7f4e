"""When an OAuth2 token is used, renewed, waited for or given up: decided from what the row says and the time."""

from dataclasses import dataclass
from enum import StrEnum

MARGIN = 0.10  # of its life: a token is renewed before it ends
LONGEST_MARGIN = 600.0
SPREAD = 0.5  # of the margin, by chance: tokens given together are not renewed together
DEADLINE = 15.0  # a renewal may take
LEASE = 45.0  # a renewal that has not ended by then died with its worker
PATIENCE = 2.0  # many providers end the old token at once, so it is waited for the new one before the old one is used
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
REFUSED_WAIT = 300.0  # a client that is refused is not mended by asking again, and some providers lock it out
MOST_FAILURES, EXHAUSTED_WAIT = 8, 900.0
NEW = 60.0  # a token that is refused this young: the next one would be refused too


class Step(StrEnum):
    """What whoever needs a token does now."""

    USE = "use"
    RENEW = "renew"
    WAIT = "wait"  # somebody else is renewing it
    LATER = "later"  # it could not be renewed, and it is too early to try again
    CONSENT = "consent"  # a person must agree again


@dataclass(frozen=True, slots=True)
class Standing:
    """A token as its row says. Times are seconds since 1970."""

    has_access: bool = False
    expires_at: float = 0.0
    renew_at: float = 0.0
    refreshing_since: float | None = None
    next_try_at: float | None = None
    needs_consent: bool = False


def step(stands: Standing, now: float) -> Step:
    """What to do now."""
    if stands.needs_consent:
        return Step.CONSENT
    is_valid = stands.has_access and now < stands.expires_at
    since = stands.refreshing_since
    if since is not None and now - since < LEASE:
        return Step.USE if is_valid and now - since >= PATIENCE else Step.WAIT
    if is_valid and now < stands.renew_at:
        return Step.USE
    if stands.next_try_at is not None and now < stands.next_try_at:
        return Step.USE if is_valid else Step.LATER
    return Step.RENEW


def renew_at(now: float, life: float, chance: float) -> float:
    """When a token that lives so many seconds from now is to be renewed. `chance` is from 0 to 1."""
    margin = min(LONGEST_MARGIN, MARGIN * life)
    return now + life - margin - SPREAD * margin * chance


def wait_after(failures: int, *, is_refused: bool) -> float:
    """Seconds until the next try after so many failures in a row."""
    if failures >= MOST_FAILURES:
        return EXHAUSTED_WAIT
    return REFUSED_WAIT if is_refused else min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** max(0, failures - 1))
