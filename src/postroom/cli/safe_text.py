"""Text from agents is data: nothing in it may move the cursor, set a title, hide words or forge a line of ours."""

import json
import re
from typing import Any

# Colours (SGR) are harmless and common in the output of programs; they are dropped. Every other sequence stays visible.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
# DEL, C1 (U+009B is a one-character CSI), and the marks that reorder text on screen (bidirectional overrides and isolates).
_UNSEEN = re.compile("[\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_PICTURES = 0x2400


def clean(text: str) -> str:
    """Make text safe for a terminal; line breaks and tabs stay, other controls become visible."""
    text = _COLOUR.sub("", text).replace("\r\n", "\n")
    text = _CONTROL.sub(lambda match: chr(_CONTROL_PICTURES + ord(match.group())), text)
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str, *, limit: int | None = None) -> str:
    """Clean text as a single line, cut at ``limit`` characters with a mark that shows the cut."""
    line = " ".join(clean(text).split())
    if limit is not None and len(line) > limit:
        return line[: limit - 1] + "…"
    return line


def json_line(document: Any) -> str:
    """One JSON document on one line. What a terminal might act upon is escaped, so the value stays the same."""
    line = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", line)
