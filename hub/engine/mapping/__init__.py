"""Mappings: field rules from a source record to a destination record. They are data, never code."""

from hub.engine.mapping.compiled import Compiled, Excluded, Mapped, Problem, Rejected
from hub.engine.mapping.compiler import ENGINE_VERSION, compile_mapping, describe, describe_back, describe_filter
from hub.engine.mapping.findings import MappingError
from hub.engine.mapping.personal import NOBODYS, Personal, drafted_fields, personal_fields
from hub.engine.mapping.values import ProblemKind

__all__ = [
    "ENGINE_VERSION",
    "NOBODYS",
    "Compiled",
    "Excluded",
    "Mapped",
    "MappingError",
    "Personal",
    "Problem",
    "ProblemKind",
    "Rejected",
    "compile_mapping",
    "describe",
    "describe_back",
    "describe_filter",
    "drafted_fields",
    "personal_fields",
]
