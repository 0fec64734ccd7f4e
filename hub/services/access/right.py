"""The rights that a group may be given on one object, and what each action takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Right:
    """A right on one object, by the codename of its permission: what it says to people, and which rights include it."""

    codename: str
    label: str
    given_by: tuple[str, ...]


VIEW, PAYLOAD, PERSONAL, RESOLVE, OPERATE, OWN = (
    "view_integration", "view_payload", "view_personal", "resolve_integration", "operate_integration",
    "own_integration",
)  # fmt: skip
SEE, USE, MANAGE = "view_credential", "use_credential", "manage_credential"

INTEGRATION_RIGHTS: dict[str, Right] = {
    right.codename: right
    for right in (
        Right(VIEW, "see it", (VIEW, PAYLOAD, PERSONAL, RESOLVE, OPERATE, OWN)),
        Right(PAYLOAD, "see what its records hold", (PAYLOAD, RESOLVE, OWN)),
        Right(PERSONAL, "see personal data in its records", (PERSONAL, OWN)),
        Right(RESOLVE, "settle its exceptions", (RESOLVE, OWN)),
        Right(OPERATE, "run, pause and replay it", (OPERATE, OWN)),
        Right(OWN, "do all that its owner may", (OWN,)),
    )
}
CREDENTIAL_RIGHTS: dict[str, Right] = {
    right.codename: right
    for right in (
        Right(SEE, "see that it is there, and when it ends", (SEE, USE, MANAGE)),
        Right(USE, "choose it for a connection", (USE, MANAGE)),
        Right(MANAGE, "change it and set its secret", (MANAGE,)),
    )
}

LIMITABLE = (VIEW, PAYLOAD, PERSONAL, RESOLVE)
"""The rights on an integration that may be given for a part of its records."""

# What an action takes of the integration it is about; whatever is not named takes OWN.
BY_ACTION: dict[str, str] = {
    **dict.fromkeys(("view", "use"), VIEW),
    **dict.fromkeys(("view_payload", "view_body"), PAYLOAD),
    "view_personal": PERSONAL,
    **dict.fromkeys(("retry", "release"), RESOLVE),
    **dict.fromkeys(
        ("run", "preview", "pause", "pace", "check", "cancel", "approve", "replay", "skip", "supersede"), OPERATE
    ),
}
# The same for credentials; whatever is not named takes MANAGE.
BY_CREDENTIAL_ACTION: dict[str, str] = {"view": SEE, "use": USE}
