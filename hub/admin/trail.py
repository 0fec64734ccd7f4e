"""The way from any page to the timeline of what it shows."""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from hub.services import audit
from hub.services.story import timeline


def address(subject: str, pk: Any) -> str:
    """Where the timeline of such a thing is; nothing for what has no events of its own."""
    if pk is None or subject not in audit.SUBJECTS or model_of(subject) is None:
        return ""
    return f"{reverse('admin:hub_auditevent_timeline')}?of={subject}.{pk}"


def address_of_table(table: str, key: str) -> str:
    """The same, for the row of a table."""
    found = next((model for model in apps.get_models() if model._meta.db_table == table), None)
    return address(str(found._meta.model_name), key) if found and key.isdecimal() else ""


def link(request: HttpRequest, row: Model) -> str:
    """The address of a row's timeline, for its page; nothing where it has none or the person may not see it."""
    found = address(str(row._meta.model_name), row.pk)
    return found if found and timeline.may_see(request.user, row) else ""


def model_of(subject: str) -> type[Model] | None:
    """The table of this kind of thing, if there is one."""
    if subject == "group":
        return Group
    try:
        return apps.get_model("hub", subject)
    except LookupError:
        return None
