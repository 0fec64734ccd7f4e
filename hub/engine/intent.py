"""The write-intent state machine: which states a change may have, and which step follows which.

Source of the states and steps: the write-intent log described in the README, section “The life of a change”.
"""

from enum import StrEnum

from hub.sdk import Answer


class State(StrEnum):
    """Where a change stands."""

    PLANNED = "planned"  # of a preview: nothing will be sent
    READY = "ready"  # will be sent
    SENDING = "sending"  # committed; the request leaves, has left, or is lost
    ACCEPTED = "accepted"  # the destination took it for later and gave a job to ask about
    AMBIGUOUS = "ambiguous"  # silence: it may have happened
    PROBING = "probing"  # being looked up at the destination
    PARKED = "parked"  # unknown whether it happened; a person decides
    RETRY_WAIT = "retry_wait"  # definitely not applied; will be tried again
    AUTH_HELD = "auth_held"  # credentials refused; waits for the connection
    HELD = "held"  # waits for an approval, a freeze window or a pause
    APPLIED = "applied"  # it happened
    VERIFIED = "verified"  # it happened and was read back
    REJECTED = "rejected"  # definitively refused
    CONFLICT = "conflict"  # somebody else changed the record
    SUPERSEDED = "superseded"  # a newer change took its place before it was sent
    CANCELLED = "cancelled"  # withdrawn before it was sent

    @property
    def label(self) -> str:
        """The state in words for people."""
        return LABELS.get(self, self.value.replace("_", " "))


LABELS = {
    State.SENDING: "being sent",
    State.AMBIGUOUS: "in doubt",
    State.PROBING: "being looked up",
    State.PARKED: "in doubt, a person decides",
    State.RETRY_WAIT: "waiting for another try",
    State.AUTH_HELD: "waiting for valid credentials",
    State.REJECTED: "refused",
    State.CONFLICT: "changed on the other side",
}

# Unknown outcome: nothing else may be written to the record meanwhile.
UNRESOLVED = frozenset({State.SENDING, State.ACCEPTED, State.AMBIGUOUS, State.PROBING, State.PARKED})
# Not yet at its end; counted as in flight by its run (HELD is counted as held).
IN_FLIGHT = UNRESOLVED | {State.READY, State.RETRY_WAIT, State.AUTH_HELD}
OPEN = IN_FLIGHT | {State.HELD}
ENDED = frozenset(State) - OPEN - {State.PLANNED}

STEPS: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset(),
    State.READY: frozenset(
        {
            State.SENDING,
            State.HELD,
            State.SUPERSEDED,
            State.CANCELLED,
            State.REJECTED,  # only a step that cannot be mapped when its turn comes
        }
    ),
    State.SENDING: frozenset(
        {
            State.READY,  # only when a pause came before anything of it had left
            State.APPLIED,
            State.RETRY_WAIT,
            State.REJECTED,
            State.CONFLICT,
            State.AUTH_HELD,
            State.HELD,
            State.ACCEPTED,
            State.AMBIGUOUS,
            State.PROBING,
        }
    ),
    State.ACCEPTED: frozenset({State.APPLIED, State.REJECTED, State.CONFLICT, State.AMBIGUOUS}),
    State.AMBIGUOUS: frozenset({State.PROBING}),
    State.PROBING: frozenset(
        {State.APPLIED, State.READY, State.SENDING, State.PARKED, State.AMBIGUOUS, State.CONFLICT, State.REJECTED}
    ),
    State.PARKED: frozenset({State.PROBING, State.CANCELLED}),
    State.RETRY_WAIT: frozenset({State.READY, State.SENDING, State.SUPERSEDED, State.CANCELLED, State.REJECTED}),
    State.AUTH_HELD: frozenset({State.READY, State.SENDING, State.SUPERSEDED, State.CANCELLED}),
    State.HELD: frozenset({State.READY, State.SENDING, State.SUPERSEDED, State.CANCELLED}),
    State.APPLIED: frozenset({State.VERIFIED}),
    State.VERIFIED: frozenset(),
    State.REJECTED: frozenset({State.READY, State.CANCELLED}),  # a person released or skipped it
    State.CONFLICT: frozenset({State.READY, State.CANCELLED}),
    State.SUPERSEDED: frozenset(),
    State.CANCELLED: frozenset(),
}

# Where each answer of a destination leads.
AFTER: dict[Answer, State] = {
    Answer.APPLIED: State.APPLIED,
    Answer.UNCHANGED: State.APPLIED,
    Answer.REFUSED: State.REJECTED,
    Answer.CONFLICT: State.CONFLICT,
    Answer.MISSING: State.CONFLICT,
    Answer.RETRY: State.RETRY_WAIT,
    Answer.UNKNOWN: State.AMBIGUOUS,
    Answer.AUTH: State.AUTH_HELD,
    Answer.ACCEPTED: State.ACCEPTED,
    Answer.STEP: State.SENDING,
}
# Answers that say something about the question only, not about the job that was asked about.
UNTOLD = frozenset({Answer.ACCEPTED, Answer.RETRY, Answer.AUTH, Answer.STEP})


class StepError(Exception):
    """A change was asked to take a step that its state does not allow."""


def step(present: State, following: State) -> State:
    """`following`, when it may follow `present`; raises StepError otherwise."""
    if following not in STEPS[present]:
        raise StepError(f"A change that is {present.label} cannot become {following.label}.")
    return following


def before(following: State) -> list[str]:
    """The states that `following` may follow, for the WHERE of a statement that takes the step."""
    return sorted(state.value for state, steps in STEPS.items() if following in steps)


def after(answer: Answer, present: State = State.SENDING, *, in_doubt: bool = False) -> State:
    """The state a change takes for `answer`: from SENDING, or from ACCEPTED when its job was asked about.

    `in_doubt`: an earlier request of it may still have taken effect, so that “this one did not” is not the end of it.
    """
    if present is State.ACCEPTED and answer in UNTOLD:
        return present
    following = AFTER[answer]
    if in_doubt and following in (State.RETRY_WAIT, State.AUTH_HELD):
        following = State.AMBIGUOUS
    return following if following is present else step(present, following)
