"""What people did at the door, in the audit trail: in, refused, out, second factors given and taken."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.signals import authentication_step_completed, password_changed
from allauth.account.signals import user_logged_in as came_in
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_removed, authenticator_reset
from allauth.socialaccount.signals import social_account_added, social_account_removed
from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from hub import clock
from hub.admin.session.proof import BEGUN, HELD, SEEN
from hub.models import User
from hub.services import audit, session

NOBODY = "an account that does not exist"


def failed(request: HttpRequest, username: str) -> None:
    """A wrong password. What was typed as a name is kept only where it is one: it might be a password."""
    person = User.objects.filter(username__iexact=username).first() if username else None
    _record(request, "session.fail", person or User(username=NOBODY), actor=None)


def refused(request: HttpRequest, person: User, why: str) -> None:
    """Right password, or right word of the provider, and not let in all the same."""
    subject = person if person.pk else User(username=NOBODY)
    _record(request, "session.refuse", subject, actor=None, reason=why)


def ended(request: HttpRequest, person: User, why: str) -> None:
    """The hub ended a session."""
    _record(request, "session.expire", person, actor=None, reason=why)


def added(request: HttpRequest, person: User) -> None:
    """The provider brought somebody who was never here."""
    _record(request, "person.add", person, actor=None, reason="first single sign-on")


@transaction.atomic
def remotely(request: HttpRequest, sessions: list[UserSession]) -> None:
    """End sessions of the person from another one, and write each down."""
    for one in sessions:
        one.end()
        _record(request, "session.end_other", one.user, browser=one.user_agent, from_network=one.ip)


@receiver(user_logged_in)
def _begun(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """A session begins: its clock starts."""
    now = clock.now().timestamp()
    request.session[BEGUN] = request.session[SEEN] = now
    request.session[HELD] = session.rights_held(user)


@receiver(came_in)
def _came_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    how = [record["method"] for record in get_authentication_records(request, user)]
    _record(request, "session.begin", user, methods=how)


@receiver(user_logged_out)
def _left(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        _record(request, "session.end", user)


@receiver(post_save, sender=Authenticator)
def _factor_added(sender: Any, instance: Any, created: bool, **_: Any) -> None:  # noqa: FBT001  Django's signature
    """In the transaction that adds it; allauth's own signal comes after."""
    if created:
        _record(context.request, "factor.add", instance.user, kind=instance.type)


@receiver(authenticator_removed)
def _factor_removed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    _record(request, "factor.remove", user, kind=authenticator.type)


@receiver(authenticator_reset)
def _factor_renewed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    _record(request, "factor.renew", user, kind=authenticator.type)


@receiver(authentication_failed)
def _factor_failed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_: Any) -> None:
    _record(request, "factor.fail", user, actor=None, kind=authenticator.type)


@receiver(authentication_step_completed)
def _proved(sender: Any, request: HttpRequest, user: User, method: str, **extra: Any) -> None:
    if extra.get("reauthenticated"):
        _record(request, "session.prove", user, method=method)


@receiver(password_changed)
def _password_changed(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    _record(request, "person.password", user)


@receiver(social_account_added)
def _joined(sender: Any, request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    _record(request, "person.join_provider", sociallogin.user)


@receiver(social_account_removed)
def _parted(sender: Any, request: HttpRequest, socialaccount: Any, **_: Any) -> None:
    _record(request, "person.part_provider", socialaccount.user)


def _record(request: HttpRequest | None, action: str, person: User, *, reason: str = "", **detail: Any) -> None:
    actor = detail.pop("actor", person)
    if request is not None and request.META.get("REMOTE_ADDR"):
        detail["network"] = get_adapter().get_client_ip(request)
    audit.record(actor=actor, action=action, subject=person, detail=detail, reason=reason)
