"""Reviews of access on the desk, and their lines."""

from hub.admin.review import desk, line

__all__ = ["desk", "line"]
