"""Text from agents can not act on the terminal of a person."""

import json

import pytest

from postroom.cli.safe_text import clean, json_line, one_line


def test_words_line_breaks_and_tabs_stay() -> None:
    assert clean("one\n\ttwo äöü 日本 🙂") == "one\n\ttwo äöü 日本 🙂"


def test_colours_are_dropped() -> None:
    assert clean("\x1b[1;31mred\x1b[0m \x1b[38:2::1:2:3mdirect\x1b[m") == "red direct"


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b]0;title\x07",  # sets the window's title
        "\x1b]52;c;c2VjcmV0\x07",  # writes the clipboard
        "\x1b]8;;http://evil.example\x1b\\ok\x1b]8;;\x1b\\",  # a link that shows another text
        "\x1b[2J\x1b[H",  # clears the screen
        "\x1b[1A\x1b[2Kpostroom: all is well",  # overwrites a line of ours
        "fine\rforged",  # the same without an escape
        "a\x08b",
        "\x9b2J",  # CSI as one character
        "\x7f",
        "user\u202etxt.exe",  # shown in another order than it is
        "\u2066a\u2069",
        "\x00",
    ],
)
def test_nothing_that_acts_on_a_terminal_is_left(attack: str) -> None:
    safe = clean(attack)
    assert not [character for character in safe if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0]
    assert not set(safe) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_an_escape_is_shown_instead_of_hidden() -> None:
    assert clean("\x1b[2Jhello") == "␛[2Jhello"


def test_line_ends_of_windows_are_line_ends() -> None:
    assert clean("one\r\ntwo") == "one\ntwo"


def test_one_line_cannot_forge_a_second() -> None:
    assert one_line("Echo\npostroom: removed\u2028everything") == "Echo postroom: removed�everything"


def test_a_cut_line_shows_the_cut_and_keeps_the_limit() -> None:
    assert one_line("abcdef", limit=4) == "abc…"
    assert one_line("abcd", limit=4) == "abcd"


@pytest.mark.parametrize("text", ["\x9b2J", "\u202egnp.exe", "\x7f", "line\u2028break", "\x1b[2J", "äöü 日本"])
def test_json_keeps_the_value_and_holds_nothing_that_acts_on_a_terminal(text: str) -> None:
    line = json_line({"text": text})
    assert json.loads(line) == {"text": text}
    assert clean(line) == line
    assert "\n" not in line


def test_json_stays_readable_for_people() -> None:
    assert json_line({"text": "Grüße"}) == '{"text":"Grüße"}'
