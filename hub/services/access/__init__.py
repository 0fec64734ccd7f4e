"""The one place that decides who may do what. Every page, list, action and command asks here.

Today a right comes from Django's permissions (then it reaches everywhere) or from owning an integration, as
its owner or deputy (then it reaches what belongs to that integration). Finer rules will be added here only.
"""

from hub.services.access.decision import ALLOWED, Decision, Person, can, owned, visible
from hub.services.access.role import ROLES, ensure_roles
from hub.services.access.rule import RULES, Rule

__all__ = ["ALLOWED", "ROLES", "RULES", "Decision", "Person", "Rule", "can", "ensure_roles", "owned", "visible"]
