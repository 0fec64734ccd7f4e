"""What the hub's tests share."""

from tests.hub.garden import garden

__all__ = ["garden"]
