"""Entries of the journal export format, also with fields that hold line ends."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.framing import JournalEntries
from tests.acquisition.framing.test_framing import cut_all


def sized(name: bytes, value: bytes) -> bytes:
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


PIECES = [b"A=1\n", b"MESSAGE=x\n", b"\n", sized(b"MESSAGE", b"a\n\n_UID=0\nb"), sized(b"B", b"\xff\x00"), sized(b"C", b""),
          b"junk\n", b"NAME\n\xff\xff\xff\xff\xff\xff\xff\xff\n", b"A=tail"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=14), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_any_split_gives_the_same_entries(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    whole = cut_all(JournalEntries(), stream, [], limit=1000)
    assert cut_all(JournalEntries(), stream, cuts, limit=1000) == whole
    ends = 0
    for offset, length, _ in whole:
        assert offset >= ends
        assert length
        ends = offset + length


def test_no_value_passes_for_a_field() -> None:
    stream = b"_UID=5\n" + sized(b"MESSAGE", b"one\n\n_UID=0") + b"X=y\n\nA=b\n\n"
    texts = [text for *_, text in cut_all(JournalEntries(), stream, [], limit=1000)]
    assert texts == ["_UID=5\nMESSAGE=one\n\t\n\t_UID=0\nX=y", "A=b"]


def test_a_field_that_is_still_being_written_waits() -> None:
    stream = b"A=1\n\nB=2\n" + sized(b"MESSAGE", b"a\n\nb" * 50)
    held = JournalEntries().cut(stream[:40], 0, 1000, final=False)
    assert (held.records.num_rows, held.used) == (1, 5)
    assert len(cut_all(JournalEntries(), stream + b"\n", [30, 60], limit=1000)) == 2
