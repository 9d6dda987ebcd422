"""Places in bytes as lines with marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soc_tui.detection.files.lines import evidence_of, line_of, marked, place_of, spans_of

TEXT = b"one\ntwo three\n\nfour five six\nseven\n"


def test_the_lines_of_places_with_what_surrounds_them() -> None:
    assert [tuple(line) for line in marked(TEXT, [(8, 13), (20, 24)], around=0)] == [
        (2, b"two three", ((4, 9),), 4), (4, b"four five six", ((5, 9),), 15),
    ]  # fmt: skip
    assert [(line.number, line.marks) for line in marked(TEXT, [(8, 13)], around=2)] == [
        (1, ()), (2, ((4, 9),)), (3, ()), (4, ()),
    ]  # fmt: skip


def test_a_place_over_lines_is_marked_on_each() -> None:
    assert [tuple(line[:3]) for line in marked(TEXT, [(8, 19)], around=0)] == [
        (2, b"two three", ((4, 9),)), (3, b"", ()), (4, b"four five six", ((0, 4),)),
    ]  # fmt: skip


def test_a_line_of_megabytes_is_cut_around_its_mark() -> None:
    content = b"a\n" + b"x" * 1_000_000 + b"EVIL" + b"y" * 1_000_000
    (line,) = marked(content, [(1_000_002, 1_000_006)], around=0)
    assert len(line.content) == 4096
    (begin, end) = line.marks[0]
    assert line.content[begin:end] == b"EVIL"
    assert content[line.offset + begin :][:4] == b"EVIL"


def test_what_a_finding_keeps_leads_back_to_the_places() -> None:
    fields = place_of(TEXT, [(20, 24), (8, 13)])
    assert fields == {"line": "2", "lines": "2, 4", "spans": "8-13 20-24"}
    assert spans_of(fields) == [(8, 13), (20, 24)]
    assert place_of(TEXT, []) == {}
    assert spans_of({"spans": "x 5 7- -3 9-2 1-2 99999999999-999999999999"}) == [(1, 2), (99999999999, 999999999999)]
    assert marked(TEXT, [(99, 120), (-1, 2)]) == []


def test_evidence_is_the_line_cut_to_what_surrounds_the_place() -> None:
    assert evidence_of(TEXT, (8, 13)) == b"two three"
    assert evidence_of(b"needle", (0, 6)) == b"needle"
    long = b"x" * 5000 + b"EVIL" + b"y" * 5000
    shown = evidence_of(long, (5000, 5004))
    assert b"EVIL" in shown
    assert len(shown) <= 1024
    assert shown in long


@given(
    st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 320), st.integers(0, 40)), max_size=6), st.integers(0, 3)
)
def test_marks_are_exactly_the_places(content: bytes, places: list[tuple[int, int]], around: int) -> None:
    spans = [(begin, begin + length) for begin, length in places]
    lines = marked(content, spans, around)
    assert [line.number for line in lines] == sorted({line.number for line in lines})
    shown = set()
    for line in lines:
        assert content[line.offset : line.offset + len(line.content)] == line.content
        assert line_of(content, line.offset) == line.number
        for begin, end in line.marks:
            shown.update(range(line.offset + begin, line.offset + end))
    meant = {at for begin, end in spans for at in range(begin, min(end, len(content))) if content[at] != 10}
    assert shown == meant
