"""Clerk: a plain program, nothing of Postroom in it. It reads a text and writes its figures: lines, words, the sum of its numbers.

Run it by hand, or as an agent:

    echo "3 apples and 4.5 pears" | python clerk.py
    postroom agent run --name Clerk -- python clerk.py
"""

import re
import sys
from decimal import Decimal

# A number stands alone: digits inside a word, such as a version or an id, are none.
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w|\.\d)")


def figures(text: str) -> str:
    """Count and sum; decimals, so that 0.1 and 0.2 make 0.3."""
    numbers = [Decimal(number) for number in NUMBER.findall(text)]
    return "\n".join(
        (
            f"lines: {len(text.splitlines())}",
            f"words: {len(text.split())}",
            f"numbers: {len(numbers)}, sum {sum(numbers, Decimal(0)):f}",
        )
    )


if __name__ == "__main__":
    # An agent's text is UTF-8, whatever the terminal's language settings say.
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    print(figures(sys.stdin.read()))
