"""The audit trail on the desk: events, what the database saw itself, the story of an object, rights in the past."""

from hub.admin.audit import captured, desk

__all__ = ["captured", "desk"]
