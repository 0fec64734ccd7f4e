"""What a database's error means for the hub: try again, ask a person, or stop."""

from dataclasses import dataclass
from enum import StrEnum

from hub.sdk import AbsentError, Answer, AuthError, ConfigError, FatalError, ForbiddenError, HubError, TransientError


class Verdict(StrEnum):
    """What has to happen next."""

    RECORD = "record"  # the database refuses what this record says
    LATER = "later"  # nothing happened and a later try may succeed
    LOST = "lost"  # the connection is gone: before a commit that is LATER, during one it is silence
    ACCESS = "access"  # the account may not do this
    SETTING = "setting"  # something named in the connection is not there


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error, understood. `message` is the database's own, safe to show."""

    verdict: Verdict
    code: str
    message: str

    @property
    def answer(self) -> Answer:
        """The answer to a change that met this trouble before its transaction was committed."""
        return ANSWERS[self.verdict]

    def error(self) -> HubError:
        """The error for whoever was reading."""
        return SAID.get(self.code, ERRORS[self.verdict])(self.message)


ANSWERS = {
    Verdict.RECORD: Answer.REFUSED,
    Verdict.LATER: Answer.RETRY,
    Verdict.LOST: Answer.RETRY,
    Verdict.ACCESS: Answer.AUTH,
    Verdict.SETTING: Answer.RETRY,
}
ERRORS: dict[Verdict, type[HubError]] = {
    Verdict.RECORD: FatalError,
    Verdict.LATER: TransientError,
    Verdict.LOST: TransientError,
    Verdict.ACCESS: AuthError,
    Verdict.SETTING: ConfigError,
}
# The database knows who asks and does not allow it; the database itself is not there.
SAID: dict[str, type[HubError]] = {"permission": ForbiddenError, "no-database": AbsentError}
