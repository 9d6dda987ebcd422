"""Binary logs read through tools: the real ones where they are installed, and tools that misbehave."""

from __future__ import annotations

import lzma
import os
import shutil
import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition import convert
from soc_tui.acquisition.convert import LOOK_BYTES, converter_of
from soc_tui.acquisition.reader import open_source, predecessors
from soc_tui.acquisition.record import read_record
from soc_tui.acquisition.stream import LogFile
from soc_tui.core.errors import SourceError
from tests.acquisition.conftest import SETTINGS, read_all, read_on, stored

DATA = Path(__file__).parent / "data"
needs_nfdump = pytest.mark.skipif(not shutil.which("nfdump"), reason="needs nfdump (package nfdump)")
needs_utmpdump = pytest.mark.skipif(not shutil.which("utmpdump"), reason="needs utmpdump (package util-linux)")
needs_journalctl = pytest.mark.skipif(not shutil.which("journalctl"), reason="needs journalctl (package systemd)")


def login(
    kind: int = 7, user: bytes = b"alice", host: bytes = b"203.0.113.9", second: int = 0, line: bytes = b"pts/0"
) -> bytes:
    parts = (
        kind,
        0,
        1234,
        line,
        b"ts/0",
        user,
        host,
        0,
        0,
        0,
        1700000000 + second,
        250000,
        bytes([203, 0, 113, 9]),
        b"",
    )
    return struct.pack("=hh i 32s 4s 32s 256s hh i ii 16s 20s", *parts)


BOOT = login(2, b"reboot", b"6.1.0-25-amd64", line=b"~")


def fake_tool(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "utmpdump") -> None:
    tool = folder / "bin" / name
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setattr(convert, "_PATH", str(tool.parent))


@needs_nfdump
def test_netflow_capture(tmp_path: Path) -> None:
    result = read_all(
        shutil.copy(DATA / "netflow5.nfcapd", tmp_path / "flows"), settings=replace(SETTINGS, time_zone="Asia/Tokyo")
    )
    assert (result.state.format, result.state.state, result.state.error) == ("nfdump", "done", "")
    assert (result.state.records_stored, result.state.records_rejected) == (7, 0)
    assert [(e["src_ip"], e["dst_port"], e["protocol"], e["conn_state"], e["bytes_out"]) for e in result.events] == [
        ("192.0.2.10", 443, "tcp", "SF", 3400), ("198.51.100.5", 40000, "tcp", "SF", 9000), ("192.0.2.66", 22, "tcp", "S0", 60),
        ("192.0.2.66", 23, "tcp", None, 40), ("192.0.2.10", 53, "udp", None, 70), ("192.0.2.10", 0, "icmp", None, 168),
        ("192.0.2.10", 0, "gre", None, 500),
    ]  # fmt: skip
    assert result.events[0]["time"] == datetime(
        2018, 11, 19, 3, 50, 1
    )  # the tool writes UTC, whatever the zone of the logs
    assert read_all(tmp_path / "flows", [stored(result.state)]).chunks == []


@needs_nfdump
def test_netflow_9_with_ipv6(tmp_path: Path) -> None:
    result = read_all(shutil.copy(DATA / "netflow9.nfcapd", tmp_path / "flows"))
    assert [(e["src_ip"], e["protocol"]) for e in result.events] == [
        ("2001:db8::10", "tcp"),
        ("2001:db8::10", "ipv6-icmp"),
    ]


@needs_nfdump
def test_evidence_is_the_line_of_the_tool(tmp_path: Path) -> None:
    state = read_all(shutil.copy(DATA / "netflow5.nfcapd", tmp_path / "flows"))
    last = state.events[-1]
    assert read_record(state.state, last["source_offset"], last["source_length"]).startswith(b"2018-11-19 03:50:02,")


@needs_nfdump
def test_a_capture_still_being_written_is_read_again_once_it_is_whole(tmp_path: Path) -> None:
    whole = (DATA / "netflow5.nfcapd").read_bytes()
    path = tmp_path / "nfcapd.current.1"
    path.write_bytes(whole[:500])
    early = read_all(path)
    assert (early.state.state, early.state.records_read) == ("error", 0)
    assert early.state.error.startswith("nfdump complained: Open file /dev/fd/")
    path.write_bytes(whole)
    late = read_all(path, [stored(early.state)])
    assert (late.state.source_id, late.state.state, late.state.error, len(late.events)) == (1, "done", "", 7)


