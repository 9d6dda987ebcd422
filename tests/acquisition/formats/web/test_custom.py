from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import FORMATS, format_named, formats_for, recognise
from soc_tui.core.errors import SettingsError
from soc_tui.core.settings import AcquisitionSettings
from tests.acquisition.conftest import SETTINGS, read_all

STAMP = "[10/Oct/2000:13:55:36 -0700]"
WHEN = datetime(2000, 10, 10, 20, 55, 36)


def settings(**formats: str) -> AcquisitionSettings:
    return replace(SETTINGS, access_formats=formats)


def events(tmp_path: Path, layout: str, *lines: str, zone: str = "UTC") -> list[dict[str, Any]]:
    log = tmp_path / "access.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    result = read_all(log, settings=replace(settings(shop=layout), time_zone=zone), as_format="shop")
    assert result.rejects == []
    return result.events


@pytest.mark.parametrize(
    ("layout", "line", "expected", "extra"),
    [
        ('%h %l %u %t "%r" %>s %b %D', f'192.0.2.1 - frank {STAMP} "GET /a?b=c HTTP/1.0" 200 2326 1500',
         {"time": WHEN, "src_ip": "192.0.2.1", "user_name": "frank", "http_method": "GET", "url_path": "/a", "url_query": "b=c",
          "http_status": 200, "bytes_in": 2326, "duration": 0.0015, "status": "success", "class_uid": 4002, "activity": "get",
          "message": "GET /a?b=c HTTP/1.0", "log_name": "access"},
         {"http_version": "HTTP/1.0"}),
        # Pasted from httpd.conf with its backslashes; mod_logio, mod_ssl, several units of time.
        (r'%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" \"%{X-Forwarded-For}i\" %{ms}T %{SSL_PROTOCOL}x %{SID}C %I %X %P',
         f'www.x.de:443 h.example - - {STAMP} "POST /login HTTP/1.1" 401 99 "-" "curl \\"x\\"" "203.0.113.9, 10.0.0.1" 12 TLSv1.3 abc 700 + 47',
         {"url_host": "www.x.de", "dst_port": 443, "src_ip": None, "http_status": 401, "bytes_in": 99, "bytes_out": 700,
          "duration": 0.012, "user_agent": 'curl \\"x\\"', "referrer": None},
         {"client": "h.example", "X-Forwarded-For": "203.0.113.9, 10.0.0.1", "SSL_PROTOCOL": "TLSv1.3", "SID": "abc",
          "connection_status": "+", "pid": "47", "http_version": "HTTP/1.1"}),
        ('%a %A %{remote}p [%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t] "%m %U%q %H" %s %B %f',
         '192.0.2.1 10.0.0.1 4711 [10/Oct/2000 13:55:36.123 +0200] "GET /a?b=c HTTP/1.1" 200 5 /var/www/a',
         {"time": datetime(2000, 10, 10, 11, 55, 36, 123000), "dst_ip": "10.0.0.1", "src_port": 4711, "http_method": "GET",
          "url_path": "/a", "url_query": "b=c", "file_path": "/var/www/a", "message": "GET /a?b=c"},
         {"http_version": "HTTP/1.1"}),
        ('%h %{sec}t.%{usec_frac}t "%r" %s', '192.0.2.1 1700000000.123456 "GET / HTTP/1.1" 200',
         {"time": datetime(2023, 11, 14, 22, 13, 20, 123456)}, {"http_version": "HTTP/1.1"}),
        ('%h %{begin:msec}t %{end:usec}t %s', '192.0.2.1 1700000000123 1700000001123456 204',
         {"time": datetime(2023, 11, 14, 22, 13, 20, 123000), "http_status": 204, "http_method": None},
         {"time_end": "1700000001123456"}),
        ("%h,%l,%u,%>s,%b,%Z", "192.0.2.1,-,bob,200,-,what", {"src_ip": "192.0.2.1", "user_name": "bob", "bytes_in": None},
         {"Z": "what", "time_source": "file"}),
        ("%h %{%H:%M}t %s", "192.0.2.1 13:55 200", {"http_status": 200}, {"time": "13:55", "time_source": "file"}),
        ("%a %h %{c}a %s %>s", "192.0.2.1 h.example 10.0.0.9 301 200", {"src_ip": "192.0.2.1", "http_status": 200},
         {"client": "h.example", "connection_client": "10.0.0.9", "status": "301", "time_source": "file"}),
        ('100%% %h "%{X}i" "%{X}i" %^FB %{NAME}^ti', '100% 192.0.2.1 "a" "b" 12 t', {"src_ip": "192.0.2.1"},
         {"X": "a", "X_2": "b", "^FB": "12", "NAME": "t", "time_source": "file"}),
        ('$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
         ' rt=$request_time uct="$upstream_connect_time" ua=$upstream_addr us=$upstream_status $pipe ${request_length}b $bytes_sent',
         f'192.0.2.1 - - {STAMP} "GET /a?b=c HTTP/1.0" 200 2326 "-" "m" rt=0.004 uct="0.000, 0.001" ua=10.0.0.1:80, 10.0.0.2:80 us=502, 200 . 77b 9000',
         {"time": WHEN, "src_ip": "192.0.2.1", "bytes_in": 2326, "bytes_out": 77, "duration": 0.004, "user_agent": "m"},
         {"upstream_connect_time": "0.000, 0.001", "upstream_addr": "10.0.0.1:80, 10.0.0.2:80", "upstream_status": "502, 200",
          "pipe": ".", "bytes_sent": "9000", "http_version": "HTTP/1.0"}),
        ("$remote_addr|$time_iso8601|$request_method|$scheme|$host|$uri|$args|$status|$http_x_forwarded_for",
         "192.0.2.1|2000-10-10T13:55:36-07:00|GET|https|x.de|/a|b=c|200|203.0.113.66",
         {"time": WHEN, "src_ip": "192.0.2.1", "url_host": "x.de", "url_path": "/a", "url_query": "b=c", "http_method": "GET"},
         {"scheme": "https", "http_x_forwarded_for": "203.0.113.66"}),
        ('escape=json {"t":$msec,"ip":"$remote_addr","r":"$request","s":$status,"ua":"$http_user_agent","h":"$host","f":"$sent_http_x"}',
         '{"t":1700000000.123,"ip":"192.0.2.1","r":"GET /\\"x HTTP/1.1","s":200,"ua":"a\\\\b\\u00e9","h":"","f":""}',
         {"time": datetime(2023, 11, 14, 22, 13, 20, 123000), "url_path": '/"x', "user_agent": "a\\bé", "url_host": None},
         {"http_version": "HTTP/1.1"}),
    ],
)  # fmt: skip
def test_layouts(tmp_path: Path, layout: str, line: str, expected: dict[str, Any], extra: dict[str, Any]) -> None:
    event = events(tmp_path, layout, line)[0]
    assert {key: event[key] for key in expected} == expected
    assert json.loads(event["extra"]) == extra


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        ("%{%F %T}t %h", "2024-07-01 12:00:00"), ("%{%c}t %h", "Mon Jul  1 12:00:00 2024"), ("%{%D %I:%M %p}t %h", "07/01/24 12:00 PM"),
        ("%{%Y-%j %R}t %h", "2024-183 12:00"), ("[%{%e/%B/%Y:%k:%M:%S}t] %h", "[ 1/July/2024:12:00:00]"),
        ("$time_iso8601 $remote_addr", "2024-07-01T12:00:00"),
    ],
)  # fmt: skip
def test_a_time_without_a_zone_is_of_the_file_s_zone(tmp_path: Path, layout: str, written: str) -> None:
    event = events(tmp_path, layout, f"{written} 192.0.2.1", zone="Europe/Berlin")[0]
    assert (event["time"], event["src_ip"]) == (datetime(2024, 7, 1, 10), "192.0.2.1")


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ('GET /x\\" 200 1 1" 404', {"http_status": 404}),
        ('GET /\\" 200 5 \\"-\\" \\"-\\" HTTP/1.1', {"http_status": 404, "duration": 7e-6}),
        ("\\x16\\x03\\x01", {"http_method": None, "http_status": 404, "activity": "unknown"}),
        ("GET /" + "a" * 65536 + " HTTP/1.1", {"http_status": 404}),
        ("GET /\u202egpj.exe HTTP/1.1", {"url_path": "/\u202egpj.exe"}),
        ("-", {"http_method": None, "message": None}),
    ],
)  # fmt: skip
def test_a_client_s_text_moves_no_field(tmp_path: Path, request_line: str, expected: dict[str, Any]) -> None:
    line = f'192.0.2.1 - - {STAMP} "{request_line}" 404 5 7'
    event = events(tmp_path, '%h %l %u %t "%r" %>s %b %D', line.replace('1" 404" 404', '1 404" 404'))[0]
    assert {key: event[key] for key in expected} == expected


