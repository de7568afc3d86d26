"""Postroom beside what the machine can do without storage, and beside another server, in one run. Nothing here asserts a time."""
