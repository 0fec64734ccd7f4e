"""Runs of mappings that go both ways: both sides are read, merged field by field, and either is written.

Read aloud it is the loop of every run: read, pair, sort, guard, intend, write, record. A record that is seen on one
side is always looked at on the other as well, so an echo of the hub's own write comes out as no change.
"""