def test_it_wins_over_the_built_in_ones_that_are_equally_sure(tmp_path: Path) -> None:
    log = tmp_path / "x"
    log.write_text(f'192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5 1500\n' * 3)
    assert recognise(log.read_bytes()).name == "access"
    mine = settings(shop='%h %l %u %t "%r" %>s %b %D', other="$msec $remote_addr")
    assert recognise(log.read_bytes(), formats_for(mine)).name == "shop"
    result = read_all(log, settings=mine)
    assert (result.state.format, result.events[0]["duration"]) == ("shop", 0.0015)
    assert recognise(b"words\n", formats_for(mine)).name == "text"


def test_lines_of_another_layout_are_rejected(tmp_path: Path) -> None:
    log = tmp_path / "x"
    log.write_text(f"192.0.2.1 {STAMP} 200\nwords\n192.0.2.1 {STAMP.replace('10/Oct', '31/Feb')} 200\n")
    result = read_all(log, settings=settings(shop="%h %t %s"), as_format="shop")
    assert [reject["reason"] for reject in result.rejects] == ["not of the layout shop", "no such date"]
    assert len(result.events) == 1


def test_compiled_once() -> None:
    first, second = (formats_for(settings(shop="%h %t"))["shop"] for _ in range(2))
    assert first is second
    assert format_named("shop", formats_for(settings(shop="%h %t"))) is first
    assert formats_for(SETTINGS) is FORMATS


@pytest.mark.parametrize(
    ("layout", "position", "words"),
    [
        ("abc", 1, "names no field"), ("", 1, "names no field"), ("%h%l", 3, "nothing separates"), ("%{x}T %h", 1, "unit 'x'"),
        ("%h %{%G}t", 4, "'%G'"), ("%h %{%", 4, "no directive"), (r"%h\n%l", 3, "several lines"), ("%h %", 4, "no directive"),
        ("$remote_addr $", 14, "begins no variable"), ("$remote_addr$http_x", 13, "nothing separates"), ("%h " * 101, 1, "over 100"),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_compiled_is_told_with_its_place(layout: str, position: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        formats_for(settings(shop=layout))
    assert caught.value.message.startswith(f"acquisition.access_formats.shop, position {position}: ")
    assert words in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["access", "text", "", "a b", "x" * 41, "../x"])
def test_a_name_that_cannot_be_used(name: str) -> None:
    with pytest.raises(SettingsError, match="acquisition.access_formats"):
        formats_for(settings(**{name: "%h %t"}))
