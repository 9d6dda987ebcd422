"""Records depend on the stream alone, never on how it was cut into blocks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.framing import LINES_FRAMING, Framing, Joined, Quoted

FRAMINGS = {"lines": LINES_FRAMING, "joined": Joined(r"\d", max_lines=4), "quoted": Quoted(max_lines=3)}
PIECES = [
    b"1 x\n",
    b"\tat y\n",
    b"\n",
    b"\r\n",
    b"2\r\n",
    b'a,"b\n',
    b'c",d\n',
    b'"',
    b"\xff\n",
    b"tail",
    b"\xef\xbb\xbf",
]


def cut_all(framing: Framing, stream: bytes, cuts: list[int], limit: int = 40) -> list[tuple[int, int, str]]:
    found, carry, offset, before = [], b"", 0, 0
    for end in [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]:
        carry += stream[before:end]
        before = end
        last = end == len(stream)
        while carry:
            cut = framing.cut(carry, offset, limit, final=False)
            if not cut.used and last:
                cut = framing.cut(carry, offset, limit, final=True)
            if not cut.used:
                break
            rows = zip(
                *(cut.records[name].to_pylist() for name in ("source_offset", "source_length", "line")), strict=True
            )
            found += [*rows, *((r["source_offset"], r["source_length"], r["reason"]) for r in cut.overlong.to_pylist())]
            carry, offset = carry[cut.used :], offset + cut.used
    return sorted(found)


@pytest.mark.parametrize("name", FRAMINGS)
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=14), cuts=st.lists(st.integers(0, 120), max_size=6))
def test_any_split_gives_the_same_records(name: str, pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    whole = cut_all(FRAMINGS[name], stream, [])
    assert cut_all(FRAMINGS[name], stream, cuts) == whole
    ends = 0
    for offset, length, _ in whole:
        assert offset >= ends
        assert stream[offset : offset + length].strip(b"\r\n\xef\xbb\xbf") or length
        ends = offset + length


def test_a_stack_trace_is_one_record_with_its_blank_lines() -> None:
    stream = b"1 error\n\tat x\n\n\tat y\n2 next\n"
    assert cut_all(FRAMINGS["joined"], stream, []) == [(0, 20, "1 error\n\tat x\n\n\tat y"), (21, 6, "2 next")]
    held = FRAMINGS["joined"].cut(stream, 0, 1000, final=False)
    assert (held.records.num_rows, held.used) == (1, 21)


def test_a_line_end_inside_quotes_does_not_end_a_record() -> None:
    stream = b'a,"one\ntwo ""x""",c\nd,e,f\n'
    assert [line for *_, line in cut_all(FRAMINGS["quoted"], stream, [])] == ['a,"one\ntwo ""x""",c', "d,e,f"]


def test_a_stray_quote_costs_a_few_lines_and_not_the_file() -> None:
    stream = b'a,"b\n' + b"c,d\n" * 10
    lines = [line for *_, line in cut_all(FRAMINGS["quoted"], stream, [])]
    assert lines == ['a,"b', *["c,d"] * 10]
