"""The write-intent state machine allows the steps of the protocol and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine import intent
from hub.engine.intent import ENDED, IN_FLIGHT, OPEN, STEPS, UNRESOLVED, State, StepError
from hub.sdk import Answer


class TestSteps:
    def test_every_state_has_its_steps(self) -> None:
        assert set(STEPS) == set(State)

    def test_nothing_leaves_an_end_but_verification(self) -> None:
        leaving = {state: following for state, following in STEPS.items() if state in ENDED and following}

        assert leaving == {State.APPLIED: frozenset({State.VERIFIED})}

    def test_an_unresolved_change_is_never_withdrawn_by_the_hub(self) -> None:
        for state in UNRESOLVED - {State.PARKED}:
            assert not STEPS[state] & {State.CANCELLED, State.SUPERSEDED}

    def test_silence_never_leads_straight_back_to_sending(self) -> None:
        assert not STEPS[State.AMBIGUOUS] & {State.SENDING, State.READY}

    @given(st.sampled_from(State), st.sampled_from(State))
    def test_a_step_is_taken_or_refused_by_the_table(self, present: State, following: State) -> None:
        if following in STEPS[present]:
            assert intent.step(present, following) is following
        else:
            with pytest.raises(StepError):
                intent.step(present, following)

    def test_every_state_is_open_ended_or_planned(self) -> None:
        assert OPEN | ENDED | {State.PLANNED} == set(State)
        assert UNRESOLVED <= IN_FLIGHT <= OPEN


class TestAfter:
    @given(st.sampled_from(Answer))
    def test_every_answer_leads_somewhere(self, answer: Answer) -> None:
        assert intent.after(answer) in STEPS[State.SENDING]
