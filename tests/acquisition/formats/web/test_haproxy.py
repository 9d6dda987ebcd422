from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise
from tests.acquisition.conftest import SETTINGS, read_all

Events = Callable[..., list[dict[str, Any]]]

# Of HAProxy's configuration manual, section 8.2.
HTTP = (
    "Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1"
    ' 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html?a=b HTTP/1.1"'
)
TCP = "Feb  6 12:12:56 localhost haproxy[14387]: 10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0"
HTTPS = (
    "<134>1 2023-02-06T12:14:14.655+01:00 lb1 haproxy 14389 - - 2001:db8::1:33317 [06/Feb/2009:12:14:14.655] https-in~ static/srv1"
    ' 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/2.0" 0/0000000000000000/0/0/0'
    " shop.example/TLSv1.3/TLS_AES_256_GCM_SHA384"
)
# Written by HAProxy 2.6 for requests of ours: options httplog clf, and a log-format that begins with %{+Q}o.
CLF = (
    '127.0.0.1 - - [24/Nov/2026:19:39:04 +0000] "GET /x?y=#221#22&z=%20 HTTP/1.1" 503 217 "" "" 59712 619 "clf" "bk" "s1"'
    ' 0 0 -1 -1 3005 SC-- 1 1 0 0 3 0 0 "" "" '
)
QUOTED = (
    '"127.0.0.1":50584 [24/Nov/2026:19:39:10.669] "q" "bk"/"<NOSRV>" 0/-1/-1/-1/0 200 76 "" "" LR-- 1/1/0/0/0 0/0'
    ' "{a#22b #7Bx#7Cy#7D #23z}" "GET / HTTP/1.1"'
)
BAD = '127.0.0.1:39480 [24/Nov/2026:19:39:17.843] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 2/2/0/0/0 0/0 "<BADREQ>"'


@pytest.mark.parametrize(
    ("line", "expected", "extra"),
    [
        (HTTP,
         {"time": datetime(2009, 2, 6, 12, 14, 14, 655000), "class_uid": 4002, "activity": "get", "product": "haproxy", "log_name": "access",
          "host": "localhost", "process": "haproxy", "src_ip": "10.0.1.2", "src_port": 33317, "http_method": "GET", "url_path": "/index.html",
          "url_query": "a=b", "http_status": 200, "bytes_in": 2750, "duration": 0.109, "status": "success",
          "message": "GET /index.html?a=b HTTP/1.1", "service": "http", "conn_state": None},
         {"pid": "14389", "frontend": "http-in", "backend": "static", "server": "srv1", "termination_state": "----",
          "timers": {"TR": 10, "Tw": 0, "Tc": 30, "Tr": 69, "Ta": 109}, "connections": "1/1/1/1/0", "queues": "0/0",
          "captured_headers": "{1wt.eu} {}", "http_version": "HTTP/1.1"}),
        (TCP,
         {"time": datetime(2009, 2, 6, 12, 12, 51, 443000), "class_uid": 4001, "activity": "traffic", "log_name": "conn", "src_ip": "10.0.1.2",
          "src_port": 33313, "bytes_in": 212, "duration": 5.007, "conn_state": "--", "status": "success", "service": None, "protocol": "tcp"},
         {"pid": "14387", "frontend": "fnt", "backend": "bck", "server": "srv1", "termination_state": "--",
          "timers": {"Tw": 0, "Tc": 0, "Tt": 5007}, "connections": "0/0/0/0/3", "queues": "0/0"}),
        (HTTPS, {"src_ip": "2001:db8::1", "src_port": 33317, "host": "lb1", "tls_server_name": "shop.example", "url_path": "/index.html"}, None),
        (CLF, {"time": datetime(2026, 11, 24, 19, 39, 4, 619000), "src_ip": "127.0.0.1", "src_port": 59712, "http_status": 503,
               "url_path": "/x", "url_query": "y=#221#22&z=%20", "duration": 3.005, "status": "failure"},
         {"frontend": "clf", "backend": "bk", "server": "s1", "termination_state": "SC--",
          "timers": {"TR": 0, "Tw": 0, "Tc": -1, "Tr": -1, "Ta": 3005}, "http_version": "HTTP/1.1"}),
        (QUOTED, {"src_ip": "127.0.0.1", "src_port": 50584, "http_status": 200, "url_path": "/"},
         {"frontend": "q", "backend": "bk", "server": "<NOSRV>", "termination_state": "LR--",
          "timers": {"TR": 0, "Tw": -1, "Tc": -1, "Tr": -1, "Ta": 0}, "connections": "1/1/0/0/0", "queues": "0/0",
          "captured_headers": "{a#22b #7Bx#7Cy#7D #23z}", "http_version": "HTTP/1.1"}),
        (BAD, {"http_method": None, "message": "<BADREQ>", "http_status": 400, "status": "failure", "activity": "unknown", "class_uid": 4002}, None),
        ('10.0.1.2:1 [01/Feb/2009:12:14:14.655] in b/s 0/0/0/0/+9 -1 +27 a=b - CD-- 1/1/1/1/+0 0/0 "GET /cut off',
         {"http_status": None, "status": "unknown", "bytes_in": 27, "url_path": "/cut off"}, None),
        ("unix:1 [01/Feb/2009:12:14:14.655] in b/s 0/0/0/0/9 200 27 - - ---- 1/1/1/1/0 0/0 \"GET / HTTP/1.1\"", {"src_ip": None}, None),
        ("Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)",
         {"class_uid": 4001, "src_ip": "10.0.1.2", "src_port": 33312, "dst_ip": "10.0.3.31", "dst_port": 8012, "status": "unknown"},
         {"frontend": "www/HTTP", "time_source": "file"}),
        ("Dec  3 18:27:14 lb haproxy[6103]: 127.0.0.1:56059 [03/Dec/2012:17:35:10.380] frt/f1: SSL handshake failure",
         {"class_uid": 6000, "src_ip": "127.0.0.1", "message": "SSL handshake failure", "time": datetime(2012, 12, 3, 17, 35, 10, 380000)},
         {"pid": "6103", "frontend": "frt/f1"}),
        ("2026-03-01T12:14:14+01:00 lb haproxy[1]: Server bk/s1 is DOWN, reason: Layer4 connection problem",
         {"class_uid": 6000, "severity": "high", "time": datetime(2026, 3, 1, 11, 14, 14), "host": "lb"}, {"pid": "1"}),
        ("Proxy web started.", {"class_uid": 6000, "message": "Proxy web started."}, {"time_source": "file"}),
    ],
)  # fmt: skip
def test_records(events_of: Events, line: str, expected: dict[str, Any], extra: dict[str, Any] | None) -> None:
    event = events_of(line + "\n", "haproxy")[0]
    assert {key: event[key] for key in expected} == expected
    assert extra is None or json.loads(event["extra"]) == extra


