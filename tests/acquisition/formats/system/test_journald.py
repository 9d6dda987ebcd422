from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]

ENTRY = {
    "__CURSOR": "s=739ad463348b4ceca5a9e69c95a3c93f;i=4ece7", "__REALTIME_TIMESTAMP": "1342540861416351", "_HOSTNAME": "bupkis",
    "PRIORITY": "6", "SYSLOG_FACILITY": "10", "SYSLOG_IDENTIFIER": "sshd", "_COMM": "sshd", "_PID": "9", "_UID": "0",
    "_SYSTEMD_UNIT": "sshd.service", "MESSAGE": "Failed password for invalid user bob from 192.0.2.1 port 5 ssh2",
}  # fmt: skip


def export(*entries: dict[str, Any]) -> bytes:
    out = []
    for entry in entries:
        for name, value in entry.items():
            data = value if isinstance(value, bytes) else value.encode()
            plain = b"\n" not in data and data.isascii()
            out.append(name.encode() + (b"=" + data if plain else b"\n" + struct.pack("<Q", len(data)) + data) + b"\n")
        out.append(b"\n")
    return b"".join(out)


def lines(*entries: dict[str, Any]) -> bytes:
    def shown(value: str | bytes) -> str | list[int]:
        return list(value) if isinstance(value, bytes) else value

    return b"".join(json.dumps({k: shown(v) for k, v in e.items()}).encode() + b"\n" for e in entries)


WRITERS = {"journald-export": export, "journald-json": lines}


@pytest.mark.parametrize("name", WRITERS)
def test_a_login_means_what_it_means_in_syslog(events_of: Events, name: str) -> None:
    [event] = events_of(WRITERS[name](ENTRY), name)
    [same] = events_of(f"Jul 17 16:01:01 bupkis sshd[9]: {ENTRY['MESSAGE']}\n", "syslog")
    own = {"time", "extra", "source_offset", "source_length"}
    assert {k: v for k, v in event.items() if k not in own} == {k: v for k, v in same.items() if k not in own}
    assert event["time"] == datetime(2012, 7, 17, 16, 1, 1, 416351)
    assert json.loads(event["extra"]) == {
        "pid": 9, "facility": 10, "method": "password", "invalid_user": True, "uid": 0, "unit": "sshd.service",
    }  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_only_root_is_sshd(events_of: Events, name: str) -> None:
    event = events_of(WRITERS[name]({**ENTRY, "_UID": "1000", "_COMM": "logger"}), name)[0]
    assert (event["class_uid"], event["process"], event["src_ip"]) == (6000, "logger", None)


@pytest.mark.parametrize("name", WRITERS)
def test_bytes_and_line_ends_in_a_message(events_of: Events, name: str) -> None:
    message = b"one\n\n_UID=0\n__REALTIME_TIMESTAMP=1\ntwo \xff"
    events = events_of(WRITERS[name]({**ENTRY, "MESSAGE": message}, ENTRY), name)
    assert [e["status"] for e in events] == ["unknown", "failure"]
    assert events[0]["message"].replace("\\x0A", "\n").startswith("one\n\n_UID=0\n__REALTIME_TIMESTAMP=1\ntwo ")
    assert events[0]["time"] == events[1]["time"]


def test_odd_values(events_of: Events) -> None:
    text = (
        b'{"__REALTIME_TIMESTAMP":"x","MESSAGE":null,"PRIORITY":"3","_COMM":["a","b"]}\n'
        b'{"MESSAGE":[["a"],1],"_PID":{"a":1},"_HOSTNAME":[300]}\n'
    )
    events = events_of(text, "journald-json")
    assert [e["severity"] for e in events] == ["medium", "info"]
    assert [json.loads(e["extra"])["time_source"] for e in events] == ["file", "file"]


def test_rejects(tmp_path: Path) -> None:
    log = tmp_path / "x"
    log.write_bytes(b"junk\n\n" + export(ENTRY))
    result = read_all(log, as_format="journald-export")
    assert [(r["reason"], r["raw"]) for r in result.rejects] == [("not a journal entry", b"junk")]
    log.write_bytes(b"[1]\n{\n" + lines(ENTRY))
    result = read_all(log, as_format="journald-json")
    assert [r["reason"] for r in result.rejects] == ["not a JSON object"] * 2


def test_recognised() -> None:
    assert recognise(export(ENTRY)).name == "journald-export"
    assert recognise(lines(ENTRY)).name == "journald-json"
    assert recognise(b'{"MESSAGE":"x"}\n').name == "json"


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None)
@given(data=st.one_of(st.binary(), st.lists(st.sampled_from(
    [b"MESSAGE=", b"MESSAGE\n", b"\x02\0\0\0\0\0\0\0ab\n", b"\n", b'{"MESSAGE":', b"[1,300]", b'"x"', b"}", b"null", b"_UID=a\n"]
)).map(b"".join)))  # fmt: skip
def test_any_bytes_are_as_many_rows_as_records(name: str, data: bytes) -> None:
    kind = FORMATS[name]
    records = kind.framing.cut(data, 0, 1 << 20, final=True).records
    made = kind.normalise(records, {}, Origin("x", datetime(2026, 1, 1)))
    assert made.events.num_rows + made.rejects.num_rows == records.num_rows
    assert not [r for r in made.rejects["reason"].to_pylist() if "cannot be normalised" in r]
