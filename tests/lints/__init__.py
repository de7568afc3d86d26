"""The rules of this code base that no ready-made tool checks. ``python -m tests.lints`` runs all of them over the checkout."""
