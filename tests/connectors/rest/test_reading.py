"""Reading JSON APIs, also those that do not behave."""

from typing import Any

import pytest

from hub.sdk import ConfigError, FatalError, RecordError
from tests.connectors.rest.listener import Asked, Told
from tests.connectors.rest.reads import all_pages, keys, reading, rows


class TestPaging:
    """From page to page."""

    def test_takes_a_large_answer_in_parts_and_asks_for_it_once(self) -> None:
        asked: list[Asked] = []

        def answering(request: Asked) -> Told:
            asked.append(request)
            return Told(200, rows(*range(10)))

        with reading(answering) as connection:
            pages = all_pages(connection, limit=4)

        assert [len(page.records) for page in pages] == [4, 4, 2]
        assert keys(pages) == [str(number) for number in range(10)]
        assert len(asked) == 1

    def test_goes_on_behind_the_last_key_when_a_part_is_resumed_elsewhere(self) -> None:
        held = rows(1, 2, 3, 4, 5)

        with reading(lambda _: Told(200, held)) as connection, reading(lambda _: Told(200, held)) as other:
            first = connection.read("things", None, 3)
            held.insert(0, {"id": 0})
            second = other.read("things", first.cursor, 3)

        assert keys([first, second]) == ["1", "2", "3", "4", "5"]

    def test_takes_the_page_again_when_the_record_it_stopped_at_is_gone(self) -> None:
        held = rows(1, 2, 3, 4, 5)

        with reading(lambda _: Told(200, held)) as connection, reading(lambda _: Told(200, held)) as other:
            first = connection.read("things", None, 3)
            del held[2]
            pages = all_pages(other, first.cursor)

        assert keys(pages) == ["1", "2", "4", "5"]

    def test_ends_only_at_an_empty_page_because_a_server_may_give_less_than_asked(self) -> None:
        held = rows(*range(1, 8))
        listing = {"path": "/things", "pagination": {"kind": "offset", "size_param": "limit"}}

        def stingy(request: Asked) -> Told:
            first = int(request.query["offset"])
            return Told(200, held[first : first + 2])

        with reading(stingy, list=listing) as connection:
            assert keys(all_pages(connection)) == [str(number) for number in range(1, 8)]

    def test_keeps_counting_in_the_size_it_began_with(self) -> None:
        held = rows(*range(10))
        listing = {"path": "/things", "pagination": {"kind": "page", "size_param": "size"}}

        def paged(request: Asked) -> Told:
            size, page = int(request.query["size"]), int(request.query["page"])
            return Told(200, held[(page - 1) * size : page * size])

        with reading(paged, list=listing) as connection:
            first = connection.read("things", None, 4)
            rest = all_pages(connection, first.cursor, limit=2)

        assert keys([first, *rest]) == [str(number) for number in range(10)]

    def test_stops_where_the_page_parameter_is_ignored(self) -> None:
        listing = {"path": "/things", "pagination": {"kind": "page", "param": "pge", "size_param": "size"}}

        with (
            reading(lambda _: Told(200, rows(1, 2, 3)), list=listing) as connection,
            pytest.raises(FatalError, match="the same records"),
        ):
            all_pages(connection)

    def test_stops_where_a_cursor_leads_in_a_circle(self) -> None:
        after = {None: "a", "a": "b", "b": "a"}
        listing = {"path": "/t", "records": "d", "pagination": {"kind": "cursor", "param": "c", "next": "next"}}

        def circling(request: Asked) -> Told:
            token = request.query.get("c")
            return Told(200, {"d": [{"id": f"after {token}"}], "next": after[token]})

        with reading(circling, list=listing) as connection, pytest.raises(FatalError, match="already read"):
            all_pages(connection)

    def test_stops_where_a_keyset_is_not_sorted(self) -> None:
        listing = {"path": "/t", "pagination": {"kind": "keyset", "param": "after", "field": "id"}}

        with (
            reading(lambda _: Told(200, rows(3, 2, 1)), list=listing) as connection,
            pytest.raises(FatalError, match="not in the order of id"),
        ):
            all_pages(connection)

    def test_does_not_follow_a_link_to_another_origin(self) -> None:
        listing = {"path": "/t", "pagination": {"kind": "link"}}
        away = Told(200, rows(1), {"Link": '<http://127.0.0.1:9/more>; rel="next"'})

        with (
            reading(lambda _: away, list=listing) as connection,
            pytest.raises(ConfigError, match="not among the origins"),
        ):
            all_pages(connection)

    def test_refuses_a_cursor_of_another_connector(self) -> None:
        with reading(lambda _: Told(200, [])) as connection, pytest.raises(FatalError):
            connection.read("things", {"offset_of_file": 3}, 3)


