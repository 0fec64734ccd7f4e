"""Whose eyes see what, of which mapping."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from hub.models import Mapping, User, VersionState
from hub.services import access, payload
from hub.services.story.lens import Lens
from tests import factories as make

pytestmark = pytest.mark.django_db
MARKED = {"fields": {"mail": {"steps": [{"path": "email"}], "personal": True}}}


@pytest.fixture
def marked() -> Mapping:
    """A mapping with a personal field in use."""
    mapping: Mapping = make.MappingFactory()
    make.MappingVersionFactory(mapping=mapping, body=MARKED, state=VersionState.ACTIVE)
    return mapping


def test_owner_and_deputy_see_all_of_what_is_theirs_without_a_role(marked: Mapping) -> None:
    for person in (marked.integration.owner, marked.integration.deputy):
        lens = payload.lens_for(person, marked)

        assert lens.takes == ""
        assert lens.right == "view_personal"
        assert payload.lens_for(person, make.MappingFactory()) == Lens()


def test_nobody_who_is_not_signed_in_or_has_no_role_sees_anything(marked: Mapping, stranger: User) -> None:
    assert payload.lens_for(stranger, marked) == Lens()
    assert payload.lens_for(AnonymousUser(), marked) == Lens()


def test_a_draft_marks_nothing_for_others(marked: Mapping, resolver: User) -> None:
    other = make.MappingFactory()
    make.MappingVersionFactory(mapping=other, body=MARKED)

    assert not payload.lens_for(resolver, other).fields
    assert payload.lens_for(resolver, marked).fields


@pytest.mark.parametrize("name", sorted(access.ROLES))
def test_a_list_is_seen_as_each_of_its_rows_is(name: str, marked: Mapping) -> None:
    person = make.UserFactory(groups=[name, "Whole hub"])
    plain = make.MappingFactory(active=True)
    theirs = make.MappingFactory(integration__owner=person)
    make.MappingVersionFactory(mapping=theirs, body=MARKED, state=VersionState.ACTIVE)

    found = payload.lenses(person, [marked.pk, plain.pk, theirs.pk])

    for mapping in (marked, plain, theirs):
        one, other = found[mapping.pk], payload.lens_for(person, mapping)
        assert (one.takes, one.mapped("mail")) == (other.takes, other.mapped("mail"))


def test_a_list_asks_the_same_for_few_and_many(
    marked: Mapping, resolver: User, django_assert_max_num_queries: Any
) -> None:
    mappings = [marked, *make.MappingFactory.create_batch(5, active=True)]
    access.can(resolver, "view", Mapping)

    with django_assert_max_num_queries(5):
        payload.lenses(resolver, [mapping.pk for mapping in mappings])


def test_whole_texts_of_a_connection_take_the_right_of_every_mapping_that_uses_it(marked: Mapping) -> None:
    plain = make.MappingFactory(source=marked.source, active=True)

    assert not payload.may_read_whole(plain.integration.owner, marked.source)
    assert payload.may_read_whole(marked.integration.owner, marked.source)
    assert payload.may_read_whole(plain.integration.owner, plain.destination)
