"""Saves a row so that its history says who changed it and why."""

from collections.abc import Sequence

from django.db import models

from hub.models import User


def save_as(row: models.Model, *, by: User | None, reason: str, fields: Sequence[str] | None = None) -> None:
    """Save `row` (only `fields`, when given) with `by` and `reason` in its history."""
    row._history_user = by  # type: ignore[attr-defined]  # noqa: SLF001  simple-history's documented names
    row._change_reason = reason[:300]  # type: ignore[attr-defined]  # noqa: SLF001
    row.save(update_fields=fields)
