"""Tells Django that the hub is one app, and loads its checks."""

from django.apps import AppConfig


class HubConfig(AppConfig):
    """The hub."""

    name = "hub"
    verbose_name = "Hub"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from hub import checks  # noqa: F401, PLC0415  models must be loaded first
