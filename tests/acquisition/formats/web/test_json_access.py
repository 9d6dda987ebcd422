from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]

NGINX = {
    "time_local": "10/Oct/2000:13:55:36 -0700", "remote_addr": "192.0.2.1", "remote_user": "-",
    "request": "GET /a?b=c HTTP/1.1", "status": "200", "body_bytes_sent": "512", "request_time": "0.004",
    "http_referer": "-", "http_user_agent": "curl/7", "http_x_forwarded_for": "203.0.113.5",
}  # fmt: skip
CADDY = {
    "level": "info", "ts": 1646861401.5241024, "logger": "http.log.access", "msg": "handled request",
    "request": {
        "remote_ip": "127.0.0.1", "remote_port": "41342", "client_ip": "203.0.113.7", "proto": "HTTP/2.0", "method": "GET",
        "host": "localhost", "uri": "/a?b", "headers": {"User-Agent": ["curl/7.82.0"], "Accept": ["*/*"]},
        "tls": {"resumed": False, "version": 772, "proto": "h2", "server_name": "example.com"},
    },
    "bytes_read": 3, "user_id": "bob", "duration": 0.000929675, "size": 10900, "status": 200, "resp_headers": {"Server": ["Caddy"]},
}  # fmt: skip
TRAEFIK = {
    "ClientAddr": "[2001:db8::1]:5555", "ClientHost": "203.0.113.66", "ClientPort": "5555", "ClientUsername": "-",
    "DownstreamContentSize": 19, "DownstreamStatus": 404, "Duration": 123456, "RequestContentSize": 7,
    "RequestHost": "a.example", "RequestMethod": "GET", "RequestPath": "/x?y", "RouterName": "r@docker",
    "StartUTC": "2023-01-01T00:00:00.123456789Z", "level": "info", "msg": "", "request_User-Agent": "ua",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "record", "expected", "extra"),
    [
        ("nginx-json", NGINX,
         {"time": datetime(2000, 10, 10, 20, 55, 36), "class_uid": 4002, "activity": "get", "product": "nginx", "log_name": "access",
          "src_ip": "192.0.2.1", "user_name": None, "http_method": "GET", "url_path": "/a", "url_query": "b=c", "http_status": 200,
          "bytes_in": 512, "duration": 0.004, "referrer": None, "user_agent": "curl/7", "message": "GET /a?b=c HTTP/1.1",
          "status": "success", "severity": "info", "service": "http", "protocol": "tcp"},
         {"http_x_forwarded_for": "203.0.113.5"}),
        ("nginx-json", {"time_iso8601": "2000-10-10T13:55:36+02:00", "remote_addr": "h.example", "request_method": "POST", "uri": "/a",
                        "args": "x=1", "status": 404, "host": "shop", "http_host": "other", "client_ip": "203.0.113.66"},
         {"time": datetime(2000, 10, 10, 11, 55, 36), "src_ip": None, "http_method": "POST", "url_path": "/a", "url_query": "x=1",
          "url_host": "other", "http_status": 404, "status": "failure", "message": "POST /a"},
         {"remote_addr": "h.example", "host": "shop", "client_ip": "203.0.113.66"}),
        ("nginx-json", {"msec": "1700000000.123", "remote_addr": "::ffff:192.0.2.9", "request": "\\x16\\x03 a b", "status": "400"},
         {"time": datetime(2023, 11, 14, 22, 13, 20, 123000), "src_ip": "192.0.2.9", "http_method": None, "url_path": None,
          "activity": "unknown", "class_uid": 4002, "message": "\\x16\\x03 a b"}, None),
        ("nginx-json", {"remote_addr": "192.0.2.1", "status": "abc", "request": "-", "time": "never"},
         {"class_uid": 6000, "http_status": None, "http_method": None, "status": "unknown"},
         {"status": "abc", "time": "never", "time_source": "file"}),
        ("nginx-json", {"a": 1}, {"class_uid": 6000, "activity": "log", "service": None}, {"a": 1, "time_source": "file"}),
        ("caddy", CADDY,
         {"time": datetime(2022, 3, 9, 21, 30, 1, 524102), "src_ip": "127.0.0.1", "src_port": 41342, "http_method": "GET",
          "url_host": "localhost", "url_path": "/a", "url_query": "b", "http_status": 200, "user_agent": "curl/7.82.0",
          "tls_server_name": "example.com", "bytes_in": 10900, "bytes_out": 3, "user_name": "bob", "duration": 0.000929675,
          "product": "caddy", "message": "GET /a?b"},
         {"level": "info", "logger": "http.log.access", "msg": "handled request", "request": CADDY["request"],
          "resp_headers": {"Server": ["Caddy"]}}),
        ("caddy", {"ts": 1, "request": {"remote_addr": "[::1]:55", "method": "GET", "uri": "/", "host": "h"}, "duration": "1.5ms",
                   "status": 500},
         {"src_ip": "::1", "src_port": 55, "duration": None, "http_status": 500, "status": "failure"},
         {"duration": "1.5ms", "request": {"remote_addr": "[::1]:55", "method": "GET", "uri": "/", "host": "h"}}),
        ("caddy", {"level": "error", "ts": "2024/01/02 03:04:05.123", "msg": "certificate expired"},
         {"time": datetime(2024, 1, 2, 3, 4, 5, 123000), "class_uid": 6000, "severity": "medium", "message": "certificate expired"},
         {"level": "error", "msg": "certificate expired"}),
        ("traefik", TRAEFIK,
         {"time": datetime(2023, 1, 1, 0, 0, 0, 123456), "src_ip": "2001:db8::1", "src_port": 5555, "user_name": None,
          "http_method": "GET", "url_host": "a.example", "url_path": "/x", "url_query": "y", "http_status": 404, "bytes_in": 19,
          "bytes_out": 7, "duration": 0.000123456, "user_agent": "ua", "product": "traefik", "status": "failure"},
         {"ClientHost": "203.0.113.66", "RouterName": "r@docker", "level": "info", "msg": ""}),
        ("traefik", {"ClientHost": "203.0.113.66", "RequestMethod": "GET", "RequestPath": "/", "DownstreamStatus": 200, "StartUTC": "x"},
         {"src_ip": None, "http_status": 200}, {"ClientHost": "203.0.113.66", "time_source": "file"}),
    ],
)  # fmt: skip
def test_records(
    events_of: Events, name: str, record: dict[str, Any], expected: dict[str, Any], extra: dict[str, Any] | None
) -> None:
    event = events_of(json.dumps(record) + "\n", name)[0]
    assert {key: event[key] for key in expected} == expected
    assert event["extra"] is None if extra is None else json.loads(event["extra"]) == extra