@needs_nfdump
def test_a_packed_capture_asks_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.xz"
    path.write_bytes(lzma.compress((DATA / "netflow5.nfcapd").read_bytes()))
    with pytest.raises(SourceError, match="NetFlow capture inside an archive"):
        open_source(path, [], SETTINGS)


@needs_utmpdump
def test_grown_wtmp_is_read_on_exactly_once(tmp_path: Path) -> None:
    path = tmp_path / "wtmp"
    path.write_bytes(BOOT + login())
    first = read_all(path, final=False)
    assert [e["message"].split("] [")[3].strip() for e in first.events] == ["reboot", "alice"]
    assert (first.state.state, first.state.error, first.state.pending_bytes) == ("active", "", 0)
    assert read_all(path, [stored(first.state)], final=False).events == []
    with path.open("ab") as out:
        out.write(login(8, b"", second=60) + login(user=b"bob", second=90))
    second = read_all(path, [stored(first.state)], final=False)
    assert [e["message"].split("] [")[3].strip() for e in second.events] == ["", "bob"]
    assert (second.state.source_id, second.state.records_read) == (1, 4)
    assert read_all(path, [stored(second.state)], final=False).events == []
    whole = read_all(path)
    assert [e["source_offset"] for e in whole.events] == [e["source_offset"] for e in first.events + second.events]


@needs_utmpdump
def test_wtmp_that_is_rotated_or_replaced(tmp_path: Path) -> None:
    path, old = tmp_path / "wtmp", tmp_path / "wtmp.1"
    path.write_bytes(BOOT + login())
    state = stored(read_all(path, final=False).state)
    with path.open("ab") as out:
        out.write(login(user=b"late"))
    path.rename(old)
    path.write_bytes(login(user=b"fresh", second=500))
    moved = predecessors(path, [state])
    assert [m.path for m in moved] == [str(old)]
    assert ["late" in e["message"] for e in read_on(moved[0], final=False).events] == [True]
    fresh = read_all(path, [moved[0]], final=False)
    assert (fresh.state.source_id, len(fresh.events)) == (0, 1)


@needs_utmpdump
@pytest.mark.parametrize("name", ["-r", "--help", "$(touch x)", "a b\nc", "\udcff\udcfe", "{file}"])
def test_no_name_of_a_file_is_an_option_or_a_command(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BOOT)
    result = read_all(path)
    assert (result.state.records_read, result.state.error) == (1, "")
    assert [p.name for p in tmp_path.iterdir()] == [name]


@needs_utmpdump
def test_the_file_that_was_opened_is_the_one_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wtmp"
    path.write_bytes(login(user=b"first"))
    with LogFile(path) as log:
        path.rename(tmp_path / "wtmp.1")
        path.write_bytes(login(user=b"other"))
        assert b"first" in log.stream().read(1000)


@needs_journalctl
def test_journal(tmp_path: Path) -> None:
    path = tmp_path / "system.journal"
    path.write_bytes(lzma.decompress((DATA / "journal.xz").read_bytes()))
    result = read_all(path, as_format="text")
    assert (result.state.state, result.state.error, result.state.fingerprint_length) == ("active", "", 32)
    said = [e["message"] for e in result.events]
    assert [line for line in said if line.startswith("MESSAGE=hello")] == [f"MESSAGE=hello {n}" for n in range(3)]
    assert read_all(path, [stored(result.state)], as_format="text", final=False).events == []


@pytest.mark.parametrize(
    ("head", "size", "tool"),
    [
        (b"\x0c\xa5\x01\x00" + bytes(300), 304, "nfdump"), (b"\x0c\xa5\x02\x00" + bytes(300), 304, "nfdump"),
        (b"\xa5\x0c\x00\x01" + bytes(300), 304, "nfdump"), (b"\xa5\x0c\x00\x02" + bytes(300), 304, "nfdump"),
        (b"\xa5\x0c\x02\x00", 4, None), (b"\x0c\xa5", 2, None), (b"\x0c\xa5\x09\x00", 4, None),
        (b"LPKSHHRH" + bytes(200), 208, "journalctl"), (BOOT, 384, "utmpdump"), (BOOT + bytes(384), 768, "utmpdump"),
        (bytes(384), 384, None), (BOOT, 385, None), (BOOT[:383], 383, None), (login(10), 384, None), (login(-1), 384, None),
        (login(user=b"x\0y"), 384, None), (BOOT[:-1] + b"x", 384, None), (BOOT[:2] + b"x" + BOOT[3:], 384, None), (b"", 0, None),
        (b"\x07 is the bell\n" * 384, 384 * 15, None), (b"[7] [01234] [ts/0]" * 384, 384 * 18, None), (login(user=b"\xff" * 32), 384, "utmpdump"),
    ],
)  # fmt: skip
def test_recognised_by_content(head: bytes, size: int, tool: str | None) -> None:
    found = converter_of(head, size)
    assert (found.tool if found else None) == tool


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=800).map(lambda text: (text.encode("utf-8", "replace") * 384)[:LOOK_BYTES]))
def test_no_text_is_taken_for_a_binary_log(text: bytes) -> None:
    if any(text):
        assert converter_of(text, 384 * 16) is None or text.startswith(b"LPKSHHRH")


