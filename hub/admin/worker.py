"""Workers and the queue: a page to look at, for operators. Nothing can be done to them here."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from hub import clock
from hub.admin import wording
from hub.models import MainSwitch, User
from hub.services import access, worker

BAR = 100  # per cent


def page_view(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The whole page."""
    frame = {**site.each_context(request), "title": "Workers and queue", "has_own_title": True}
    live = {"live_url": reverse("admin:hub_lane_workers_live")}
    return TemplateResponse(request, "admin/hub/worker/page.html", {**frame, **live, **_told(request)})


def live_view(request: HttpRequest) -> HttpResponse:
    """Only what moves, for the page that keeps itself fresh."""
    return TemplateResponse(request, "admin/hub/worker/live.html", _told(request))


def may_watch(request: HttpRequest) -> bool:
    """Whether the page is for this person."""
    return access.can(request.user, "watch", MainSwitch).allowed


def _told(request: HttpRequest) -> dict[str, Any]:
    if not isinstance(request.user, User) or not may_watch(request):
        raise PermissionDenied
    at = clock.now()
    state = worker.look(request.user, at)
    most = max((count for _, count in state.rung), default=1)
    return {
        "state": state,
        "at": at,
        "busy": sum(one.doing is not None for one in state.processes),
        "workers": sum(one.role == "worker" and one.is_alive for one in state.processes),
        "processes": [
            (one, _ago(one.since, at), _ago(one.doing.since if one.doing else None, at)) for one in state.processes
        ],
        "rung": [(words, count, round(BAR * count / most)) for words, count in state.rung],
        "waiting": [(one, _ago(one.oldest, at)) for one in state.waiting],
        "failed": [(one, _ago(one.at, at)) for one in state.failed],
        "most": worker.MOST,
    }


def _ago(moment: Any, at: Any) -> str:
    return wording.ago(moment, at) if moment else ""
