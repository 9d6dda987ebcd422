from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from soc_tui.acquisition import stream
from soc_tui.acquisition.reader import open_source, predecessors, read_chunks
from soc_tui.core.errors import SourceError, UsageError
from soc_tui.core.settings import AcquisitionSettings
from tests.acquisition.conftest import CLOCK, SETTINGS, read_all, read_on, stored

LINE = "Mar 27 13:06:56 web1 sshd[{n}]: Failed password for root from 203.0.113.{n} port 40{n} ssh2\n"


def lines(first: int, last: int) -> str:
    return "".join(LINE.format(n=n) for n in range(first, last))


def pids(result) -> list[int]:
    return [int(e["src_ip"].rsplit(".", 1)[1]) for e in result.events]


def test_growing_file_is_read_on(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 12))
    first = read_all(log, final=False)
    assert pids(first) == [10, 11]
    with log.open("a") as out:
        out.write(lines(12, 14))
    second = read_all(log, [stored(first.state)], final=False)
    assert pids(second) == [12, 13]
    assert second.state.source_id == 1
    assert second.state.records_read == 4
    assert read_all(log, [stored(second.state)], final=False).chunks == []


def test_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 11) + "Mar 27 13:06:5")
    first = read_all(log, final=True)
    assert pids(first) == [10]
    assert first.state.pending_bytes == 14
    with log.open("a") as out:
        out.write("6 web1 sshd[1]: Failed password for root from 203.0.113.11 port 1 ssh2\n")
    second = read_all(log, [stored(first.state)])
    assert pids(second) == [11]
    assert second.state.pending_bytes == 0
    assert second.state.records_rejected == 0


def test_last_line_without_end_is_taken_in_a_batch_and_waits_in_a_tail(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 12).rstrip("\n"))
    assert pids(read_all(log, final=False)) == [10]
    done = read_all(log, final=True)
    assert pids(done) == [10, 11]
    with log.open("a") as out:
        out.write("\n" + lines(12, 13))
    assert pids(read_all(log, [stored(done.state)])) == [12]


def test_first_half_line_does_not_decide_the_format(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("Mar 27 13:0")
    first = read_all(log, final=False)
    assert (first.state.format, first.state.pending_bytes) == ("", 11)
    log.write_text(lines(10, 12))
    assert read_all(log, [stored(first.state)], final=False).state.format == "syslog"


def test_rotation_by_rename(tmp_path: Path) -> None:
    log, old = tmp_path / "auth.log", tmp_path / "auth.log.1"
    log.write_text(lines(10, 12))
    state = stored(read_all(log, final=False).state)
    with log.open("a") as out:
        out.write(lines(12, 13))  # not read before the rotation
    log.rename(old)
    log.write_text(lines(20, 22))

    moved = predecessors(log, [state])
    assert [(m.path, m.source_id, m.offset) for m in moved] == [(str(old), 1, state.offset)]
    finished = read_on(moved[0], final=False)
    assert pids(finished) == [12]
    fresh = read_all(log, [finished.state], final=False)
    assert pids(fresh) == [20, 21]
    assert fresh.state.source_id == 0
    assert read_all(old, [finished.state, stored(fresh.state, 2)], final=False).chunks == []
    assert predecessors(log, [finished.state, stored(fresh.state, 2)]) == []


def test_reading_a_state_follows_a_rename_that_nobody_told_of(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 11))
    state = stored(read_all(log, final=False).state)
    with log.open("a") as out:
        out.write(lines(11, 12))
    log.rename(tmp_path / "auth.log.1")
    log.write_text(lines(30, 31))
    result = read_on(state, final=False)
    assert pids(result) == [11]
    assert result.state.path == str(tmp_path / "auth.log.1")


