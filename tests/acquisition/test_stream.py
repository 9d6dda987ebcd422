"""Compressed logs: told by content, read through member after member, and salvaged as far as they go."""

from __future__ import annotations

import bz2
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition import unpack
from soc_tui.acquisition.reader import open_source
from soc_tui.acquisition.stream import LogFile
from soc_tui.core.errors import SourceError
from tests.acquisition.conftest import SETTINGS, read_all, stored

Pack = Callable[[bytes], bytes]


def xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def bzip2(data: bytes) -> bytes:
    return bz2.compress(data, 1)


PACKS = pytest.mark.parametrize("pack", [xz, bzip2], ids=["xz", "bzip2"])


def text(lines: int, seed: int = 1) -> bytes:
    """Lines that hardly shrink, so that a damage lies somewhere within them."""
    made = random.Random(seed)
    return b"".join(b"%d %s\n" % (n, made.randbytes(30).hex().encode()) for n in range(lines))


@PACKS
def test_compressed_by_content_not_by_name(tmp_path: Path, pack: Pack) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(pack(text(2)) + pack(text(3, 2).rstrip(b"\n")))
    result = read_all(log, as_format="text")
    assert (len(result.events), result.state.state, result.state.error) == (5, "done", "")
    assert result.state.offset == len(text(2) + text(3, 2)) - 1


@PACKS
def test_padding_between_members_and_empty_members(tmp_path: Path, pack: Pack) -> None:
    log = tmp_path / "x"
    log.write_bytes(
        pack(b"") + bytes(8) + pack(b"one\n") + bytes(4) + pack(b"") + bytes(100_000) + pack(b"two\n") + bytes(12)
    )
    result = read_all(log)
    assert [e["message"] for e in result.events] == ["one", "two"]
    assert result.state.error == ""


@PACKS
def test_a_cut_archive_gives_what_came_before(tmp_path: Path, pack: Pack) -> None:
    whole = text(12_000)
    packed = pack(whole)
    log = tmp_path / "x"
    log.write_bytes(packed[: len(packed) // 2])
    result = read_all(log, as_format="text")
    assert result.state.state == "error"
    assert "cut off before its end" in result.state.error
    assert 3_000 < result.state.records_stored < 6_100
    assert result.events[0]["message"] == whole.split(b"\n")[0].decode()


@PACKS
@pytest.mark.parametrize("where", [0.3, 0.6, 0.95])
def test_flipped_bits_keep_what_came_before(
    tmp_path: Path, pack: Pack, where: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_BLOCK", 4096)
    whole = text(2000)
    packed = bytearray(pack(whole[:60_000]) + bytes(4) + pack(whole[60_000:]))
    packed[int(len(packed) * where)] ^= 0x5A
    log = tmp_path / "x"
    log.write_bytes(packed)
    with LogFile(log) as opened:
        stream = opened.stream()
        got = stream.read(1 << 20)
    assert stream.damage
    first = 60_000 if where > 0.5 else 0  # a damage is noticed at the latest at the end of its block
    assert got[:first] == whole[:first]
    assert len(got) > len(whole) * (where - 0.3)


@PACKS
def test_a_damage_in_the_first_bytes_is_an_error_not_a_crash(tmp_path: Path, pack: Pack) -> None:
    packed = bytearray(pack(text(50)))
    packed[8 if pack is xz else 15] ^= 0xFF
    log = tmp_path / "x.log"
    log.write_bytes(packed)
    result = read_all(log)
    assert (result.state.records_read, result.state.state) == (0, "error")
    assert "damaged" in result.state.error


def test_xz_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "x.xz"
    log.write_bytes(lzma.compress(b"x\n" * 1000, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20}]))
    result = read_all(log)
    assert "Memory usage limit" in result.state.error


@PACKS
def test_a_bomb_needs_no_memory(tmp_path: Path, pack: Pack) -> None:
    log = tmp_path / "x"
    log.write_bytes(pack(bytes(40 << 20)))
    with log.open("rb") as raw:
        stream = (unpack.Xz if pack is xz else unpack.Bzip2)(raw)
        assert stream.read(1000) == bytes(1000)
        assert len(stream._buffer) < 1 << 20
    with pytest.raises(SourceError, match="binary"):
        open_source(log, [], SETTINGS)


@PACKS
def test_rotated_and_compressed_log_continues_at_its_offset(tmp_path: Path, pack: Pack) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(text(10))
    state = stored(read_all(log, as_format="text", final=False).state)
    old = tmp_path / f"app.log.1.{'xz' if pack is xz else 'bz2'}"
    old.write_bytes(pack(text(12)))
    log.write_bytes(text(1, 5))
    result = read_all(old, [state], as_format="text")
    assert [e["message"].split()[0] for e in result.events] == ["10", "11"]
    assert (result.state.source_id, result.state.state) == (1, "done")


def test_text_that_begins_like_bzip2_is_text(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"BZh is how bzip2 begins\nBZh91AY\n")
    assert len(read_all(log, as_format="text").events) == 2


@PACKS
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=3000),
    flips=st.lists(st.tuples(st.integers(6, 4000), st.integers(1, 255)), max_size=3),
    cut=st.integers(12, 4000),
)
def test_damage_never_raises_and_never_repeats(
    tmp_path: Path, pack: Pack, data: bytes, flips: list[tuple[int, int]], cut: int
) -> None:
    packed = bytearray((pack(data) + pack(data[::-1]))[:cut])
    for at, mask in flips:
        if at < len(packed):
            packed[at] ^= mask
    path = tmp_path / "x"
    path.write_bytes(packed)
    with path.open("rb") as raw:
        stream = (unpack.Xz if pack is xz else unpack.Bzip2)(raw)
        small = b"".join(iter(lambda: stream.read(7), b""))
    with path.open("rb") as raw:
        again = (unpack.Xz if pack is xz else unpack.Bzip2)(raw)
        assert again.read(1 << 20) == small
        assert again.damage == stream.damage
    assert len(small) <= 2 * len(data) or stream.damage
