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
