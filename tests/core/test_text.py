"""The door to the screen: nothing that a terminal obeys passes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc_tui.core.text import MAX_COMBINING, safe


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text", "plain text"),
        (None, ""),
        (42, "42"),
        ("\x1b]0;PWNED\x07", "^[]0;PWNED^G"),
        ("\x1b[2Jx", "^[[2Jx"),
        ("a\r\nb\tc", "a^M^Jb^Ic"),
        ("\x9b31m", "<9B>31m"),
        ("\x7f", "^?"),
        ("\x00", "^@"),
        ("abc\u202etxt.exe", "abc<U+202E>txt.exe"),
        ("\u200b\ufeff", "<U+200B><U+FEFF>"),
        ("\U000e0041", "<U+E0041>"),
        ("\ud800", "<U+D800>"),
        (b"\xff\xfeok", "\\xff\\xfeok"),
        ("[/red][@click=app.quit]x[/]", "[/red][@click=app.quit]x[/]"),
        ("Größe 日本 😀", "Größe 日本 😀"),
    ],
)
def test_what_acts_becomes_a_visible_mark(raw: object, shown: str) -> None:
    assert safe(raw) == shown


def test_multiline_keeps_line_feeds_only() -> None:
    assert safe("a\nb\r\tc", multiline=True) == "a\nb^M    c"


def test_limit_cuts_with_an_ellipsis() -> None:
    assert safe("abcdef", limit=4) == "abc…"
    assert safe("abcd", limit=4) == "abcd"
    assert len(safe("\x1b" * 10_000_000, limit=80)) == 80


def test_a_stack_of_combining_marks_is_cut() -> None:
    shown = safe("e" + "\u0301" * 200)
    assert shown.count("\u0301") == MAX_COMBINING
    assert shown.count("<U+0301>") == 200 - MAX_COMBINING


@given(st.text() | st.binary())
def test_the_result_never_holds_an_active_character(value: str | bytes) -> None:
    for text in (safe(value), safe(value, multiline=True).replace("\n", "")):
        assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_is_unchanged(value: str) -> None:
    assert safe(value) == value
