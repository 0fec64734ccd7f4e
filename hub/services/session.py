"""Sessions: how long one lasts, whether its holder may still be here, and ending those of a person."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from hub.models import User
from hub.services import access, audit

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def refusal(person: User) -> str:
    """Why this person may not be signed in; empty when they may."""
    if person.is_active and person.is_staff:
        return ""
    return "This account may not sign in here. Ask an administrator to let you in."


def ending(*, begun: datetime, seen: datetime, now: datetime) -> str:
    """Why a session is over by the clock; empty while it goes on."""
    if now - begun >= settings.HUB_SESSION_LONGEST:
        return f"You were signed in for {_told(settings.HUB_SESSION_LONGEST)}. Sign in again to go on."
    if now - seen >= settings.HUB_SESSION_IDLE:
        return f"Nothing was asked for in {_told(settings.HUB_SESSION_IDLE)}, so you were signed out."
    return ""


def rights_held(person: User) -> list[int]:
    """What a session was begun with and must not lose: the groups, and 0 for a superuser."""
    return sorted([*access.standing(person).groups, *([0] if person.is_superuser else [])])


def lost(held: Iterable[int], person: User) -> bool:
    """Whether a right that the session was begun with was taken since."""
    return not set(held) <= set(rights_held(person))


def must_add_factor(person: User) -> bool:
    """Whether this person has to set up a second factor before anything else."""
    rule = settings.HUB_SECOND_FACTOR
    if rule == "off" or (rule == "writers" and not can_write(person)):
        return False
    return not has_factor(person)


def has_factor(person: User) -> bool:
    """Whether a second factor is set up."""
    found: bool = Authenticator.objects.filter(user=person, type__in=FACTORS).exists()
    return found


def can_write(person: User) -> bool:
    """Whether any of the person's roles, or an integration that is theirs, lets them change something."""
    if person.is_superuser or access.owned(person).exists():
        return True
    return any(not name.partition(".")[2].startswith("view_") for name in access.standing(person).permissions)


@transaction.atomic
def end_all(*, person: User, by: User | None, reason: str) -> int:
    """Sign the person out everywhere; returns out of how many sessions."""
    sessions = list(UserSession.objects.filter(user=person))
    for session in sessions:
        session.end()
    audit.record(actor=by, action="session.end_all", subject=person, detail={"sessions": len(sessions)}, reason=reason)
    return len(sessions)


@transaction.atomic
def remove_factors(*, person: User, by: User | None, reason: str) -> list[str]:
    """Take every second factor of somebody who lost theirs, and sign them out everywhere."""
    held = Authenticator.objects.filter(user=person)
    kinds = sorted(held.values_list("type", flat=True))
    held.delete()
    audit.record(actor=by, action="factor.remove_all", subject=person, detail={"kinds": kinds}, reason=reason)
    end_all(person=person, by=by, reason=reason)
    return kinds


@transaction.atomic
def unlock(*, person: User, by: User | None, reason: str) -> None:
    """Forget what failed for this account. What failed from a network goes by itself."""
    for rate in ratelimit.parse_rates(settings.ACCOUNT_RATE_LIMITS["login_failed"]):
        if rate.per == "key":
            key = person.username.lower()
            cache.delete(
                ratelimit.get_cache_key(None, app="allauth.account", action="login_failed", rate=rate, key=key)
            )
    audit.record(actor=by, action="session.unlock", subject=person, reason=reason)


@transaction.atomic
def new_password(*, person: User, by: User | None, reason: str) -> str:
    """Give the person a password made up here, and sign them out everywhere; returns the password."""
    password = secrets.token_urlsafe(12)
    person.set_password(password)
    person.save(update_fields=["password"])
    audit.record(actor=by, action="person.new_password", subject=person, reason=reason)
    end_all(person=person, by=by, reason=reason)
    return password


def _told(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if minutes % 60 else f"{minutes // 60} hours"
