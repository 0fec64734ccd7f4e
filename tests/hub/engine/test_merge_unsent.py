"""Fields that were not sent and come back otherwise: an edit, the destination's own form, or news of neither."""

from typing import Any

from hub.engine.merge import Authority, Merged, Policy, Unauthorised, unsent

AGREED = {"city": "Kiel", "limit": "50.50"}


def decide(present: dict[str, Any], own: dict[str, Any] | None = None, policy: Policy | None = None) -> Merged:
    return unsent(list(present), AGREED, own, present, {} if policy is None else {"city": policy})


def asked(found: Merged) -> list[str]:
    return [one.name for one in found.asked]


def test_an_edit_is_put_to_a_person_where_only_the_source_may_change_the_field() -> None:
    assert asked(decide({"city": "Ulm", "limit": "50.50"})) == ["city"]


def test_what_the_destination_made_of_the_value_is_no_edit() -> None:
    found = decide({"city": "KIEL"}, own={"city": "KIEL"})

    assert (asked(found), found.to_destination) == ([], {})


def test_an_edit_is_seen_beside_a_form_of_the_destinations_own() -> None:
    assert asked(decide({"city": "ULM"}, own={"city": "KIEL"})) == ["city"]


def test_the_agreed_value_in_another_spelling_of_a_number_is_no_edit() -> None:
    assert asked(decide({"limit": "50.5"})) == []


def test_a_value_that_shows_for_the_first_time_is_no_edit() -> None:
    assert asked(decide({"city": "KIEL"}, own={"limit": "50.50"})) == []


def test_an_edit_is_written_over_where_the_mapping_says_so() -> None:
    revert = Policy(Authority.SOURCE, unauthorised=Unauthorised.REVERT)

    assert decide({"city": "Ulm"}, policy=revert).to_destination == {"city": "Kiel"}


def test_an_edit_stays_where_the_mapping_lets_the_destination_have_it() -> None:
    accept = Policy(Authority.SOURCE, unauthorised=Unauthorised.ACCEPT)

    for policy in (accept, Policy(Authority.EITHER)):
        found = decide({"city": "Ulm"}, policy=policy)
        assert (asked(found), found.to_destination) == ([], {})
