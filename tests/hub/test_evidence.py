"""Hashes, trees and paths of evidence, beside their definition in RFC 6962."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.evidence import Tree, canonical, leaf_hash, root_of
from hub.evidence.verifier import root_by, verify_lines

leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def by_definition(found: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over hashes of leaves."""
    if len(found) == 1:
        return found[0]
    cut = 1
    while cut * 2 < len(found):
        cut *= 2
    return hashlib.sha256(b"\x01" + by_definition(found[:cut]) + by_definition(found[cut:])).digest()


@given(leaves)
def test_a_root_is_that_of_the_definition(found: list[bytes]) -> None:
    assert root_of(found) == by_definition(found)


@given(leaves, st.data())
def test_a_path_leads_from_its_leaf_to_the_root_and_from_no_other(found: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(found) - 1))
    path = Tree(found).path(index)

    assert root_by(found[index], index, len(found), path) == root_of(found)
    assert root_by(b"x" * 32, index, len(found), path) != root_of(found)


def test_a_leaf_is_no_node_and_has_a_place() -> None:
    assert leaf_hash(1, "event", {}) != leaf_hash(2, "event", {}) != leaf_hash(2, "row", {})
    assert leaf_hash(1, "event", {}) == hashlib.sha256(b'\x00[1,"event",{}]').digest()


def test_the_canonical_form_knows_one_order_and_no_spaces() -> None:
    assert canonical({"b": [1, None, True], "a": "Zoë"}) == canonical({"a": "Zoë", "b": [1, None, True]})
    assert canonical({"b": 1, "a": "Zoë"}) == '{"a":"Zoë","b":1}'.encode()


@pytest.mark.parametrize("text", ["", "{}", '{"type":"seal"}'])
def test_what_is_no_bundle_proves_nothing(text: str) -> None:
    assert verify_lines([text], {"a": "00" * 32}).code == 2
