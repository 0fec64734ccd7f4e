"""Lists that stay fast at a million rows, and filters that offer only what may be seen."""

from typing import Any

from django.contrib.admin.filters import RelatedFieldListFilter
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from hub.services import access

COUNT_CAP = 10_000
CHOICES_CAP = 200


class CappedPaginator(Paginator[Any]):
    """Counts to ten thousand and no further, so that a list of millions opens as fast as a short one."""

    template_name = "admin/hub/pagination.html"

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most the cap."""
        rows = self.object_list
        return rows[:COUNT_CAP].count() if isinstance(rows, QuerySet) else len(rows)

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than were counted."""
        return self.count >= COUNT_CAP


class ScopedFilter(RelatedFieldListFilter):
    """A filter by a related row that offers only rows the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """The rows to choose from, at most two hundred."""
        rows = access.visible(request.user, "view", field.remote_field.model)[:CHOICES_CAP]
        return [(str(row.pk), str(row)) for row in rows]
