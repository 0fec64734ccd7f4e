"""Writing to JSON APIs: what is asked, and what stops the rest."""

import socket
from collections.abc import Sequence
from decimal import Decimal

import pytest

from hub.sdk import Answer, Change, Operation, Outcome
from tests.connectors.rest.listener import Answering, Asked, Told
from tests.connectors.rest.writes import CREATE, UPDATE, WRITES, many, opened, request_of, write, writing


class TestRequest:
    """How a change is asked for."""

    def test_of_an_update_carries_only_what_changed_and_the_version_it_expects(self) -> None:
        asked = request_of(UPDATE)

        assert (asked.method, asked.path, asked.body) == ("PATCH", "/things/7", {"name": "Ada"})
        assert asked.headers["if-match"] == '"3"'

    def test_of_an_update_without_a_known_version_expects_nothing(self) -> None:
        change = Change("u", Operation.UPDATE, "R-1", {"name": "Ada"}, key="7")

        assert "if-match" not in request_of(change).headers

    def test_may_carry_the_whole_image_and_the_version_in_the_body(self) -> None:
        update = {"method": "PUT", "path": "/t/{key}", "body": {"d": "$image", "k": "$key"}, "if_match": {"field": "v"}}

        asked = request_of(UPDATE, update=update)

        assert asked.method == "PUT"
        assert asked.body == {"d": {"name": "Ada", "city": "Ulm", "v": 3}, "k": "7"}

    def test_of_a_create_carries_the_reference_and_the_idempotency_key(self) -> None:
        create = {"path": "/things", "idempotency": {"header": "X-Once", "max_length": 20}}

        asked = request_of(CREATE, create=create, external_id={"field": "hub_ref"})

        assert asked.body == {"name": "Ada", "hub_ref": "R-1"}
        assert asked.headers["x-once"] == "k-1"

    def test_of_a_create_may_name_its_own_key(self) -> None:
        create = {"method": "PUT", "path": "/things/{key}", "if_none_match": True, "headers": {"X-Note": "hub"}}
        change = Change("c", Operation.CREATE, "R-1", {"id": "a/b"}, {"id": "a/b"})

        asked = request_of(change, create=create)

        assert (asked.method, asked.path) == ("PUT", "/things/a%2Fb")
        assert asked.headers["if-none-match"] == "*"
        assert asked.headers["x-note"] == "hub"

    def test_keeps_money_exact(self) -> None:
        change = Change("u", Operation.UPDATE, "R-1", {"price": Decimal("0.10")}, key="7")

        outcome = write(Told(200, {"id": 7, "price": 0.1}), change)

        assert outcome.exchange
        assert '{"price":0.10}' in outcome.exchange.request


class TestSeveral:
    """Many changes at once."""

    @pytest.mark.parametrize(
        ("told", "answer", "sent"),
        [
            (Told(401), Answer.AUTH, 1),
            (Told(429, None, {"Retry-After": "5"}), Answer.RETRY, 1),
            (Told(301, None, {"Location": "/x"}), Answer.RETRY, 1),
            (Told(422, {}), Answer.REFUSED, 10),
            (Told(423, {}), Answer.RETRY, 10),
        ],
    )
    def test_stop_where_nothing_more_can_come_of_it(self, told: Told, answer: Answer, sent: int) -> None:
        asked: list[Asked] = []

        def answering(request: Asked) -> Told:
            asked.append(request)
            return told

        with writing(answering) as connection:
            outcomes = list(connection.apply("things", many(10)))

        assert {outcome.answer for outcome in outcomes} == {answer}
        assert [outcome.change_id for outcome in outcomes] == [change.id for change in many(10)]
        assert len(asked) == sent

    def test_stop_after_three_silences_and_keep_the_rest_for_later(self) -> None:
        with writing(lambda _: Told(500)) as connection:
            answers = [outcome.answer for outcome in connection.apply("things", many(6))]

        assert answers == [Answer.UNKNOWN] * 3 + [Answer.RETRY] * 3

    def test_never_left_where_nothing_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            address = f"http://127.0.0.1:{gone.getsockname()[1]}"
        connection = opened(address, {"streams": {"things": WRITES}})

        answers = {outcome.answer for outcome in connection.apply("things", many(5))}

        assert answers == {Answer.RETRY}

    def test_go_out_side_by_side_when_the_manifest_allows_it(self) -> None:
        asked: list[str] = []

        def answering(request: Asked) -> Told:
            asked.append(request.path)
            return Told(200, {"id": request.path.rpartition("/")[2]})

        with writing(answering, {"parallel": 4}) as connection:
            outcomes = list(connection.apply("things", many(40)))

        assert sorted(asked) == sorted(f"/things/{number}" for number in range(40))
        assert {outcome.change_id: outcome.key for outcome in outcomes} == {f"u{n}": f"{n}" for n in range(40)}

    def test_yield_each_outcome_as_it_becomes_known(self) -> None:
        asked: list[Asked] = []

        def answering(request: Asked) -> Told:
            asked.append(request)
            return Told(200, {"id": 0})

        with writing(answering) as connection:
            next(iter(connection.apply("things", many(5))))

        assert len(asked) == 1