def test_a_zone_is_taken_from_the_settings_only_where_the_record_tells_none(tmp_path: Path) -> None:
    from dataclasses import replace

    from tests.acquisition.conftest import SETTINGS

    log = tmp_path / "x"
    stamps = ("2024-07-01T12:00:00", "2024-07-01T12:00:00Z", "2024-07-01T12:00:00+02:00")
    log.write_text("".join(json.dumps({**NGINX, "time_local": None, "time_iso8601": one}) + "\n" for one in stamps))
    result = read_all(log, as_format="nginx-json", settings=replace(SETTINGS, time_zone="Europe/Berlin"))
    assert [event["time"].hour for event in result.events] == [10, 12, 10]


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (NGINX, "nginx-json"), (CADDY, "caddy"), (TRAEFIK, "traefik"), ({"a": 1}, "json"),
        ({"timestamp": "2020-01-01T00:00:00Z", "event_type": "http", "remote_addr": "a", "status": 1, "url": "/"}, "suricata-eve"),
        ({"ts": 1.5, "uid": "C1", "id.orig_h": "192.0.2.1", "method": "GET", "uri": "/", "status_code": 200}, "zeek-json"),
        ({"status": 200, "uri": "/"}, "json"),
    ],
)  # fmt: skip
def test_recognised(record: dict[str, Any], name: str) -> None:
    assert recognise((json.dumps(record) + "\n").encode() * 3).name == name


def test_rejected(tmp_path: Path) -> None:
    log = tmp_path / "x"
    log.write_text('[1]\n{\n"x"\nwords\n{"a":1}\n')
    result = read_all(log, as_format="caddy")
    assert [reject["reason"] for reject in result.rejects] == [
        "JSON, but not an object", "not valid JSON", "JSON, but not an object", "not valid JSON",
    ]  # fmt: skip
    assert len(result.events) == 1


def test_the_status_reports_of_nginx_plus_are_no_access_log(shared_data: Path) -> None:
    """They are JSON of nginx, but say nothing of a request: kept whole, whichever way they are read."""
    log = shared_data / "hostlogs/elastic_nginxplus_json.log.gz"
    result = read_all(log)
    assert (result.state.format, result.state.records_stored, result.state.records_rejected) == ("json", 500, 0)
    forced = read_all(log, as_format="nginx-json")
    assert (forced.state.records_stored, {event["class_uid"] for event in forced.events}) == (500, {6000})
