"""Integrations: paused and resumed here, and gathered for the home page with their health."""

from hub.services.integration.health import Health, Level
from hub.services.integration.overview import BARS, CARDS, EXCEPTIONS_COUNTED, Bar, Card, MappingStand, card, cards

__all__ = [
    "BARS",
    "CARDS",
    "EXCEPTIONS_COUNTED",
    "Bar",
    "Card",
    "Health",
    "Level",
    "MappingStand",
    "card",
    "cards",
]
