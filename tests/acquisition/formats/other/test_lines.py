from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from soc_tui.core.schema import LINES
from tests.acquisition.conftest import SETTINGS, read_all

Events = Callable[..., list[dict[str, Any]]]


def test_unknown_text_is_kept(events_of: Events) -> None:
    text = "hello\n2016-09-28 04:30:30, Info CBS\n[Sun Dec 04 04:47:44 2005] [notice] x\n[not a date] y\n"
    events = events_of(text, "text")
    assert [e["message"] for e in events] == text.splitlines()
    assert [e["time"] for e in events][1:3] == [datetime(2016, 9, 28, 4, 30, 30), datetime(2005, 12, 4, 4, 47, 44)]
    assert [e["extra"] is None for e in events] == [False, True, True, False]


@pytest.mark.parametrize(
    ("record", "time"),
    [
        ({"timestamp": 1446249499322}, datetime(2015, 10, 30, 23, 58, 19, 322000)),
        ({"ts": 1446249499}, datetime(2015, 10, 30, 23, 58, 19)),
        ({"@timestamp": "2020-01-01T00:00:00+01:00"}, datetime(2019, 12, 31, 23)),
        ({"time": "17/May/2015:10:05:03 +0000"}, datetime(2015, 5, 17, 10, 5, 3)),
    ],
)
def test_json_of_no_known_product(events_of: Events, record: dict[str, Any], time: datetime) -> None:
    event = events_of(json.dumps({**record, "msg": "m", "n": [1]}) + "\n", "json")[0]
    assert (event["time"], event["message"], json.loads(event["extra"])["n"]) == (time, "m", [1])


ECS = {
    "@timestamp": "2026-03-01T10:00:00.123456789Z", "message": "GET /a?b=1", "log": {"level": "Warning"},
    "host": {"name": "web1"}, "user": {"name": "bob"}, "process": {"name": "app"},
    "source": {"ip": "::ffff:192.0.2.7", "port": 4711}, "destination": {"ip": "198.51.100.1", "port": "443"},
    "http": {"request": {"method": "get"}, "response": {"status_code": 403}}, "user_agent": {"original": "x"},
    "url": {"path": "/a", "query": "b=1", "domain": "example.org"}, "event": {"outcome": "success"},
}  # fmt: skip


