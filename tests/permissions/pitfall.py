"""The holes that this stack is known to have, each with how it is closed here and the test that says so.

Of Django's admin (P-01 to P-18), of guardian (P-19 to P-25) and of simple-history (P-26 to P-34). The tests are
named as pytest names them, below tests/.
"""

CLOSED: dict[str, tuple[str, str]] = {
    "P-01": (
        "Django's own has_…_permission ignores the row it is asked about.",
        "permissions/test_pitfall.py::TestAdmin::test_a_right_on_one_row_is_none_on_another",
    ),
    "P-02": (
        "An action of a list without permissions of its own is offered to everybody who sees the list.",
        "permissions/test_pitfall.py::TestAdmin::test_a_list_offers_only_what_the_person_may_do",
    ),
    "P-03": (
        "An action that updates a queryset leaves no history and sends no signals.",
        "hub/models/test_guard_capture.py::TestEveryWayToWrite::test_leaves_one_for_each_row_of_many",
    ),
    "P-04": (
        "A form takes the id of any row for a relation.",
        "permissions/test_sight.py::TestOutOfReach::test_is_accepted_by_no_form",
    ),
    "P-05": (
        "Look-ups of local fields and into JSON are always allowed in the address of a list.",
        "permissions/test_pitfall.py::TestAdmin::test_a_list_is_asked_by_its_filters_and_nothing_else",
    ),
    "P-06": (
        "Filters of relations list rows that the person may not see.",
        "permissions/test_sight.py::TestOutOfReach::test_is_named_on_no_page",
    ),
    "P-07": (
        "Counts beside filters tell how many rows are out of sight.",
        "permissions/test_pitfall.py::TestAdmin::test_no_list_counts_beside_its_filters",
    ),
    "P-08": (
        "Names of rows appear in crumbs, confirmations, the admin's own log and completions.",
        "permissions/test_pitfall.py::TestAdmin::test_the_admins_own_log_is_neither_written_nor_shown",
    ),
    "P-09": (
        "The confirmation of a deletion shows what would go with it.",
        "permissions/test_pitfall.py::TestAdmin::test_a_confirmation_names_nothing_out_of_sight",
    ),
    "P-10": (
        "Who may change people or groups is as good as a superuser.",
        "hub/admin/test_person.py::TestPeople::test_are_not_given_a_group_with_rights_beyond_the_givers",
    ),
    "P-11": (
        "A superuser passes every check of permissions.",
        "hub/services/test_access.py::TestRefusal::test_meets_a_superuser_who_would_change_the_audit_trail",
    ),
    "P-12": (
        "What a person may do is remembered on the object that stands for them.",
        "permissions/test_pitfall.py::TestAdmin::test_a_right_that_was_taken_is_gone_with_the_next_request",
    ),
    "P-13": (
        "Deactivating a person does not end what they asked for: it goes on as the hub's own, and they ask no more.",
        "hub/services/test_access.py::TestRefusal::test_meets_everybody_who_was_deactivated",
    ),
    "P-14": (
        "What asks for staff alone is open to every business user.",
        "permissions/test_matrix.py::TestTable::test_covers_every_pattern_of_the_resolver",
    ),
    "P-15": (
        "Debug pages and error mails show local variables.",
        "permissions/test_pitfall.py::TestAdmin::test_an_error_shows_nothing_of_what_was_at_hand",
    ),
    "P-16": (
        "The admin's sign-in has no limit and no second factor.",
        "hub/admin/test_session.py::TestFailedSignIns::test_close_an_account_for_15_minutes_from_everywhere",
    ),
    "P-17": (
        "Where a page leads next is taken from the request.",
        "hub/admin/test_session.py::TestTheWayIn::test_never_leads_out_of_the_house",
    ),
    "P-18": (
        "Uploaded files are served from the hub's own origin.",
        "permissions/test_pitfall.py::TestAdmin::test_nothing_is_uploaded_and_served_again",
    ),
    "P-19": (
        "A global right does not answer for a row, nor the other way round.",
        "hub/services/test_access_random.py::TestAnyPerson::test_sees_in_lists_exactly_what_decisions_allow",
    ),
    "P-20": (
        "Rights on a row outlive it, and reach the next row with its id.",
        "hub/services/test_grant.py::TestTaking::test_goes_with_the_object",
    ),
    "P-21": (
        "Guardian makes an active user that stands for everybody who is not signed in.",
        "permissions/test_pitfall.py::TestGuardian::test_there_is_no_anonymous_account",
    ),
    "P-22": (
        "Guardian's page of permissions lets who sees a row give rights on it.",
        "permissions/test_pitfall.py::TestGuardian::test_its_page_of_permissions_is_not_there",
    ),
    "P-23": (
        "A permission of another table raises an error, which is easily turned into a yes.",
        "permissions/test_pitfall.py::TestGuardian::test_an_action_that_is_not_known_is_refused",
    ),
    "P-24": (
        "Guardian before 3.5.1 mixed global rights and those of groups.",
        "permissions/test_pitfall.py::TestGuardian::test_decides_nothing_here",
    ),
    "P-25": (
        "With prefetched rights, one that was given is not seen in the same request.",
        "permissions/test_pitfall.py::TestGuardian::test_decides_nothing_here",
    ),
    "P-26": (
        "The page of an old version shows and brings back every field.",
        "hub/admin/test_base.py::TestEveryPage::test_offers_no_way_to_a_version_of_the_history",
    ),
    "P-27": (
        "History is shown of rows that are out of reach.",
        "permissions/test_matrix.py::TestEveryRole::test_finds_what_the_table_says",
    ),
    "P-28": (
        "Differences in the history show secrets.",
        "permissions/test_pitfall.py::TestHistory::test_tells_of_named_fields_only_and_of_no_secret",
    ),
    "P-29": (
        "Bulk ways to write leave no history.",
        "hub/models/test_guard_capture.py::TestEveryWayToWrite::test_leaves_exactly_one_captured_change_with_who_made_it",
    ),
    "P-30": (
        "With a person goes who did what.",
        "hub/services/test_audit.py::TestAnEvent::test_stays_as_it_is_when_the_person_goes",
    ),
    "P-31": (
        "Who acts is remembered by the thread; workers and commands are nobody.",
        "permissions/test_pitfall.py::TestHistory::test_knows_who_acted_where_there_is_no_request",
    ),
    "P-32": (
        "One setting switches all history off, silently.",
        "hub/test_checks.py::TestHistory::test_that_is_off_is_found_before_deployment",
    ),
    "P-33": (
        "Its commands clean evidence away.",
        "permissions/test_pitfall.py::TestHistory::test_is_not_what_evidence_rests_on",
    ),
    "P-34": (
        "Changes of many-to-many fields are not in it unless each is listed.",
        "permissions/test_pitfall.py::TestHistory::test_memberships_and_rights_of_groups_are_captured",
    ),
}
