"""Mappings and their versions: the rules in plain words, drafts, activation, and a try-out on real records."""

from hub.admin.mapping.desk import MappingAdmin
from hub.admin.mapping.version import MappingVersionAdmin

__all__ = ["MappingAdmin", "MappingVersionAdmin"]
