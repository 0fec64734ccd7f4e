"""A simulated third party with every capability profile, a menu of faults, and a ledger of its own as judge."""

from tests.simulator.fault import Fault, Faults
from tests.simulator.ledger import Effect, Ledger
from tests.simulator.party import KilledError, ThirdParty
from tests.simulator.plate import connector
from tests.simulator.profile import CONDITIONAL, NOTHING, PROFILES, UNIQUE, Profile
from tests.simulator.simulated_time import SimulatedTime
from tests.simulator.store import Row, Store

__all__ = [
    "CONDITIONAL",
    "NOTHING",
    "PROFILES",
    "UNIQUE",
    "Effect",
    "Fault",
    "Faults",
    "KilledError",
    "Ledger",
    "Profile",
    "Row",
    "SimulatedTime",
    "Store",
    "ThirdParty",
    "connector",
]