@pytest.mark.parametrize("regrown", [0, 1, 50], ids=["empty", "shorter", "longer than before"])
def test_copytruncate_neither_loses_nor_repeats(tmp_path: Path, regrown: int) -> None:
    log, copy = tmp_path / "auth.log", tmp_path / "auth.log.1"
    log.write_text(lines(10, 14))
    state = stored(read_all(log, final=False).state)
    with log.open("a") as out:
        out.write(lines(14, 15))  # only the copy will have it
    copy.write_bytes(log.read_bytes())
    os.truncate(log, 0)
    with log.open("a") as out:
        out.write(lines(100, 100 + regrown))

    moved = predecessors(log, [state])
    assert [m.path for m in moved] == [str(copy)]
    finished = read_on(moved[0], final=False)
    assert pids(finished) == [14]
    fresh = read_all(log, [finished.state], final=False)
    assert pids(fresh) == list(range(100, 100 + regrown))
    assert fresh.state.source_id == 0


@pytest.mark.parametrize("read_before", [0, 2], ids=["new", "read on"])
@pytest.mark.parametrize("regrown", [0, 2, 50], ids=["empty", "shorter", "longer than before"])
def test_copytruncate_between_the_look_and_the_reading_neither_loses_nor_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, regrown: int, read_before: int
) -> None:
    log, copy = tmp_path / "auth.log", tmp_path / "auth.log.1"
    states = []
    if read_before:
        log.write_text(lines(10, 10 + read_before))
        states = [stored(read_all(log, final=False).state)]
    with log.open("a") as out:
        out.write(lines(10 + read_before, 15))
    state = open_source(log, states, SETTINGS)
    skip = stream._Plain.skip
    looks = 0

    def rotate(self: stream._Plain, offset: int) -> bool:
        nonlocal looks
        looks += 1
        if looks == (2 if read_before else 1):  # the bytes before the offset have just been looked at
            copy.write_bytes(log.read_bytes())
            os.truncate(log, 0)
            with log.open("a") as out:
                out.write(lines(100, 100 + regrown))
        return skip(self, offset)

    monkeypatch.setattr(stream._Plain, "skip", rotate)
    assert list(read_chunks(state, SETTINGS, final=False, clock=CLOCK)) == []
    monkeypatch.undo()
    assert copy.exists()

    moved = predecessors(log, states)
    assert [m.path for m in moved] == [str(copy)][: len(states)]
    old = read_on(moved[0], final=False) if moved else read_all(copy, states, final=False)
    assert pids(old) == list(range(10 + read_before, 15))
    fresh = read_all(log, [stored(old.state)], final=False)
    assert pids(fresh) == list(range(100, 100 + regrown))
    assert fresh.state.source_id == 0


TRACE = (
    "2026-05-17 10:05:03,001 ERROR [main] org.example.Main - one failed\n\tat org.example.C.run(C.java:1)\n"
    "2026-05-17 10:05:03,002 ERROR [main] org.example.Main - two failed\n\tat org.example.C.run(C.java:2)\n"
)


def test_a_copy_of_what_was_held_back_is_read_by_one_source(tmp_path: Path) -> None:
    """The only record of a log may go on, so nothing is read of it yet when copytruncate takes it away."""
    log, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    log.write_text(TRACE.partition("2026-05-17 10:05:03,002")[0])
    waiting = stored(read_all(log, final=False).state)
    assert (waiting.offset, waiting.format) == (0, "log4j")
    log.write_text(TRACE)
    copy.write_text(TRACE)
    of_copy = read_all(copy, [waiting])
    assert (len(of_copy.events), of_copy.state.source_id) == (2, 0)
    os.truncate(log, 0)
    states = [waiting, stored(of_copy.state, 2)]
    assert [(m.source_id, m.path, m.state) for m in predecessors(log, states)] == [(1, str(log), "done")]


def test_a_copy_that_was_seen_before_its_log_was_read_is_not_read_again(tmp_path: Path) -> None:
    log, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    log.write_text(TRACE.partition("2026-05-17 10:05:03,002")[0])
    waiting = stored(read_all(log, final=False).state)
    copy.write_bytes(log.read_bytes())
    seen = stored(read_all(copy, [waiting], final=False).state, 2)
    assert seen.offset == 0
    read = stored(read_all(log, [waiting, seen]).state)  # quiet for a while: the record is taken
    assert read.offset > 0
    again = read_all(copy, [read, seen])
    assert (again.events, again.state.source_id) == ([], 1)