def _flat(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        flat |= _flat(inner, f"{above}{name}.") if isinstance(inner, dict) else {above + name: inner}
    return flat


@pytest.mark.parametrize("record", [ECS, _flat(ECS)])
def test_ecs_nested_or_with_dots(events_of: Events, record: dict[str, Any]) -> None:
    text = json.dumps(record)
    event = events_of(text + "\n", "json")[0]
    assert {k: v for k, v in event.items() if v is not None} == {
        "time": datetime(2026, 3, 1, 10, 0, 0, 123456), "class_uid": 4002, "activity": "get", "product": "json",
        "log_name": "json", "source_offset": 0, "source_length": len(text), "host": "web1", "process": "app",
        "user_name": "bob", "src_ip": "192.0.2.7", "src_port": 4711, "dst_ip": "198.51.100.1", "dst_port": 443,
        "status": "failure", "severity": "low", "message": "GET /a?b=1", "http_method": "GET", "url_host": "example.org",
        "url_path": "/a", "url_query": "b=1", "http_status": 403, "user_agent": "x", "extra": text,
    }  # fmt: skip


def test_odd_values_make_no_reject_and_no_address(events_of: Events) -> None:
    lines = ['[1,"a"]', "5", '"text"', "null", "{}", " { } ", '{"src_ip":"1.2.3.4 evil","src_port":70000,"host":["a"]}',
             '{"time_source":"mine","a\\u0022":1}', '{"time":{"x":1},"message":{"deep":"er"},"user":7,"level":[]}']  # fmt: skip
    events = events_of("\n".join(lines) + "\n", "json")
    assert [e["message"] for e in events[:4]] == lines[:4]
    assert [e["extra"] for e in events[:6]] == ['{"time_source":"file"}'] * 6
    assert (events[6]["src_ip"], events[6]["src_port"], events[6]["host"]) == (None, None, '["a"]')
    assert json.loads(events[7]["extra"]) == {"time_source": "file", 'a"': 1}
    assert (events[8]["user_name"], events[8]["message"]) == ("7", None)


def test_only_what_is_not_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b'{"a":1}\n{"a":2}\n{"a":3}\n{"a":4}\n{"a":5}\n{"a":6}\nnot json\n{"a":\n{"message":"\xff"}\n')
    result = read_all(path)
    assert result.state.format == "json"
    assert [r["reason"] for r in result.rejects] == ["not valid JSON"] * 2
    assert result.events[6]["message"] == "\\xff"  # one bad byte hides nothing


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2026-03-01 10:00:00 x", datetime(2026, 3, 1, 10)),
        ("[2026-03-01T10:00:00.25+02:00] x", datetime(2026, 3, 1, 8, 0, 0, 250000)),
        ("2026/03/01 10:00:00 [error] 7#7: x", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00,123 INFO x", datetime(2026, 3, 1, 10, 0, 0, 123000)),
        ("2026-03-01 10:00:00 UTC x", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00 +0100 x", datetime(2026, 3, 1, 9)),
        ("WARN 2026-03-01 10:00:00 x", datetime(2026, 3, 1, 10)),
        ("2005.06.03-x 2026.03.01 10:00:00", datetime(2026, 1, 1)),
        ("2026.03.01 10:00:00 x", datetime(2026, 3, 1, 10)),
        ("[Sun Mar 01 10:00:00.123456 2026] [core:error] x", datetime(2026, 3, 1, 10, 0, 0, 123456)),
        ("01-Mar-2026 10:00:00.123 queries: x", datetime(2026, 3, 1, 10, 0, 0, 123000)),
        ("[01/Mar/2026:10:00:00 +0100] x", datetime(2026, 3, 1, 9)),
        ("3/1/2026 10:00:00 PM x", datetime(2026, 3, 1, 22)),
        ("260301 10:00:00 [Note] x", datetime(2026, 3, 1, 10)),
        ("E0301 10:00:00.123456   7 x.go:1] x", datetime(2025, 3, 1, 10, 0, 0, 123456)),
        ("Mar  1 10:00:00 x", datetime(2025, 3, 1, 10)),
        ("Mar 1, 2026 10:00:00 x", datetime(2026, 3, 1, 10)),
        ("1772359200.5 x", datetime(2026, 3, 1, 10, 0, 0, 500000)),
        ("1772359200123 x", datetime(2026, 3, 1, 10, 0, 0, 123000)),
        ("2026-13-99 10:00:00 x", datetime(2026, 1, 1)),
        ("at 2026-03-01 we had 10:00:00 x", datetime(2026, 1, 1)),
    ],
)
def test_times_at_the_beginning_of_a_text(tmp_path: Path, line: str, time: datetime) -> None:
    path = tmp_path / "x.log"
    path.write_text(line + "\n")
    os.utime(path, (1767225600, 1767225600))  # 2026-01-01
    event = read_all(path, as_format="text").events[0]
    assert (event["time"], event["message"]) == (time, line)
    assert (event["extra"] is None) is (time != datetime(2026, 1, 1))


def test_a_time_without_a_zone_is_read_in_that_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("2026-07-01 10:00:00 x\n2026-07-01 10:00:00Z x\n")
    events = read_all(path, as_format="text", settings=replace(SETTINGS, time_zone="Europe/Berlin")).events
    assert [e["time"] for e in events] == [datetime(2026, 7, 1, 8), datetime(2026, 7, 1, 10)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(
            st.sampled_from('0123456789-/:., TZ[]{}"+AaMEor\\u') | st.characters(codec="utf-8"), min_size=1, max_size=60
        )
    )
)
def test_any_text(texts: list[str]) -> None:
    size = len(texts)
    lines = pa.table([pa.array(range(size)), pa.array([1] * size), texts], schema=LINES)
    for name in ("json", "text"):
        made = FORMATS[name].normalise(lines, {}, Origin("x", datetime(2026, 1, 1), "Asia/Tokyo"))
        assert made.events.num_rows + made.rejects.num_rows == size


def test_recognition_is_by_content(shared_data: Path) -> None:
    for name, wanted in {
        "hostlogs/elastic_nginxplus_json.log.gz": "json", "hostlogs/loghub_Apache_2k.log.gz": "apache-error",
        "hostlogs/loghub_Mac_2k.log.gz": "syslog", "hostlogs/loghub_OpenStack_2k.log.gz": "python",
        "hostlogs/loghub_Windows_2k.log.gz": "text", "sensor/zat/top_domains_1k.csv": "text",
    }.items():  # fmt: skip
        result = read_all(shared_data / name)
        assert (result.state.format, result.state.records_rejected) == (wanted, 0), name


def test_recognise_survives_anything() -> None:
    for head in (
        b"",
        b"\x00" * 100,
        b"{" * 60000,
        b'{"ts":1}',
        b"[" * 60000 + b"\n",
        b"\xff\xfe\n",
        b"#separator \\x09\n",
    ):
        assert recognise(head).name in FORMATS
