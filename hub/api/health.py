"""What a load balancer asks: does this process live, and can the whole hub work."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from hub.services import health


@never_cache
@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this web process lives."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
@require_safe
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, Redis, a worker and the scheduler are there; otherwise 503 with what is missing."""
    missing = health.missing()
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)
