"""Credentials: what is known about a secret, who uses it, and new values, which go in and never come back."""

from hub.admin.credential.desk import ending
from hub.admin.credential.form import LinesField

__all__ = ["LinesField", "ending"]
