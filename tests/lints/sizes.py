"""Files stay small enough to be read in one go."""

from collections.abc import Iterator

from tests.lints.checkout import Checkout, Finding

LIMITS = {"src": 400, "benches": 400, "tests": 600, "examples": 100}


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject Python files with more lines than their folder allows."""
    for module in checkout.modules:
        for folder, limit in LIMITS.items():
            if module.is_in(folder) and len(module.lines) > limit:
                yield Finding(module.path, limit + 1, f"{len(module.lines)} lines, {limit} allowed: split the file by what it does")
