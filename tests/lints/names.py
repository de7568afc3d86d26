"""A module is named for what it does; a bucket is not a name."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.lints.checkout import Checkout, Finding

BUCKETS = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "base", "misc"}


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject modules and packages whose name, or the last word of it, is a bucket."""
    for module in checkout.modules:
        for part in PurePosixPath(module.path).with_suffix("").parts:
            if part.rpartition("_")[2] in BUCKETS:
                yield Finding(module.path, 1, f"{part}: a module is named for what it does")
