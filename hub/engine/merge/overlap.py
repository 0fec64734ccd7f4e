"""Whether a foreign edit touched what is about to be written."""

from hub.engine.plan import changed
from hub.sdk import Fields


def overlaps(acknowledged: Fields | None, present: Fields, sending: Fields) -> list[str]:
    """The fields that both sides changed to different values: those a person must decide on.

    Empty means that what the other side touched is not what we are about to write, so the write may go
    on under the new version.
    """
    if acknowledged is None:
        return sorted(sending)
    touched = changed(acknowledged, {name: present.get(name) for name in acknowledged})
    return sorted(name for name in sending if name in touched and str(present.get(name)) != str(sending[name]))