def test_the_accept_date_is_local(tmp_path: Path) -> None:
    log = tmp_path / "x"
    log.write_text(f"{HTTP}\n{CLF}\n")
    result = read_all(log, settings=replace(SETTINGS, time_zone="Europe/Berlin"))
    assert [event["time"].hour for event in result.events] == [11, 19]


@pytest.mark.parametrize(
    "line", [HTTP, TCP, HTTPS, CLF, QUOTED, BAD, "Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)"]
)
def test_recognised(line: str) -> None:
    assert recognise(f"{line}\n".encode() * 3).name == "haproxy"


def test_other_daemons_syslog_and_access_logs_are_not_taken() -> None:
    sshd = "Mar 27 13:06:56 h sshd[1]: Failed password for root from 192.0.2.1 port 5 ssh2\n"
    assert recognise((sshd * 9 + HTTP + "\n").encode()).name == "syslog"
    assert (
        recognise(b'192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "x"\n' * 3).name == "access"
    )


def test_rejected(tmp_path: Path) -> None:
    log = tmp_path / "x"
    log.write_text("words\n" + BAD.replace("24/Nov", "31/Feb") + "\n" + HTTP.replace("10/0/30/69/109", "x") + "\n")
    result = read_all(log, as_format="haproxy")
    assert [reject["reason"] for reject in result.rejects] == ["not an HAProxy record", "no such date"]
    assert result.events[0]["class_uid"] == 6000  # under a syslog head any words are the daemon's


def test_captured_headers_and_requests_move_no_field(events_of: Events) -> None:
    """HAProxy encodes what could end a field; a server in front of it that did not could only harm its own words."""
    hostile = HTTP.replace("{1wt.eu}", "{1/1/1/1/0 0/0 200 - - ---- } x").replace(
        "/index.html?a=b", "/]: 6.6.6.6:1 [x] a b/c"
    )
    event = events_of(hostile + "\n", "haproxy")[0]
    assert (event["src_ip"], event["http_status"], event["bytes_in"]) == ("10.0.1.2", 200, 2750)
    long = events_of(HTTP.replace("/index.html", "/" + "a" * 65536) + "\n", "haproxy")[0]
    assert len(long["url_path"]) == 65537
