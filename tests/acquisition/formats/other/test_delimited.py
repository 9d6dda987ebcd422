"""Comma-separated values: whole events, hostile rows, recognition."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from soc_tui.acquisition.framing import Quoted
from tests.acquisition.conftest import SETTINGS, read_all

Events = Callable[..., list[dict[str, Any]]]

FIREWALL = (
    "Timestamp,Src_IP,Source Port,dst_ip,dport,user,host,status,severity,message\r\n"
    '2026-03-01 10:00:00,192.0.2.7,4711,198.51.100.1,22,"o\'neil, ""root""",fw1,Denied,warning,"two\r\nlines"\r\n'
    "2026-03-01T10:00:01.5+01:00,not an address,x,,,,,,,\r\n"
    "one field too few,1\r\n"
)


def some(event: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(event[name] for name in names)


def test_a_table_with_a_header_is_recognised_and_read(tmp_path: Path) -> None:
    path = tmp_path / "table.log"
    path.write_bytes(FIREWALL.encode())
    result = read_all(path)
    assert (result.state.format, result.rejects, result.state.records_read) == ("csv", [], 3)
    first, second, third = result.events
    assert {k: v for k, v in first.items() if v is not None} == {
        "time": datetime(2026, 3, 1, 10), "class_uid": 6000, "activity": "log", "product": "csv", "log_name": "csv",
        "source_offset": 77, "source_length": 101, "host": "fw1", "user_name": 'o\'neil, "root"', "src_ip": "192.0.2.7",
        "src_port": 4711, "dst_ip": "198.51.100.1", "dst_port": 22, "status": "failure", "severity": "low",
        "message": "two\r\nlines",
        "extra": '{"Timestamp":"2026-03-01 10:00:00","Src_IP":"192.0.2.7","Source Port":"4711","dst_ip":"198.51.100.1",'
        '"dport":"22","user":"o\'neil, \\"root\\"","host":"fw1","status":"Denied","severity":"warning",'
        '"message":"two\\r\\nlines"}',
    }  # fmt: skip
    assert some(second, "time", "src_ip", "src_port", "status") == (
        datetime(2026, 3, 1, 9, 0, 1, 500000), None, None, "unknown",
    )  # fmt: skip
    assert json.loads(second["extra"])["Src_IP"] == "not an address"
    assert some(third, "message", "extra") == ("one field too few,1", '{"time_source":"file"}')


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter(events_of: Events, delimiter: str) -> None:
    rows = [["date", "time", "cs-method", "url", "sc-status", "c-ip"],
            ["2026-03-01", "10:00:00", "get", '"/a?b=1"', "404", "192.0.2.7"]]  # fmt: skip
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    event = events_of(text, "csv")[0]
    assert some(event, "time", "class_uid", "activity", "http_method", "url_path", "url_query", "http_status", "status") == (
        datetime(2026, 3, 1, 10), 4002, "get", "GET", "/a", "b=1", 404, "failure",
    )  # fmt: skip
    assert event["src_ip"] == "192.0.2.7"


def test_the_header_is_remembered_from_chunk_to_chunk(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(FIREWALL.encode())
    from dataclasses import replace

    small = read_all(path, settings=replace(SETTINGS, chunk_bytes=60))
    assert small.events == read_all(path).events
    assert len(small.chunks) > 1


def test_names_of_columns_are_data(events_of: Events) -> None:
    name = "user'); DROP TABLE lines; --"
    event = events_of(f"{name},#$modified,f[1]\na,b,c\n", "csv")[0]
    assert json.loads(event["extra"]) == {name: "a", "#$modified": "b", "f[1]": "c", "time_source": "file"}


def test_without_a_header_row_every_row_is_an_event(events_of: Events) -> None:
    assert [e["message"] for e in events_of("1,2\n3,4\n", "csv")] == ["1,2", "3,4"]


@pytest.mark.parametrize(
    "head",
    [
        b"1,google.com\n2,microsoft.com\n",
        b"hello, world, this\nis, plain, text\n",
        b"a,b\n1,2\n",
        b"a=1,b=2,host=3\na=2,b=3,host=4\n",
        b"time,time\n1,2\n",
        b"2026-03-01 10:00:00,123 INFO a, b\n2026-03-01 10:00:00,123 INFO a, c\n",
        b"timestamp,message\n",
    ],
)
def test_what_is_no_table(head: bytes) -> None:
    assert recognise(head).name != "csv"


def test_tables_of_others_are_recognised(shared_data: Path) -> None:
    for name, rows in {
        "hostlogs/loghub_Linux_2k.log_structured.csv.gz": 2000,
        "hostlogs/loghub_OpenStack_2k.log_structured.csv.gz": 2000,
    }.items():
        result = read_all(shared_data / name)
        assert (result.state.format, len(result.events), result.rejects) == ("csv", rows, []), name
    event = read_all(shared_data / "hostlogs/loghub_OpenStack_2k.log_structured.csv.gz").events[0]
    assert event["time"] == datetime(2017, 5, 16, 0, 0, 0, 8000)
    assert event["message"].startswith('10.11.10.1 "GET /v2/')


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab\"',;|\t\r\n{}\x00\u202e$") | st.characters(codec="utf-8"), max_size=120))
def test_any_text(text: str) -> None:
    block = text.encode()
    for first in (b"", b"time,user,message\n"):
        cut = Quoted().cut(first + block, 0, 1 << 20, final=True)
        if cut.records.num_rows:
            made = FORMATS["csv"].normalise(cut.records, {}, Origin("x", datetime(2026, 1, 1)))
            header_rows = 1 if made.header["columns"] else 0
            assert made.events.num_rows == cut.records.num_rows - header_rows
            assert made.rejects.num_rows == 0


def test_a_carriage_return_within_a_row_is_no_table_and_no_crash() -> None:
    lines = ["time,message,level,host", "1,a\rb,c,d", "2,a,b,c"]
    assert FORMATS["csv"].confidence(lines) == 0.0
    assert recognise("\n".join(lines).encode()) is FORMATS["text"]
