"""What is in the repository works on every machine: no path of one of them, no address of a package registry."""

import re
from collections.abc import Iterator

from tests.lints.checkout import Checkout, Finding

_OF_ONE_MACHINE = re.compile(
    r"""
      (?<![\w.~}-])/(?:root|work|home/[a-z][\w-]*)/                     # a folder of somebody's machine
    | --(?:(?:extra-)?index-url|find-links)\b                             # where pip is to look
    | \bpypi\.org/simple | pythonhosted\.org | registry\.npmjs\.org     # or where it did
    """,
    re.VERBOSE,
)


def check(checkout: Checkout) -> Iterator[Finding]:
    """Reject absolute paths into home and work folders, and registry addresses, in any text file."""
    for path, text in checkout.files.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if found := _OF_ONE_MACHINE.search(line):
                yield Finding(path, number, f"{found[0]!r} is of one machine: use a relative path, a setting or the default")
