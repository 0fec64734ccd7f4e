"""Decisions: pure functions. No Django, network, clock, files or chance: they come in as arguments."""
