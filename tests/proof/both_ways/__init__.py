"""The proof for mappings that go both ways: a world of two sides that people edit, its judge, and its scenarios."""

from tests.proof.both_ways.scenarios import SCENARIOS
from tests.proof.both_ways.world import BothWays

__all__ = ["SCENARIOS", "BothWays"]
