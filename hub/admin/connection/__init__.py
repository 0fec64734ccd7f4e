"""Connections: set up on a form made from what their connector asks for, tested, and shown with what uses them."""

from hub.admin.connection.desk import ConnectionAdmin

__all__ = ["ConnectionAdmin"]
