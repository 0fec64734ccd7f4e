"""The one place that decides who may do what. Every page, list, action and command asks here.

A right takes two things: a role or group of the person that includes the action (`role`), and a reach. A role reaches
the integrations and credentials on which one of the person's groups was given a right (`right`), and what hangs on
them, or, where the right is limited to a part of the data, the exceptions of that part. The roles Auditor and Security
admin, and everybody in “Whole hub”, reach everything. Owner and deputy of an integration reach what belongs to it
without either.
"""

from hub.services.access.decision import ALLOWED, Decision, Person, can, granted, granted_credentials, owned, visible
from hub.services.access.right import CREDENTIAL_RIGHTS, INTEGRATION_RIGHTS, LIMITABLE, Right
from hub.services.access.role import ROLES, WHOLE_HUB, Role, ensure_roles
from hub.services.access.rule import RULES, Rule
from hub.services.access.standing import Standing, standing
from hub.services.access.version import policy_version

__all__ = [
    "ALLOWED",
    "CREDENTIAL_RIGHTS",
    "INTEGRATION_RIGHTS",
    "LIMITABLE",
    "ROLES",
    "RULES",
    "WHOLE_HUB",
    "Decision",
    "Person",
    "Right",
    "Role",
    "Rule",
    "Standing",
    "can",
    "ensure_roles",
    "granted",
    "granted_credentials",
    "owned",
    "policy_version",
    "standing",
    "visible",
]
