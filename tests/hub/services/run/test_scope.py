"""Which part of the data an exception belongs to: told by the record itself, whatever raised the exception."""

import pytest

from hub.models import ReconciliationException
from tests.hub.services.run.conftest import Pair

pytestmark = pytest.mark.django_db


def _by_city(pair: Pair) -> None:
    pair.mapping.scope_field = "city"
    pair.mapping.save()


def scopes() -> dict[str, str]:
    """The scope of each exception, by key of the record."""
    return dict(ReconciliationException.objects.values_list("source_key", "scope"))


def test_a_record_that_cannot_be_mapped_still_tells_its_scope(pair: Pair) -> None:
    _by_city(pair)
    pair.source.put("c1", city="Kiel")  # its name, which is required, is missing
    pair.source.put("c2", city="Bonn")

    pair.run(full=True)

    assert scopes() == {"c1": "Kiel", "c2": "Bonn"}


def test_a_refused_write_has_the_scope_of_what_was_to_be_written(pair: Pair) -> None:
    _by_city(pair)
    pair.source.put("c1", name="Ada", city="Kiel")
    pair.destination.refuse = {"c1"}

    pair.run(full=True)

    assert scopes() == {"c1": "Kiel"}


def test_a_record_that_is_gone_has_the_scope_it_was_last_written_with(pair: Pair) -> None:
    _by_city(pair)
    pair.mapping.delete_policy = "exception"
    pair.mapping.save()
    pair.source.put("c1", name="Ada", city="Kiel")
    pair.run(full=True)
    pair.source.drop("c1")

    pair.run(full=True)

    assert scopes() == {"c1": "Kiel"}


def test_an_open_exception_follows_a_record_that_moves(pair: Pair) -> None:
    _by_city(pair)
    pair.source.put("c1", city="Kiel")
    pair.run(full=True)
    pair.source.put("c1", city="Bonn")

    pair.run(full=True)

    assert scopes() == {"c1": "Bonn"}


def test_a_record_without_a_value_belongs_to_no_part(pair: Pair) -> None:
    _by_city(pair)
    pair.source.put("c1")

    pair.run(full=True)

    assert scopes() == {"c1": ""}


def test_without_a_scope_field_nothing_is_noted(pair: Pair) -> None:
    pair.source.put("c1", city="Kiel")

    pair.run(full=True)

    assert scopes() == {"c1": ""}
