"""What a manifest may say, and how a wrong one is explained."""

from typing import Any

import pytest

from connectors.rest.parse import parse
from connectors.rest.streams import streams
from hub.sdk import Capabilities, ConfigError, CursorKind, DeleteFeed, ExternalId, Key
from tests.connectors.rest.bench import sample

SHOP = sample("shop")
KINTO = sample("kinto")


def capabilities(manifest: Any, stream: str) -> Capabilities:
    """What a stream of this manifest promises."""
    return next(found.capabilities for found in streams(parse(manifest)) if found.name == stream)


def changed(manifest: Any, place: str, value: Any) -> Any:
    """A copy of a manifest with another value at a place such as `list.path` of its only stream."""
    if not place:
        return value
    name, _, rest = place.partition(".")
    return {**manifest, name: changed(manifest.get(name, {}), rest, value)}


class TestCapabilities:
    """What a stream promises follows from its description."""

    def test_name_what_kinto_offers(self) -> None:
        found = capabilities(KINTO, "customers")

        assert found.cursor is CursorKind.SEQUENCE
        assert found.delete_feed is DeleteFeed.TOMBSTONES
        assert found.stable_pages
        assert found.create
        assert found.create.conditional
        assert found.create.conditional.create
        assert found.create.landing == 60
        assert found.update
        assert found.update.conditional
        assert found.create.key is None

    def test_name_what_a_shop_offers(self) -> None:
        found = capabilities(SHOP, "orders")

        assert found.cursor is CursorKind.TIMESTAMP
        assert found.delete_feed is DeleteFeed.NONE
        assert not found.stable_pages
        assert found.create
        assert found.create.key == Key(ttl=86_400)
        assert found.create.external_id == ExternalId("reference", unique=True)
        assert found.create.read_back.by_external_id
        assert found.delete
        assert found.delete.conditional is None

    def test_leave_out_what_is_not_described(self) -> None:
        found = capabilities({"streams": {"a": {"list": {"path": "/a"}}}}, "a")

        assert (found.create, found.update, found.delete) == (None, None, None)
        assert found.cursor is CursorKind.NONE
        assert not found.fetch_by_key

    @pytest.mark.parametrize(
        ("place", "version", "rises"),
        [
            ("field", "last_modified", True),
            ("field", "revision", False),
            ("header", "ETag", False),
        ],
    )
    def test_say_that_versions_rise_where_they_are_the_number_that_changes_are_read_by(
        self, place: str, version: str, *, rises: bool
    ) -> None:
        found = capabilities(changed(KINTO, "streams.customers.version", {place: version}), "customers")

        assert found.versions_rise is rises

    def test_say_nothing_of_versions_that_are_times(self) -> None:
        assert not capabilities(SHOP, "orders").versions_rise

    def test_name_a_batch(self) -> None:
        found = capabilities({**KINTO, "batch": {"path": "/batch", "max_items": 10}}, "customers")

        assert found.update
        assert found.update.batch.max_items == 10


class TestProblems:
    """A wrong manifest is explained with place, shape and cure."""

    @pytest.mark.parametrize(
        ("place", "value", "expected"),
        [
            ("list.path", 5, r'manifest\.streams\.orders\.list\.path is the number 5, must be text.*"path": "/cust'),
            ("list.pagination.kind", "pages", r"pagination\.kind is the text \"pages\", must be one of none, page"),
            ("list.pagnation", {}, r"list\.pagnation is not known\. Did you mean pagination\?"),
            ("list.pagination", {"kind": "cursor"}, r"pagination\.param is missing, must be text"),
            ("update.if_match", "ETag", r"update\.if_match is the text \"ETag\", must be an object"),
            ("update.path", "/orders", r"update\.path does not name the record\. Put \{key\}"),
            ("create.success", ["200"], r"create\.success is a list \[\"200\"\], must be a list of HTTP statuses"),
            ("create.idempotency.ttl", -1, r"idempotency\.ttl is the number -1, must be a whole number"),
            ("key", {"field": "id"}, r"orders\.key is an object .* must be a text or a list of texts"),
            ("external_id.search.params", {"q": "x"}, r"search\.params does not say what to search"),
            ("external_id.unique", "yes", r"external_id\.unique is the text \"yes\", must be true or false"),
            ("list.incremental.overlap", True, r"overlap is a truth value true, must be a whole number"),
        ],
    )
    def test_name_place_shape_and_cure(self, place: str, value: Any, expected: str) -> None:
        with pytest.raises(ConfigError, match=expected):
            parse(changed(SHOP, f"streams.orders.{place}", value))

    @pytest.mark.parametrize("raw", [None, [], "x", {}, {"streams": []}, {"streams": {}}, {"streams": {"a": {}}}])
    def test_include_manifests_that_describe_nothing(self, raw: Any) -> None:
        with pytest.raises(ConfigError, match=r"manifest"):
            parse(raw)

    def test_are_all_told_at_once(self) -> None:
        broken = changed(changed(SHOP, "streams.orders.list.path", 5), "streams.orders.item.path", 6)

        with pytest.raises(ConfigError, match=r"list\.path.*item\.path"):
            parse(broken)

    def test_include_a_keyset_by_a_time(self) -> None:
        pagination = {"kind": "keyset", "param": "after", "field": "updated_at"}

        with pytest.raises(ConfigError, match=r"pagination\.field must be unique, updated_at may not be"):
            parse(changed(SHOP, "streams.orders.list.pagination", pagination))

    def test_include_a_sequence_that_is_not_paged_by_itself(self) -> None:
        pagination = {"kind": "page", "param": "page"}

        with pytest.raises(ConfigError, match=r"pagination must follow the sequence"):
            parse(changed(KINTO, "streams.customers.list.pagination", pagination))

    def test_include_a_precondition_without_a_version(self) -> None:
        manifest = {**KINTO, "streams": {"customers": {**KINTO["streams"]["customers"]}}}
        del manifest["streams"]["customers"]["version"]

        with pytest.raises(ConfigError, match=r"update\.if_match needs a version"):
            parse(manifest)
