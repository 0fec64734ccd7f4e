"""Tests that hold for every carrier ask for `carrier` and run once for each."""

from collections.abc import Iterator

import pytest

from tests.hub.http.calls import CARRIERS, carried_by


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the carrier under test."""
    with carried_by(CARRIERS[request.param]):
        yield request.param
