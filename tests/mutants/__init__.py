"""Seeded bugs. Each is one change to a copy of the source; the tests that it names must fail on it (``make mutants``)."""
