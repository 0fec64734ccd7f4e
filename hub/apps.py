"""Tells Django that the hub is one app, and loads its checks."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as registered
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from hub import provenance

A_MIGRATION = provenance.Provenance(actor="a migration", method="command")


class HubConfig(AppConfig):
    """The hub."""

    name = "hub"
    verbose_name = "Hub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and have the built-in roles made after every migrate."""
        from hub import checks  # noqa: F401, PLC0415  models must be loaded first

        pre_migrate.connect(_lower_guard, sender=self)
        post_migrate.connect(_ensure_roles, sender=self)
        post_migrate.connect(_raise_guard, sender=self)
        connection_created.connect(_name_who_writes)


def _ensure_roles(sender: AppConfig, using: str, apps: Apps = registered, **_: Any) -> None:
    """Make the roles, unless only a part was migrated and their tables are not there yet."""
    from hub.services import access  # noqa: PLC0415  models must be loaded first

    is_whole = all(label in apps.all_models and apps.all_models[label] for label in ("auth", "hub"))
    if using == DEFAULT_DB_ALIAS and is_whole:
        access.ensure_roles()


def _lower_guard(sender: AppConfig, using: str, plan: list[Any], **_: Any) -> None:
    """What migrations write is theirs.

    SQLite cannot remake a table that triggers speak of, so they go meanwhile; so they do on the way back, where the
    table that keeps what they capture may go.
    """
    from hub.models import guard  # noqa: PLC0415  models must be loaded first

    if provenance.current() is None:
        provenance.begin(A_MIGRATION)
    goes_back = any(backwards for _, backwards in plan)
    if using == DEFAULT_DB_ALIAS and plan and (goes_back or connections[using].vendor == "sqlite"):
        guard.remove(connections[using])


def _raise_guard(sender: AppConfig, using: str, plan: list[Any] | None = None, **_: Any) -> None:
    """Put up what is missing of the triggers. Django also says this after a flush, which has no plan."""
    from hub.models import guard  # noqa: PLC0415  models must be loaded first

    if using == DEFAULT_DB_ALIAS and plan is not None:
        guard.install(connections[using])
    if provenance.current() is A_MIGRATION:
        provenance.begin(None)


def _name_who_writes(connection: Any, **_: Any) -> None:
    from hub.models import guard  # noqa: PLC0415  models must be loaded first

    guard.names_who_writes(connection)
