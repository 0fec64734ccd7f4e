"""Which linked records a complete read did not contain: one bit a link, compared where the links are."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.models import Mapping
from hub.services.run import seen
from tests.factories import LinkFactory, MappingFactory


def linked(mapping: Mapping, count: int) -> list[int]:
    """The ids of so many linked records, in order."""
    return [LinkFactory(mapping=mapping, source_key=f"K{number}", state="linked").pk for number in range(count)]


def unseen(mapping: Mapping, among: list[int], present: list[int]) -> list[int]:
    """What a read that contained `present` misses, of links that were `among` the known ones when it was asked."""
    read = seen.IdSet(among[0], among[-1])
    read.update(present)
    return list(read.unseen(mapping.pk))


class TestUnseen:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
    @given(present=st.sets(st.integers(0, 20)))
    def test_is_what_is_linked_and_not_in_the_read(self, transactional_db: None, present: set[int]) -> None:
        mapping = MappingFactory()
        ids = linked(mapping, 21)

        missed = unseen(mapping, ids, [ids[place] for place in present])

        assert missed == [id_ for place, id_ in enumerate(ids) if place not in present]

    def test_is_nothing_of_another_mapping_and_nothing_that_is_not_linked(self, db: None) -> None:
        mapping = MappingFactory()
        first, *_, last = linked(mapping, 3)
        LinkFactory(mapping=mapping, source_key="gone", state="gone")
        linked(MappingFactory(), 2)

        assert unseen(mapping, [first, last + 9], [first]) == [first + 1, last]

    def test_is_nothing_that_was_linked_meanwhile(self, db: None) -> None:
        mapping = MappingFactory()
        known = linked(mapping, 3)
        LinkFactory(mapping=mapping, source_key="of another lane", state="linked")

        assert unseen(mapping, known, known[:2]) == [known[2]]
