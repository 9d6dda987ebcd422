from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.core.schema import LINES
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
STAMP = "[10/Oct/2000:13:55:36 -0700]"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f'192.0.2.1 - frank {STAMP} "GET /apache_pb.gif?a=b&c=%27 HTTP/1.0" 200 2326',
         {"src_ip": "192.0.2.1", "user_name": "frank", "time": datetime(2000, 10, 10, 20, 55, 36), "http_method": "GET",
          "url_path": "/apache_pb.gif", "url_query": "a=b&c=%27", "http_status": 200, "bytes_in": 2326, "status": "success",
          "product": "apache-nginx", "log_name": "access", "service": "http", "dst_port": None, "activity": "get"}),
        (f'2001:db8::1 - - {STAMP} "POST /login HTTP/1.1" 401 - "http://x/" "curl/8.0 \\"quoted\\" x"',
         {"src_ip": "2001:db8::1", "http_status": 401, "status": "failure", "bytes_in": None, "referrer": "http://x/",
          "user_agent": 'curl/8.0 \\"quoted\\" x'}),
        (f'192.0.2.1 - - {STAMP} "\\x16\\x03\\x01\\x02" 400 226 "-" "-"',
         {"http_method": None, "url_path": None, "message": "\\x16\\x03\\x01\\x02", "user_agent": None, "activity": "unknown"}),
        (f'192.0.2.1 - - {STAMP} "-" 408 0 "-" "-"', {"http_method": None, "message": "-", "status": "failure"}),
        (f'192.0.2.1 - - {STAMP} "" 400 0 "-" "-"', {"http_method": None, "message": ""}),
        (f'www.example.com:80 192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5 "-" "x"',
         {"src_ip": "192.0.2.1", "url_host": "www.example.com"}),
        (f'192.0.2.1 - - {STAMP} "GET http://u@proxy.example:8080/a?b HTTP/1.1" 200 5 "-" "x"',
         {"url_host": "proxy.example", "url_path": "/a", "url_query": "b"}),
        (f'192.0.2.1 - - {STAMP} "CONNECT mail.example:25 HTTP/1.1" 405 5 "-" "x"', {"url_host": "mail.example", "url_path": None}),
        (f'client.example.net - - {STAMP} "GET / HTTP/1.1" 200 5', {"src_ip": None}),
        (f'192.0.2.1 - bob smith {STAMP} "GET / HTTP/1.1" 200 5', {"user_name": "bob smith"}),
        (f'192.0.2.1 - - {STAMP} "GET /a"b HTTP/1.1" 404 5 "-" "x"', {"url_path": '/a"b', "http_status": 404}),
        (f'192.0.2.1 - - {STAMP} "GET /x\\" 200 1 \\"-\\" HTTP/1.1" 404 5 "-" "x"', {"http_status": 404, "bytes_in": 5}),
        (f'192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5 "-" "cut off without its quote', {"user_agent": "cut off without its quote"}),
        (f'192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5 "-" "x" "203.0.113.66"', {"src_ip": "192.0.2.1"}),
        (f'192.0.2.1 - - {STAMP} "GET /a b c HTTP/1.1" 200 5', {"url_path": "/a b c"}),
        (f'192.0.2.1 - - {STAMP} "GET /old" 200 5', {"url_path": "/old", "http_method": "GET"}),
        (f'999.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5', {"src_ip": None}),
        (f'192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 99999999999999999999', {"bytes_in": None}),
    ],
)  # fmt: skip
def test_lines(events_of: Events, line: str, expected: dict[str, Any]) -> None:
    event = events_of(line + "\n", "access")[0]
    assert {key: event[key] for key in expected} == expected


def test_what_has_no_column_is_kept(events_of: Events) -> None:
    event = events_of(
        f'client.example.net id - {STAMP} "GET / HTTP/1.1" 200 5 "-" "x" "203.0.113.66" 0.002\n', "access"
    )[0]
    assert json.loads(event["extra"]) == {
        "client": "client.example.net", "ident": "id", "http_version": "HTTP/1.1", "more": '"203.0.113.66" 0.002',
    }  # fmt: skip