class TestBatch:
    """Several changes in one request."""

    TOP = {"batch": {"path": "/batch", "max_items": 4}}

    def test_gives_each_part_its_own_outcome(self) -> None:
        parts = [
            {"status": 200, "headers": {"ETag": '"1"'}, "body": {"id": 0, "v": 5}},
            {"status": 412, "body": {"existing": {"id": 1, "v": 9}}},
            {"status": 400, "body": {"message": "No."}},
            {"status": 500, "body": None},
        ]

        outcomes, asked = self.apply(lambda _: Told(200, {"responses": parts}), many(4))

        assert [outcome.answer for outcome in outcomes] == [
            Answer.APPLIED,
            Answer.CONFLICT,
            Answer.REFUSED,
            Answer.UNKNOWN,
        ]
        assert outcomes[0].version == "5"
        assert outcomes[1].image == {"id": 1, "v": 9}
        assert outcomes[2].message == "No."
        assert len(asked) == 1
        assert asked[0].body["requests"][3] == {"method": "PATCH", "path": "/things/3", "headers": {}, "body": {"n": 3}}

    def test_is_cut_into_pieces(self) -> None:
        def answering(request: Asked) -> Told:
            ids = [part["path"].rpartition("/")[2] for part in request.body["requests"]]
            return Told(200, {"responses": [{"status": 200, "body": {"id": each}} for each in ids]})

        outcomes, asked = self.apply(answering, many(10))

        assert [len(request.body["requests"]) for request in asked] == [4, 4, 2]
        assert [outcome.key for outcome in outcomes] == [str(number) for number in range(10)]

    def test_without_an_answer_leaves_all_of_it_in_doubt_and_the_rest_for_later(self) -> None:
        outcomes, asked = self.apply(lambda _: Told(502), many(6))

        assert [outcome.answer for outcome in outcomes] == [Answer.UNKNOWN] * 4 + [Answer.RETRY] * 2
        assert len(asked) == 1

    def test_whose_parts_cannot_be_told_apart_is_in_doubt(self) -> None:
        outcomes, _ = self.apply(lambda _: Told(200, {"responses": [{"status": 200}]}), many(4))

        assert {outcome.answer for outcome in outcomes} == {Answer.UNKNOWN}

    def test_that_is_refused_as_a_whole_is_taken_apart(self) -> None:
        def answering(request: Asked) -> Told:
            if request.path == "/batch":
                return Told(413, {"message": "too much"})
            return Told(200, {"id": request.path.rpartition("/")[2]})

        outcomes, asked = self.apply(answering, many(4))

        assert [outcome.key for outcome in outcomes] == ["0", "1", "2", "3"]
        assert len(asked) == 5

    def apply(self, answering: Answering, changes: Sequence[Change]) -> tuple[list[Outcome], list[Asked]]:
        """Outcomes of the changes, and what was asked."""
        asked: list[Asked] = []

        def remembering(request: Asked) -> Told:
            asked.append(request)
            return answering(request)

        with writing(remembering, self.TOP) as connection:
            return list(connection.apply("things", changes)), asked