def test_truncated_and_regrown_with_the_same_first_kilobyte_is_a_new_source(tmp_path: Path) -> None:
    banner = "# " + "=" * 1500 + "\n"
    log = tmp_path / "app.log"
    log.write_text(banner + "one\ntwo\n")
    state = stored(read_all(log, final=False).state)
    log.write_text(banner + "new\nnew\nnew\n")
    assert [m.state for m in predecessors(log, [state])] == ["done"]
    again = read_all(log, [state], final=False)
    assert again.state.source_id == 0
    assert [e["message"] for e in again.events][1:] == ["new"] * 3


def test_rotated_file_that_is_compressed_continues_at_its_offset(tmp_path: Path) -> None:
    log, old = tmp_path / "auth.log", tmp_path / "auth.log.1.gz"
    log.write_text(lines(10, 12))
    state = stored(read_all(log, final=False).state)
    old.write_bytes(gzip.compress((lines(10, 14)).encode()))
    log.write_text(lines(20, 21))
    result = read_all(old, [state])
    assert pids(result) == [12, 13]
    assert (result.state.source_id, result.state.state) == (1, "done")
    assert read_all(old, [result.state]).chunks == []


def test_copies_side_by_side_are_two_sources(tmp_path: Path) -> None:
    plain, packed = tmp_path / "dhcp.log", tmp_path / "dhcp.log.gz"
    plain.write_text(lines(10, 12))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    first = stored(read_all(plain).state)
    assert read_all(packed, [first]).state.source_id == 0


def test_removed_file_ends_its_source(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 11))
    state = stored(read_all(log).state)
    log.unlink()
    result = read_on(state)
    assert (result.state.state, result.state.records_read) == ("done", 1)
    assert "removed" in result.state.error


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gz", "zst"])
def test_compressed_by_content_not_by_name(tmp_path: Path, pack) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(pack(lines(10, 12).encode()) + pack(lines(12, 13).rstrip("\n").encode()))
    result = read_all(log)
    assert pids(result) == [10, 11, 12]
    assert (result.state.state, result.state.offset) == ("done", len(lines(10, 13)) - 1)


def test_truncated_gzip_keeps_what_is_readable(tmp_path: Path) -> None:
    whole = "".join(LINE.format(n=n % 250) for n in range(5000)).encode()
    log = tmp_path / "auth.log.gz"
    log.write_bytes(gzip.compress(whole)[:-2000])
    result = read_all(log)
    assert result.state.state == "error"
    assert "cut off" in result.state.error
    assert 1000 < result.state.records_stored < 5000
    assert result.state.records_rejected <= 1
    assert all(whole[r["source_offset"] :].startswith(r["raw"]) for r in result.rejects)