def test_a_missing_tool_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "_PATH", str(tmp_path))
    for name, content, package in (("a", BOOT, "util-linux"), ("b", b"LPKSHHRH" + bytes(99), "systemd"),
                                   ("c", (DATA / "netflow5.nfcapd").read_bytes(), "nfdump")):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match="is not installed") as caught:
            open_source(tmp_path / name, [], SETTINGS)
        assert (caught.value.remedy, caught.value.source) == (f"install {package}", str(tmp_path / name))


@pytest.mark.parametrize(
    ("script", "error", "records"),
    [
        ("echo one; echo two; exit 3", "utmpdump failed with status 3", 2),
        ("echo one; echo 'bad record at 7' >&2", "utmpdump complained: bad record at 7", 1),
        ("echo 'Utmp dump of x' >&2; echo one", "", 1),
        ("echo no >&2; exit 1", "utmpdump failed with status 1: no", 0),
        ("kill -9 $$", "utmpdump failed with status -9", 0),
        ("echo one; head -c 300000 /dev/zero | tr '\\0' 'x' >&2", "utmpdump complained: " + "x" * 379, 1),
        ("exit 0", "", 0),
    ],
)
def test_a_tool_that_fails_is_an_error_of_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str, records: int
) -> None:
    fake_tool(tmp_path, monkeypatch, script)
    path = tmp_path / "wtmp"
    path.write_bytes(BOOT)
    result = read_all(path)
    assert (result.state.error, result.state.records_stored) == (error, records)
    assert result.state.state == ("error" if error else "active")


def test_a_tool_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; echo one; sleep 600")
    monkeypatch.setattr(convert, "_SILENCE_SECONDS", 0.5)
    path = tmp_path / "wtmp"
    path.write_bytes(BOOT)
    result = read_all(path, as_format="text")
    assert result.state.error == "utmpdump was ended: it gave nothing for 0 seconds"
    assert [e["message"] for e in result.events] == ["one"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_tool_that_is_not_read_to_its_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; while :; do echo again; done")
    path = tmp_path / "wtmp"
    path.write_bytes(BOOT)
    with LogFile(path) as log:
        assert log.stream().read(12) == b"again\nagain\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_environment_of_a_tool_is_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(
        tmp_path,
        monkeypatch,
        "env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; pwd; readlink /proc/self/fd/0; echo $# $1",
    )
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET", "x")
    path = tmp_path / "wtmp"
    path.write_bytes(BOOT)
    said = [e["message"] for e in read_all(path, as_format="text").events]
    assert said[:5] == ["LC_ALL=C.UTF-8", f"PATH={convert._ENVIRONMENT['PATH']}", "TZ=UTC", "/", "/dev/null"]
    assert said[5].startswith("1 /dev/fd/")


def test_a_tool_may_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, monkeypatch, "sleep 0.2; ulimit -d")
    path = tmp_path / "wtmp"
    path.write_bytes(BOOT)
    assert [e["message"] for e in read_all(path, as_format="text").events] == [str(convert._DATA_BYTES // 1024)]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_totals_are_left_out_however_the_output_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr(convert, "_BLOCK", cut)
    fake_tool(
        tmp_path,
        monkeypatch,
        "printf 'ts,te,td,sa\\nSummary of x\\na,b,c,d\\nSummary\\nflows,bytes\\n1,2\\n'",
        "nfdump",
    )
    path = tmp_path / "flows"
    path.write_bytes((DATA / "netflow5.nfcapd").read_bytes())
    with LogFile(path) as log:
        assert log.stream().read(1000) == b"ts,te,td,sa\nSummary of x\na,b,c,d\n"