def test_recognised_and_rejected(tmp_path: Path) -> None:
    log = tmp_path / "x"
    good = f'192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5\n'
    log.write_text(good * 3 + "rubbish\n" + good.replace("10/Oct", "31/Feb"))
    assert recognise(log.read_bytes()).name == "access"
    result = read_all(log)
    assert [r["reason"] for r in result.rejects] == ["not an access log line", "no such date"]
    assert result.state.records_stored == 3


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("elastic_apache_access_combined.log", 10000),
        ("slrbl_access.log.2021-10-22", 644),
        ("slrbl_access.log.2022-12-22", 1262),
    ],
)
def test_real_logs_exactly(shared_data: Path, name: str, count: int) -> None:
    result = read_all(shared_data / f"hostlogs/{name}.gz")
    assert (result.state.format, result.state.records_stored, result.state.records_rejected) == ("access", count, 0)
    assert all(e["src_ip"] and e["http_status"] and e["url_path"] for e in result.events if e["http_method"])


SQL = load_sql("web/access") + load_sql("web/requests")
REFERENCE = SQL.replace(" AS ordinary\n", " AND false AS ordinary\n")
"""The same with every line read by the full pattern."""

HEADS = ["192.0.2.1 - -", "www.x:80 192.0.2.1 - bob", "2001:db8::1 - a", "::1 - -", "abc:12 - -", "h.example - -", "192.0.2.1 i u",
         "192.0.2.1 -  ", "192.0.2.1 -", "192.0.2.1 - bob smith", "a b c d", "999.1.1.1 - -", "192.0.2.1 - [x", "1.2.3.4\t- - -", ""]  # fmt: skip
STAMPS = [STAMP, "[31/Feb/2000:13:55:36 +0000]", "[10/oct/2000:13:55:36 -0700]", "[1/Oct/02000:13:55:36 -0700]", "[]",
          "[10/Oct/2000:13:55:36 +9999]", "[10/Oct/0000:25:61:61 +0000]", f"{STAMP} {STAMP}", f'{STAMP} "{STAMP}']  # fmt: skip
REQUESTS = ["GET / HTTP/1.1", "GET /a?b=c HTTP/2.0", "GET  HTTP/1.1", "GET HTTP/1.1", "GET /a b HTTP/1.1", "OPTIONS * HTTP/1.0", "-", "",
            "POST http://u@h.example:80/p?q HTTP/1.1", "CONNECT h:25 HTTP/1.1", "get /a HTTP/1.1", "GET /a\t HTTP/1.1", "GET //h/?? HTTP/1.1",
            '/" 200 5 "-" "-', 'GET /a\\" HTTP/1.1', "GET /a\\\\ HTTP/1.1", "GET /\\x22 HTTP/1.1", "GET ? HTTP/1.1", "\xfc \u202e"]  # fmt: skip
TAILS = [
    " 200 5",
    " 200 -",
    " 404 5 ",
    " 99 5 ",
    " 200 99999999999999999999 ",
    "  200 5 ",
    " 200 5\t",
    " \u0661\u0662\u0663 5 ",
    "",
]
QUOTED = [
    '"-" "-"',
    '"http://x/" "agent"',
    '"" ""',
    '"-"',
    '"-" "cut off',
    '"a\\"b" "c"',
    '"a""b"',
    '"a"  "b"',
    '"-" "x" "more" 1',
    "more",
    '"-" "x"\r ',
    "",
]
LINE = st.one_of(
    st.tuples(*(st.sampled_from(part) for part in (HEADS, STAMPS, REQUESTS, TAILS, QUOTED))).map(
        lambda parts: f'{parts[0]} {parts[1]} "{parts[2]}"{parts[3]}{parts[4]}'
    ),
    st.lists(st.sampled_from([*HEADS, *STAMPS, *REQUESTS, *TAILS, *QUOTED, '"', " ", "\\"]), max_size=8).map("".join),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60),
)


def table(lines: list[str]) -> pa.Table:
    offsets = pa.array(range(len(lines)), pa.int64())
    return pa.table(
        [offsets, pa.nulls(len(lines), pa.int32()).fill_null(1), pa.array(lines, pa.large_string())], schema=LINES
    )


def agree(lines: list[str]) -> None:
    """Nothing but time depends on how a line is read: cut at its bytes, at its blanks, or by the full pattern."""
    reference = normalise(REFERENCE, table(lines))
    assert normalise(SQL, table(lines)) == reference
    found = FORMATS["access"].normalise(table(lines), {}, Origin("access.log", datetime(2026, 5, 17)))
    found.events.validate(full=True)
    assert (found.events, found.rejects) == reference


