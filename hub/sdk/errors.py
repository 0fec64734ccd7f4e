"""Everything that can go wrong at a connector, ordered by what to do next.

HubError
├─ ConfigError           the operator must correct it      run fails, says where
│   ├─ UnreadableError   what came cannot be taken           the same, and one exception for the page
│   ├─ AbsentError       what is named is not there        the same; it may be away for now
│   └─ AuthError         credentials refused               the same, points at the connection
│       └─ ForbiddenError  known, but not allowed to do this
├─ TransientError        definitely nothing happened; later   run or change is tried again
│   └─ RateLimitedError  … after `retry_after` seconds
│       └─ PacedError    held back by the hub itself: it counts as no try
├─ SilenceError          no answer: it may have happened   the change becomes in doubt
├─ RecordError           this record only                  exception for the record, the rest goes on
└─ FatalError            a promise was broken              run fails, somebody must look
"""


class HubError(Exception):
    """Something expected went wrong. `code` is stable and short; the text is safe to show."""

    code = "error"


class ConfigError(HubError):
    """A setting is wrong or missing; the text names it and the cure."""

    code = "config"


class AbsentError(ConfigError):
    """The place that the settings name is not there: a wrong setting, or one that is away, such as a mounted folder."""

    code = "absent"


class UnreadableError(ConfigError):
    """What the other system answered cannot be taken as a whole: too large, packed too densely, no list of records."""

    code = "unreadable"


class AuthError(ConfigError):
    """The other system refused the credentials."""

    code = "auth"


class ForbiddenError(AuthError):
    """The other system knows who asks, and does not allow it: other operations may still be allowed."""

    code = "forbidden"


class TransientError(HubError):
    """Nothing happened and a later try may succeed."""

    code = "transient"


class RateLimitedError(TransientError):
    """The other system asked for a pause of `retry_after` seconds (None: it did not say how long)."""

    code = "rate-limited"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PacedError(RateLimitedError):
    """The hub itself held a request back (limit, breaker, hold): nothing has left, and it was no try."""

    code = "paced"


class SilenceError(HubError):
    """A request left and no answer came: it may have taken effect."""

    code = "silence"


class RecordError(HubError):
    """One record cannot be handled; the others can."""

    code = "record"

    def __init__(self, message: str, code: str = "record") -> None:
        super().__init__(message)
        self.code = code


class FatalError(HubError):
    """A promise between hub and connector was broken; going on would be unsafe."""

    code = "fatal"