class TestItems:
    """From an item to a record."""

    def test_sets_an_item_without_a_key_aside_and_keeps_the_others(self) -> None:
        items = [{"id": 1}, {"name": "no id"}, "text", {"id": None}, {"id": True}, {"id": 2}]

        with reading(lambda _: Told(200, items)) as connection:
            pages = all_pages(connection, limit=2)

        assert keys(pages) == ["1", "2"]
        assert [fault.where for page in pages for fault in page.faults] == [
            f"things at /things, item {number}" for number in (2, 3, 4, 5)
        ]

    def test_joins_a_key_of_several_fields_so_that_no_two_are_alike(self) -> None:
        items = [{"a": "x|y", "b": 1}, {"a": "x", "b": "y|1"}, {"a": "%7C", "b": 2}]
        asked: list[str] = []

        def answering(request: Asked) -> Told:
            asked.append(request.path)
            return Told(200, items if request.path == "/things" else items[2])

        with reading(answering, key=["a", "b"], item={"path": "/of/{a}/{b}"}) as connection:
            found = keys(all_pages(connection))
            fetched = list(connection.fetch("things", [found[2]]))

        assert len(set(found)) == 3
        assert [record.key for record in fetched] == [found[2]]
        assert asked[-1] == "/of/%257C/2"

    def test_marks_tombstones(self) -> None:
        items = [{"id": 1, "state": "gone"}, {"id": 2, "state": "here"}]

        with reading(lambda _: Told(200, items), deleted={"field": "state", "value": "gone"}) as connection:
            [page] = all_pages(connection)

        assert [record.deleted for record in page.records] == [True, False]

    @pytest.mark.parametrize("body", [{"items": []}, {"data": {}}, None, 5])
    def test_names_the_place_where_no_list_is(self, body: Any) -> None:
        listing = {"path": "/things", "records": "data"}

        with (
            reading(lambda _: Told(200, body), list=listing) as connection,
            pytest.raises(ConfigError, match=r"streams\.things\.list\.records"),
        ):
            connection.read("things", None, 3)

    def test_repeats_the_words_of_a_refusal(self) -> None:
        told = Told(400, {"error": {"message": "sort is not allowed"}})

        with reading(lambda _: told) as connection, pytest.raises(ConfigError, match="400: sort is not allowed"):
            connection.read("things", None, 3)


class TestFetch:
    """Records by key."""

    def test_asks_for_many_at_once_and_again_for_those_left_out(self) -> None:
        asked: list[str] = []

        def answering(request: Asked) -> Told:
            asked.append(request.path + str(dict(request.query)))
            if request.path == "/things":
                return Told(200, rows(1, 2, 99))
            return Told(200, {"id": 3}) if request.path == "/things/3" else Told(404)

        with reading(answering, item={"path": "/things/{key}", "many": {"param": "ids"}}) as connection:
            found = [record.key for record in connection.fetch("things", ["1", "2", "3", "4"])]

        assert found == ["1", "2", "3"]
        assert asked == ["/things{'ids': '1,2,3,4'}", "/things/3{}", "/things/4{}"]

    @pytest.mark.parametrize("key", [".", ".."])
    def test_refuses_a_key_that_would_climb(self, key: str) -> None:
        with (
            reading(lambda _: Told(200, {}), item={"path": "/things/{key}"}) as connection,
            pytest.raises(RecordError),
        ):
            list(connection.fetch("things", [key]))


class TestFind:
    """Records by the hub's reference."""

    SEARCH = {"field": "ref", "search": {"path": "/things", "params": {"ref": "{external_id}"}}}

    def test_gives_every_match(self) -> None:
        items = [{"id": 1, "ref": "R-1"}, {"id": 2, "ref": "R-1"}]

        with reading(lambda _: Told(200, items), external_id=self.SEARCH) as connection:
            found = list(connection.find("things", ["R-1"]))

        assert [(external_id, record.key) for external_id, record in found] == [("R-1", "1"), ("R-1", "2")]

    def test_does_not_take_an_ignored_question_for_an_absence(self) -> None:
        items = [{"id": 1, "ref": "R-7"}, {"id": 2, "ref": "R-8"}]

        with (
            reading(lambda _: Told(200, items), external_id=self.SEARCH) as connection,
            pytest.raises(FatalError, match="cannot be trusted"),
        ):
            list(connection.find("things", ["R-1"]))