@settings(max_examples=40, deadline=None)
@given(lines=st.lists(LINE, min_size=1, max_size=60))
def test_the_short_ways_and_the_full_pattern_agree(lines: list[str]) -> None:
    assert REFERENCE != SQL
    agree(lines)


def test_they_agree_on_every_pair_of_hostile_parts() -> None:
    agree([f'{h} {STAMP} "{r}"{t}{q}' for h in HEADS for r in REQUESTS for t in TAILS[:3] for q in QUOTED])
    agree([f'{h} {s} "{REQUESTS[0]}" 200 5 {q}' for h in HEADS for s in STAMPS for q in QUOTED])


def test_events_come_in_the_order_of_their_lines() -> None:
    """Also those of a table of several batches, which DuckDB mixes up."""
    lines = table([f'192.0.2.1 - - {STAMP} "GET /{n} HTTP/1.1" 200 {n}' + ' "-" "-"' * (n % 3) for n in range(20_000)])
    batches = pa.Table.from_batches(lines.to_batches(max_chunksize=4096))
    found = FORMATS["access"].normalise(batches, {}, Origin("access.log", datetime(2026, 5, 17))).events
    assert found["bytes_in"].to_pylist() == list(range(20_000))
    events, _ = normalise(SQL, batches)
    assert events == found


ORDINARY = f'192.0.2.1 - - {STAMP} "GET /a?b HTTP/1.1" 200 5 "-" "agent"'


@settings(max_examples=60, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(ORDINARY)), st.integers(0, 3), st.sampled_from([*' -"\\?/[]:+019ax.\t\0é', "  ", '""'])),
        min_size=1, max_size=60,
    )
)  # fmt: skip
def test_they_agree_on_lines_that_are_almost_ordinary(edits: list[tuple[int, int, str]]) -> None:
    agree([ORDINARY[:at] + put + ORDINARY[at + gone :] for at, gone, put in edits] + [ORDINARY])


@pytest.mark.parametrize(
    "changes",
    [
        {"10/Oct/2000": [f"{day:02}/{month}/{year:04}" for day in (0, 1, 28, 29, 30, 31, 32, 99)
                         for month in ("Jan", "Feb", "Apr", "Dec", "jan", "Foo") for year in (0, 1, 1900, 1969, 1970, 2000, 2100, 9998, 9999)]},
        {"13:55:36": [f"{h:02}:{m:02}:{s:02}" for h in (0, 23, 24, 60) for m in (0, 59, 60) for s in (0, 59, 60, 61)],
         "-0700": ["-0700", "+0000", "-0000", "+0545", "+1459", "-1400", "+1500", "-2359", "+0060", "+9999", " 0000", "*0000"]},
        {"192.0.2.1": ["0.0.0.0", "255.255.255.255", "256.1.1.1", "01.1.1.1", "1.1.1", "1.1.1.1.1", "::", "::1", "1::2::3", "1:2:3:4:5:6:7:8",
                       "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::ffff:192.0.2.1", "::FFFF:1", "fe80::1%eth0", "12:34:56", "12345::",
                       "fe80::g", ":", "a", "é", ""]},
        {"200": ["000", "099", "100", "399", "400", "999", "20", "2000"], " 5 ": [" - ", " 0 ", " 007 ", f" {'9' * 18} ", f" {'9' * 19} ", " -5 ", " +5 ", "  ", " 5", "5 "]},
        {"GET": ["GET", "POST", "PROPFIND", "OPTIONS", "DELETE", "GETS", "get", "GE", "PROPFINDS", ""], "/a?b": ["/", "/?", "/??", "?", "*", "a", "", "/a b", "/\xa0"],
         "HTTP/1.1": ["HTTP/1.0", "HTTP/2.0", "HTTP/3.0", "HTTP/2", "HTTP/9.9", "HTTPS/1.1", "http/1.1", ""]},
    ],
)  # fmt: skip
def test_they_agree_at_the_bounds(changes: dict[str, list[str]]) -> None:
    lines = [ORDINARY]
    for part, instead in changes.items():
        lines = [line.replace(part, one, 1) for line in lines for one in instead]
    agree(lines)
