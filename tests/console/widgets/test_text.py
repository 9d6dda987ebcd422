"""The text door."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from soc_tui.console.widgets.text import content, count, cut, hanging, joined, lines, size, when


@given(st.text(max_size=200), st.integers(1, 80))
def test_cut_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    assert cell_len(cut(text, width)) == width


@given(st.text(max_size=200))
def test_content_is_one_inert_line_without_styles(text: str) -> None:
    made = content(text)
    assert "\n" not in made.plain
    assert "\x1b" not in made.plain
    assert made.spans == []


def test_markup_stays_text() -> None:
    assert joined("[/red]", ("[@click=app.quit]x[/]", "bold")).plain == "[/red][@click=app.quit]x[/]"
    assert lines([content("a"), content("b")]).plain == "a\nb"


def test_a_cut_is_marked() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("漢字漢字", 5) == "漢字…"


def test_numbers_and_times_read_well() -> None:
    assert (count(1_204_331), count(None), count("[b]")) == ("1,204,331", "", "[b]")
    assert (size(999), size(1_500_000), size(None)) == ("999 B", "1.5 MB", "")
    assert when(datetime(2026, 11, 2, 14, 3, 22, 900)) == "2026-11-02 14:03:22"
    assert when("2026-11-24T08:37:18.824Z") == "2026-11-24 08:37:18"
    assert when("soon [b]") == "soon [b]"
    assert when(None) == ""


@given(st.text(alphabet="ab漢 ", max_size=200), st.integers(20, 60))
def test_hanging_lines_stay_within_the_width_and_under_their_beginning(text: str, width: int) -> None:
    first, *others = hanging(content("undo  "), content(text), width).split("\n")
    assert first.plain.startswith("undo  ")
    assert all(line.plain.startswith(" " * 6) and line.plain.strip() for line in others)
    assert all(line.cell_length <= width for line in [first, *others])
