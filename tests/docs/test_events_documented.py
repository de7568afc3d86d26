"""Every event that is sent has a name in the code and a row in docs/http.md, and no row is of an event that is never sent (L32)."""

import re
from pathlib import Path

from postroom.core.deliveries.model import End
from postroom.core.events.model import EventType

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "postroom"
NAME = re.compile(r"'((?:message|notice|mailbox|dead_letter|workspace)\.[a-z_]+)'")
# The end of a message: the name is made of its state.
MADE = "'message.' || ended.state"


def documented() -> list[str]:
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    section = page[page.index("### Events") : page.index("## Sessions")]
    return re.findall(r"^\| `([a-z_.]+)` \|", section, re.MULTILINE)


def sent_by_sql() -> set[str]:
    text = "".join(
        path.read_text(encoding="utf-8") for folder in ("migrations", "queries") for path in (SOURCE / "sql" / folder).glob("*.sql")
    )
    assert MADE in text
    return set(NAME.findall(text)) | {f"message.{end}" for end in End}


def sent_by_code() -> set[str]:
    text = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "core").rglob("*.py") if path.parent.name != "events")
    return {kind.value for kind in EventType if re.search(rf"EventType\.{kind.name}\b", text)}


def test_the_table_lists_the_events_of_the_code_in_their_order() -> None:
    assert documented() == [kind.value for kind in EventType]


def test_what_is_sent_has_a_name_and_every_name_is_sent() -> None:
    assert sent_by_sql() | sent_by_code() == {kind.value for kind in EventType}
