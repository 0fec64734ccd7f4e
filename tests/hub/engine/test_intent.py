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

    def test_nothing_leaves_an_end_but_verification_and_what_a_person_decides(self) -> None:
        leaving = {state: following for state, following in STEPS.items() if state in ENDED and following}

        by_a_person = frozenset({State.READY, State.CANCELLED})
        assert leaving == {
            State.APPLIED: frozenset({State.VERIFIED}),
            State.REJECTED: by_a_person,
            State.CONFLICT: by_a_person,
        }

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
        assert intent.after(answer) in STEPS[State.SENDING] | {State.SENDING}

    @given(st.sampled_from(Answer))
    def test_not_applied_is_not_the_end_of_a_change_that_an_earlier_request_may_have_applied(
        self, answer: Answer
    ) -> None:
        following = intent.after(answer, in_doubt=True)

        assert following not in (State.RETRY_WAIT, State.AUTH_HELD)

    @pytest.mark.parametrize("answer", [Answer.ACCEPTED, Answer.RETRY, Answer.AUTH])
    def test_an_accepted_job_that_could_not_be_asked_about_stays_accepted(self, answer: Answer) -> None:
        assert intent.after(answer, State.ACCEPTED) is State.ACCEPTED

    def test_every_step_can_be_asked_for_backwards(self) -> None:
        for present, following in STEPS.items():
            for one in following:
                assert present.value in intent.before(one)
