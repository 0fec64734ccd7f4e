"""The page that tells rights as of a moment: of a person, or on an integration or a credential."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.timezone import localtime

from hub import clock
from hub.admin.deed import BARE
from hub.models import AuditEvent, Credential, Integration, User
from hub.services import access, audit, rights
from hub.services.audit.selection import SelectionError, moment_of

MOST = 500
OBJECTS: dict[str, type[Integration] | type[Credential]] = {"integration": Integration, "credential": Credential}


def view(request: HttpRequest) -> HttpResponse:
    """Ask for a person or an object and a moment; the answer below."""
    if not access.can(request.user, "view", AuditEvent) or not isinstance(request.user, User):
        raise PermissionDenied
    audit.viewed(actor=request.user, page="rights")
    at, mistaken = _moment(request.GET.get("at", ""))
    chosen = request.GET.get("of", "")
    context = {
        **admin.site.each_context(request), **BARE,
        "title": "Rights as of a moment",
        "has_own_title": True,
        "choices": _choices(request.user),
        "chosen": chosen,
        "at": at,
        "typed": localtime(at).strftime("%Y-%m-%dT%H:%M"),
        "mistaken": mistaken,
        "begins": rights.begins(),
        **(_answer(chosen, at) if chosen and not mistaken else {}),
    }  # fmt: skip
    return TemplateResponse(request, "admin/hub/auditevent/rights.html", context)


def _answer(chosen: str, at: datetime) -> dict[str, Any]:
    kind, _, key = chosen.partition(".")
    if not key.isdecimal() or len(key) > 18 or kind not in ("user", *OBJECTS):
        return {"is_absent": True}
    then = rights.past(at)
    told = {"is_certain": then.is_certain, "certain_from": then.certain_from}
    found: Any
    if kind == "user":
        found = rights.of_person(then, int(key))
        return {**told, "person": found, "is_absent": found is None}
    found = rights.of_object(then, OBJECTS[kind], int(key))
    return {**told, "reached": found, "is_absent": found is None}


def _moment(text: str) -> tuple[datetime, str]:
    """The moment asked for, at most now; and what is wrong with it."""
    now = clock.now()
    if not text:
        return now, ""
    try:
        at = moment_of(text)
    except SelectionError as error:
        return now, str(error)
    return (at, "") if at <= now else (now, "That moment is still to come. Choose one that has passed.")


def _choices(user: User) -> list[tuple[str, list[tuple[str, str]]]]:
    """Whom or what one may ask about."""
    people = access.visible(user, "view", User).order_by("username")[:MOST]
    found = [("People", [(f"user.{one.pk}", f"{one.username} ({one})") for one in people])]
    for kind, model in OBJECTS.items():
        rows = access.visible(user, "view", model).order_by("title")[:MOST]
        found.append((f"{kind.capitalize()}s", [(f"{kind}.{one.pk}", str(one)) for one in rows]))
    return found
