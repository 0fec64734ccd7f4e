"""Planning decides what to write, and sends no more than what changed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.engine import plan
from hub.engine.plan import Known, Wanted
from hub.sdk import Operation

IMAGES = st.dictionaries(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(), st.text(max_size=3)))
LINKED = Known(link_id=1, destination_key="9", destination_version="v1", is_linked=True, ack_seq=2)


def wanted(image: dict[str, object]) -> Wanted:
    return Wanted("k", image, digest="d")


class TestPlanWrite:
    def test_creates_a_record_seen_for_the_first_time(self) -> None:
        planned = plan.plan_write(wanted({"a": 1}), Known(), None)

        assert (planned.operation, planned.fields, planned.precondition) == (Operation.CREATE, {"a": 1}, None)

    def test_updates_a_linked_record_under_its_version(self) -> None:
        planned = plan.plan_write(wanted({"a": 1, "b": 2}), LINKED, {"a": 1, "b": 1})

        assert (planned.operation, planned.fields, planned.precondition) == (Operation.UPDATE, {"b": 2}, "v1")

    def test_creates_anew_what_was_deleted(self) -> None:
        planned = plan.plan_write(wanted({"a": 1}), Known(link_id=1, ack_seq=2), {"a": 1})

        assert (planned.operation, planned.fields) == (Operation.CREATE, {"a": 1})

    @given(IMAGES, IMAGES)
    def test_sending_the_changed_fields_makes_the_image_whole(self, before: dict, after: dict) -> None:  # type: ignore[type-arg]
        planned = plan.plan_write(wanted(after), LINKED, before)

        assert {**before, **planned.fields}.items() >= after.items()
        assert all(name not in before or before[name] != value for name, value in planned.fields.items())

    @given(IMAGES)
    def test_an_equal_image_sends_nothing(self, image: dict) -> None:  # type: ignore[type-arg]
        assert plan.plan_write(wanted(image), LINKED, image).fields == {}


class TestPlanRemoval:
    def test_deletes_under_the_acknowledged_version(self) -> None:
        planned = plan.plan_removal("k", LINKED, {"a": 1}, None)

        assert (planned.operation, planned.precondition, planned.is_archive) == (Operation.DELETE, "v1", False)

    def test_archives_by_setting_the_archive_fields_only(self) -> None:
        planned = plan.plan_removal("k", LINKED, {"a": 1}, {"active": False})

        assert (planned.operation, planned.fields, planned.is_archive) == (Operation.UPDATE, {"active": False}, True)

    def test_is_taken_back_by_turning_the_archive_fields_round(self) -> None:
        assert plan.restored({"a": 1}, {"active": False}) == {"a": 1, "active": True}
        assert plan.restored({"active": False}, {"active": False}) == {"active": False}


class TestIdempotencyKey:
    def test_is_the_same_for_the_same_write(self) -> None:
        planned = plan.plan_write(wanted({"a": 1}), LINKED, None)

        assert plan.idempotency_key(1, planned) == plan.idempotency_key(1, replace(planned))

    def test_differs_for_the_second_time_the_same_value_is_written(self) -> None:
        planned = plan.plan_write(wanted({"a": 1}), LINKED, None)

        assert plan.idempotency_key(1, planned) != plan.idempotency_key(1, replace(planned, ack_seq=3))

    def test_differs_after_proof_that_the_first_did_not_happen(self) -> None:
        planned = plan.plan_write(wanted({"a": 1}), LINKED, None)

        assert plan.idempotency_key(1, planned) != plan.idempotency_key(1, replace(planned, key_gen=1))


class TestPast:
    @pytest.mark.parametrize(
        ("version", "told", "is_past"),
        [
            ("9", "10", True),
            ("10", "10", False),
            ("11", "10", False),
            ("W/abc", "W/abd", False),
            ("²", "3", False),
            (None, "10", False),
            ("9", None, False),
        ],
    )
    def test_is_what_a_smaller_number_says_and_nothing_else(
        self, version: str | None, told: str | None, *, is_past: bool
    ) -> None:
        assert plan.is_past(version, told) is is_past
