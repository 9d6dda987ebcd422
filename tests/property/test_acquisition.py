"""Whatever the bytes are: every line is one record, in its place, however the file is cut into chunks."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.convert import converter_of
from soc_tui.acquisition.formats import FORMATS
from soc_tui.core.errors import SourceError
from soc_tui.core.types import SourceState
from tests.acquisition.conftest import SETTINGS, read_all

PIECES = [
    b"#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n", b"1.5\tC1\t10.0.0.1\n", b"#close\n",
    b'{"ts":1.5,"uid":"C","id.orig_h":"10.0.0.1"}\n', b'{"timestamp":"2020-01-01T00:00:00Z","event_type":"dns","dns":{}}\n',
    b'192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 5 "-" "x"\r\n', b"\r\n", b"\n", b"\xff\x00\n",
    b"Mar 27 13:06:56 h sshd[1]: Failed password for root from 192.0.2.1 port 5 ssh2\n", b"words", b'{"a":', b"\t\t\n",
    b"<34>1 2003-10-11T22:14:15.003Z h su - ID47 [a b=\"\\\"]\"] x\n", b"\xed\xa0\x80", b"'; $1 {x} \\", b"A" * 300 + b"\n",
    b"Flow ID, Source IP, Timestamp, Label\n", b"ts,te,td,sa,da\n", b"Summary\nflows,bytes\n1,2,3,4,5,6\n", b"a,1.5,c,192.0.2.1\n",
    b"StartTime,SrcAddr,DstAddr\n", b"version srcaddr dstaddr\n", b"5 192.0.2.1 -\n", b"2018-11-19 03:50:01,,0.5,192.0.2.1,::1\n",
]  # fmt: skip
CONTENT = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=40)), max_size=10).map(b"".join)
QUIET = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def records(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return [line.removesuffix(b"\r") for line in lines]


def skipped(line: bytes, state: SourceState) -> bool:
    """A line that the format says is no record; one that is too long is a reject unseen."""
    pattern = FORMATS[state.format].skips if state.format else ""
    return bool(pattern) and len(line) <= 200 and bool(re.match(pattern, line.decode("utf-8", "backslashreplace")))


@pytest.mark.parametrize("name", [*FORMATS, None])
@QUIET
@given(data=CONTENT)
def test_every_line_is_one_record_in_its_place(tmp_path: Path, name: str | None, data: bytes) -> None:
    assume(not data.startswith((b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")) and converter_of(data, len(data)) is None)
    path = tmp_path / "x.log"
    path.write_bytes(data)
    limits = replace(SETTINGS, max_line_bytes=200)
    try:
        whole = read_all(path, settings=limits, as_format=name)
    except SourceError:
        return  # binary by its first bytes
    got = sorted((r["source_offset"], r["source_length"]) for r in [*whole.events, *whole.rejects])
    assert len(got) == len(set(got)) == whole.state.records_read
    consumed = data[: whole.state.offset]
    assert whole.state.offset + whole.state.pending_bytes == len(data)
    lines = [line for line in records(consumed.removeprefix(b"\xef\xbb\xbf")) if line]
    form = FORMATS.get(whole.state.format)
    if form is None or (not form.framing.holds and form.name != "csv"):  # whose header is known by its place
        assert [data[at : at + length] for at, length in got] == [one for one in lines if not skipped(one, whole.state)]
    for reject in whole.rejects:
        assert data[reject["source_offset"] :].startswith(reject["raw"])
        assert reject["reason"]

    small = read_all(path, settings=replace(limits, chunk_bytes=150), as_format=name)
    assert (small.events, small.rejects) == (whole.events, whole.rejects)
    assert replace(small.state, header="") == replace(whole.state, header="")


@QUIET
@given(data=CONTENT, cuts=st.lists(st.integers(0, 400), max_size=4))
def test_a_file_that_grows_gives_what_a_finished_one_gives(tmp_path: Path, data: bytes, cuts: list[int]) -> None:
    done, growing = tmp_path / "done.log", tmp_path / "growing.log"
    done.write_bytes(data + b"\n")
    growing.write_bytes(b"")
    states, events, rejects = [], [], []
    try:
        expected = read_all(done, as_format="syslog")
        for end in [*sorted(min(cut, len(data)) for cut in cuts), len(data) + 1]:
            growing.write_bytes((data + b"\n")[:end])
            result = read_all(growing, states, final=False, as_format="syslog")
            states = [replace(result.state, source_id=1)]
            events += result.events
            rejects += result.rejects
    except SourceError:
        return
    strip = [{k: v for k, v in e.items() if k != "time"} for e in events]
    assert strip == [{k: v for k, v in e.items() if k != "time"} for e in expected.events]
    assert rejects == expected.rejects


@QUIET
@given(data=CONTENT, damage=st.integers(0, 2000))
def test_damaged_gzip_never_raises_and_counts(tmp_path: Path, data: bytes, damage: int) -> None:
    packed = bytearray(gzip.compress(data * 20))
    if damage < len(packed) - 3:  # behind the magic bytes: without them it is no gzip file
        packed[3 + damage] ^= 0x55
    path = tmp_path / "x.gz"
    path.write_bytes(packed)
    try:
        result = read_all(path, as_format="text")
    except SourceError:
        return
    assert result.state.records_read == len(result.events) + len(result.rejects)
    assert result.state.state in {"done", "error"}
