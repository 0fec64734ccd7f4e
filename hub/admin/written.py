"""What a form changed, as the audit trail keeps it: names of fields, and their values before and after."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet

Values = dict[str, Any]
SECRET = ("password", "secret", "token")


def fields(message: Any) -> list[str]:
    """The names of changed fields from Django's description of a change."""
    parts = message if isinstance(message, list) else []
    return [name for part in parts for name in part.get("changed", {}).get("fields", [])]


def values(form: Any) -> tuple[Values, Values]:
    """(before, after) of the fields that changed and that the row itself has; never of a secret."""
    meta = getattr(form, "_meta", None)  # only the form of a row has one
    own = {field.name for field in meta.model._meta.fields} if meta else set()
    changed = [name for name in form.changed_data if name in own and not any(word in name for word in SECRET)]
    before = {name: form.initial.get(name) for name in changed}
    after = {name: form.cleaned_data.get(name) for name in changed}
    return _plain(before), _plain(after)


def _plain(values: Values) -> Values:
    found: Values = json.loads(
        json.dumps({name: _said(value) for name, value in values.items()}, cls=DjangoJSONEncoder)
    )
    return found


def _said(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    return [row.pk for row in value] if isinstance(value, QuerySet) else value
