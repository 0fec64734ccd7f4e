"""Webhooks: the pages and forms of the addresses that other systems call."""

from hub.admin.webhook import desk, route

__all__ = ["desk", "route"]