def test_flipped_bits_in_gzip_keep_the_lines_before(tmp_path: Path) -> None:
    whole = os.urandom(40000).hex().encode()
    whole = b"\n".join(whole[i : i + 60] for i in range(0, len(whole), 60)) + b"\n"
    packed = bytearray(gzip.compress(whole))
    packed[len(packed) // 2] ^= 0xFF
    log = tmp_path / "x.gz"
    log.write_bytes(packed)
    result = read_all(log)
    assert result.state.state == "error"
    assert "damaged" in result.state.error
    assert result.state.records_stored > 500


def test_corrupt_gzip_of_another_project(shared_data: Path) -> None:
    result = read_all(shared_data / "sensor/zat/http.log.corrupt.gz")
    assert (result.state.records_read, result.state.records_stored, result.state.state) == (150, 150, "error")


def test_long_lines_are_rejected_with_their_bytes(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    big = b"A" * (10 * 1024 * 1024)
    log.write_bytes(b"before\n" + big + b"\nafter\n")
    result = read_all(log)
    assert [e["message"] for e in result.events] == ["before", "after"]
    assert [(r["source_offset"], r["raw"] == big) for r in result.rejects] == [(7, True)]
    assert result.rejects[0]["reason"] == "line longer than 1048576 bytes"


def test_endless_line_is_cut_and_passed_over_with_bounded_memory(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("wb") as out:
        out.write(b"before\n")
        for _ in range(40):
            out.write(b"A" * (1 << 20))
        out.write(b"\nafter\n")
    result = read_all(log)
    assert [e["message"] for e in result.events] == ["before", "after"]
    assert [(r["source_length"], len(r["raw"])) for r in result.rejects] == [(16 << 20, 16 << 20)]
    assert max(c.rejects.nbytes for c in result.chunks) < 18 << 20
    small = read_all(log, settings=replace(SETTINGS, chunk_bytes=3_000_000))
    assert (small.events, [r["source_length"] for r in small.rejects]) == (result.events, [16 << 20])


def test_invalid_utf8_and_nul_bytes_are_kept_visible(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"good\nb\xffd \xc3\xa9\nn\x00l and more words\r\n\xed\xa0\x80\n")
    result = read_all(log)
    assert [e["message"] for e in result.events] == ["good", r"b\xffd é", "n\x00l and more words", r"\xed\xa0\x80"]
    assert [e["source_length"] for e in result.events] == [4, 6, 18, 3]


def test_valid_utf8_stays(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes("\ufeffcafé \u202e x\n".encode())
    assert [e["message"] for e in read_all(log).events] == ["café \u202e x"]


@pytest.mark.parametrize("content", [b"", b"\n\n\r\n", b"\n"])
def test_empty_files_are_no_error(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(content)
    result = read_all(log)
    assert (result.state.records_read, result.state.error) == (0, "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "zip archive"),
        (b"\xd4\xc3\xb2\xa1rest", "packet capture"),
        (b"\x7fELF\x02\x01", "program"),
        (b"a\x00b\x00c\x00d\x00" * 20, "binary"),
        (gzip.compress(b"\xd4\xc3\xb2\xa1rest", mtime=0), "packet capture"),
    ],
)
def test_binary_files_are_refused_with_a_remedy(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        open_source(path, [], SETTINGS)
    assert words in caught.value.message
    assert caught.value.source == str(path)
    assert caught.value.remedy


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, words in ((tmp_path / "none", "does not exist"), (tmp_path, "directory"), (tmp_path / "pipe", "pipe"),
                        (tmp_path / "loop", "cannot be opened"), (Path("/dev/null"), "device")):  # fmt: skip
        with pytest.raises(SourceError, match=words):
            open_source(path, [], SETTINGS)


def test_no_permission(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "secret.log"
    path.write_text("x\n")
    path.chmod(0)
    with pytest.raises(SourceError, match="permission denied"):
        open_source(path, [], SETTINGS)


def test_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x\n")
    with pytest.raises(UsageError, match="zeek-tsv"):
        open_source(tmp_path / "x", [], SETTINGS, as_format="nope")


def test_the_callers_state_is_not_changed(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 12))
    state = open_source(log, [], SETTINGS)
    before = replace(state)
    list(read_chunks(state, AcquisitionSettings(chunk_bytes=64), final=True, clock=CLOCK))
    assert state == before


def test_interrupted_between_chunks_resumes_exactly(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(lines(10, 25))
    small = replace(SETTINGS, chunk_bytes=200)
    seen: list[int] = []
    state = open_source(log, [], small)
    for _ in range(200):
        chunk = next(read_chunks(state, small, final=True, clock=CLOCK), None)  # one commit, then a crash
        if chunk is None:
            break
        seen += [int(e.rsplit(".", 1)[1]) for e in chunk.events["src_ip"].to_pylist()]
        state = open_source(log, [stored(chunk.state)], small)
    assert seen == list(range(10, 25))
