"""Tells Django that the hub is one app, and loads its checks."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registered
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate


class HubConfig(AppConfig):
    """The hub."""

    name = "hub"
    verbose_name = "Hub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and have the built-in roles made after every migrate."""
        from hub import checks  # noqa: F401, PLC0415  models must be loaded first

        post_migrate.connect(_ensure_roles, sender=self)


def _ensure_roles(sender: AppConfig, using: str, apps: Apps = registered, **_: Any) -> None:
    """Make the roles, unless only a part was migrated and their tables are not there yet."""
    from hub.services import access  # noqa: PLC0415  models must be loaded first

    is_whole = all(label in apps.all_models and apps.all_models[label] for label in ("auth", "hub"))
    if using == DEFAULT_DB_ALIAS and is_whole:
        access.ensure_roles()
