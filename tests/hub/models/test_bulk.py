"""Set-based writes do for a page what a loop would do, in one statement."""

import pytest
from django.utils import timezone

from hub.models import Link, bulk
from tests.factories import LinkFactory, MappingFactory

COLUMNS = {"mapping_id": "bigint", "source_key": "text", "state": "text", "source_digest": "text", "digest": "text",
           "refused_digest": "text", "ack_seq": "int", "updated_at": "timestamptz"}  # fmt: skip


@pytest.mark.django_db
class TestUpsert:
    def test_inserts_new_rows_and_updates_known_ones(self) -> None:
        mapping = MappingFactory()
        known = LinkFactory(mapping=mapping, source_key="a", digest="old")
        now = timezone.now()
        rows = [(mapping.pk, key, "linked", "", f"digest {key}", "", 1, now) for key in "ab"]

        bulk.upsert("hub_link", key=("mapping_id", "source_key"), columns=COLUMNS, rows=rows)

        assert dict(Link.objects.values_list("source_key", "digest")) == {"a": "digest a", "b": "digest b"}
        assert Link.objects.get(source_key="a").pk == known.pk

    @pytest.mark.parametrize("text", ['say "so"', "a\\b", "{1,2}", "NULL", "ä,ö", ""])
    def test_keeps_every_letter(self, text: str) -> None:
        mapping = MappingFactory()
        rows = [(mapping.pk, f"k{n}{text}", "linked", "", value, "", 0, timezone.now()) for n, value in enumerate("ab")]

        bulk.insert("hub_link", columns=COLUMNS, rows=rows)

        assert sorted(Link.objects.for_page(mapping.pk, [f"k0{text}", f"k1{text}"])) == [f"k0{text}", f"k1{text}"]

    def test_finds_no_key_with_a_nul(self) -> None:
        assert Link.objects.for_page(MappingFactory().pk, ["a\0b"]) == {}

    def test_of_no_rows_does_nothing(self, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
        with django_assert_num_queries(0):
            bulk.upsert("hub_link", key=("id",), columns=COLUMNS, rows=[])
            bulk.update("hub_link", columns=COLUMNS, rows=[])

    def test_takes_one_statement_for_a_page_on_a_server(self) -> None:
        mapping = MappingFactory()
        rows = [(mapping.pk, f"k{n}", "linked", "", "", "", 0, timezone.now()) for n in range(500)]

        bulk.upsert("hub_link", key=("mapping_id", "source_key"), columns=COLUMNS, rows=rows)

        assert len(Link.objects.for_page(mapping.pk, [f"k{n}" for n in range(0, 1000, 2)])) == 250


@pytest.mark.django_db
class TestUpdate:
    def test_sets_other_values_in_every_row(self) -> None:
        mapping = MappingFactory()
        links = [LinkFactory(mapping=mapping, source_key=key) for key in "abc"]

        rows = [(link.pk, link.source_key, 7) for link in links]
        bulk.update("hub_link", columns={"digest": "text", "ack_seq": "int"}, rows=rows)

        found = Link.objects.order_by("source_key").values_list("digest", "ack_seq")
        assert list(found) == [("a", 7), ("b", 7), ("c", 7)]

    def test_writes_null(self) -> None:
        link = LinkFactory(destination_version="v1")

        bulk.update("hub_link", columns={"destination_version": "text"}, rows=[(link.pk, None)])

        link.refresh_from_db()
        assert link.destination_version is None


@pytest.mark.django_db
class TestUpsertNamed:
    def test_tells_the_id_of_each_row_whether_it_was_there_or_not(self) -> None:
        known = LinkFactory(source_key="known", ack_seq=3)
        rows = [(known.mapping_id, key, "pending", "", "", "", 0, known.updated_at) for key in ("new", "known")]

        ids = bulk.upsert_named("hub_link", key=("mapping_id", "source_key"), columns=COLUMNS, rows=rows)

        assert ids == dict(Link.objects.values_list("source_key", "id"))
        assert ids["known"] == known.pk


@pytest.mark.django_db
class TestUpdateOfNeighbours:
    def test_sets_rows_that_lie_together_and_rows_far_apart(self) -> None:
        mapping = MappingFactory()
        links = [LinkFactory(mapping=mapping, source_key=f"{number:03}") for number in range(40)]
        for some in (links, links[::20]):
            rows = [(link.pk, f"of {len(some)}") for link in some]
            assert bulk.update("hub_link", columns={"digest": "text"}, rows=rows) == len(some)

        found = list(Link.objects.order_by("source_key").values_list("digest", flat=True))

        assert found == ["of 2" if number % 20 == 0 else "of 40" for number in range(40)]
