"""Audit events join by id and depend on the stream alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.framing import AuditEvents
from tests.acquisition.framing.test_framing import cut_all


def line(serial: int, kind: str = "SYSCALL") -> bytes:
    return b"type=%s msg=audit(1364481363.243:%d): x=%d\n" % (kind.encode(), serial, serial)


PIECES = [*(line(serial) for serial in range(5)), line(1, "PATH"), b"no audit line\n", b"\n", b"\xff\n", b"tail"]


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=40),
    cuts=st.lists(st.integers(0, 1500), max_size=6),
    reach=st.sampled_from([1, 3]),
    most=st.sampled_from([4, 9]),
)
def test_any_split_gives_the_same_events(pieces: list[bytes], cuts: list[int], reach: int, most: int) -> None:
    stream = b"".join(pieces)
    framing = AuditEvents(reach, most)
    whole = cut_all(framing, stream, [], limit=2000)
    assert cut_all(framing, stream, cuts, limit=2000) == whole
    ends = 0
    for offset, length, text in whole:
        assert offset >= ends
        ends = offset + length
        shown = stream[offset:ends].decode("utf-8", "backslashreplace")
        assert text.startswith("\n".join(part for part in shown.split("\n") if part))
    assert sum(text.count("\n") + 1 for *_, text in whole) == sum(bool(part) for part in stream.split(b"\n"))


def test_interleaved_events_are_put_together() -> None:
    stream = line(1) + line(2) + line(1, "PATH") + b"noise\n" + line(2, "PATH") + line(3)
    found = cut_all(AuditEvents(), stream, [], limit=500)
    assert [text.count("\n") + 1 for *_, text in found] == [2, 2, 1, 1]
    assert found[0][2] == (line(1) + line(1, "PATH")).decode().strip()
    assert found[0][:2] == (0, len(line(1)) - 1)


def test_an_id_that_comes_again_much_later_is_another_event() -> None:
    stream = line(1) + b"noise\n" * 33 + line(1)
    assert len(cut_all(AuditEvents(), stream, [])) == 35
    near = line(1) + b"noise\n" * 32 + line(1)
    assert len(cut_all(AuditEvents(), near, [])) == 33


def test_events_that_overlap_without_end_are_cut_all_the_same() -> None:
    stream = b"".join(line(n) + line(n - 1, "PATH") for n in range(1, 4000))
    framing = AuditEvents(max_lines=100)
    held = framing.cut(stream, 0, 1000, final=False)
    assert held.used > 0.9 * len(stream)
    assert 3999 < held.records.num_rows < 4200


@pytest.mark.parametrize("final", [True, False])
def test_an_overlong_event_is_a_reject(final: bool) -> None:
    stream = line(1) + line(1, "PATH") * 30 + line(2) + b"noise\n" * 40
    cut = AuditEvents().cut(stream, 0, 500, final=final)
    assert cut.overlong.num_rows == 1
    assert cut.overlong["raw"][0].as_py().startswith(b"type=SYSCALL")
