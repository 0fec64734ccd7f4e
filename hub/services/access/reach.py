"""Which rows of a table hang on an integration or a credential: the conditions that rights on these lead to."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from hub.models import Connection, Mapping

Mine = QuerySet[Any, Any]
Scope = Callable[[Mine], Q]


def through(path: str) -> Scope:
    """Rows that lead by `path` to one of a person's integrations."""
    return lambda mine: Q(**{f"{path}__in": mine})


def through_connection(path: str) -> Scope:
    """Rows that lead by `path` to a connection which a mapping of one of a person's integrations uses."""

    def scope(mine: Mine) -> Q:
        return Q(**{f"{path}__in": _used(mine)})

    return scope


def through_credential(path: str) -> Scope:
    """Rows that lead by `path` to a credential of such a connection."""
    return lambda mine: Q(**{f"{path}__in": _used(mine).values("credential")})


def _used(mine: Mine) -> QuerySet[Connection]:
    mappings = Mapping.objects.filter(integration__in=mine)
    is_used = Q(pk__in=mappings.values("source")) | Q(pk__in=mappings.values("destination"))
    return Connection.objects.filter(is_used).order_by()


def sealed(path: str) -> Scope:
    """Rows that lead by `path` to one of these credentials."""
    return lambda credentials: Q(**{f"{path}__in": credentials})
