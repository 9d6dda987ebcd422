from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from soc_tui.acquisition.formats import recognise
from tests.acquisition.conftest import read_all

FIELDS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer)"
    " sc-status sc-substatus sc-win32-status time-taken"
)
HEAD = f"#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2023-09-21 02:59:24\n{FIELDS}\n"
LINE = (
    "2023-09-21 02:59:24 192.168.1.1 GET /index.html a=b+c 443 CORP\\bob 203.0.113.5 Mozilla/5.0+(Windows+NT+10.0)"
    " https://x/a+b 401 2 5 123\n"
)
# Of Microsoft's and of OSSEC's documentation (https://www.ossec.net/docs/log_samples/windows/iis/psoft_hsphere.html).
HSPHERE = (
    "#Software: H-Sphere log plugin\n#Date: 2007-03-03 01:17:39\n#Fields: date time c-ip cs-username s-sitename"
    " s-computername s-ip s-port cs-method cs-uri-stem cs-uri-query sc-status sc-win32-status sc-bytes cs-bytes time-taken"
    " cs-version cs(User-Agent) cs(Cookie) cs(Referer)\n"
    "2007-03-03 01:17:39 66.194.6.79 - W3SVC3 SERVER55 192.168.1.15 80 GET /index.html - 200 0 17691 117 15 HTTP/1.1"
    " Mozilla/4.0+(compatible;+MSIE+6.0;+Windows+NT+5.1;+Q312460) - -\n"
    "2007-03-03 10:23:40 24.252.248.163 - W3SVC3 SERVER55 192.168.1.15 80 GET /images/9a.jpg - 200 0 32022 324 47 HTTP/1.1"
    " Mozilla/4.0+(compatible;+MSIE+6.0;+Windows+NT+5.1;+SV1;+.NET+CLR+1.1.4322) - http://www.yahoo.com/\n"
)
# The example of Amazon's documentation (AmazonCloudFront/latest/DeveloperGuide/AccessLogs.html), its agent shortened.
CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)"
    " cs(User-Agent) cs-uri-query x-host-header cs-protocol cs-bytes time-taken x-forwarded-for c-port\n"
    "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(X)"
    "\t-\twww.example.com\thttps\t23\t0.001\t203.0.113.66\t11040\n"
)


def write(tmp_path: Path, text: str) -> Path:
    log = tmp_path / "u_ex.log"
    log.write_text(text, newline="")
    return log


def test_iis(tmp_path: Path) -> None:
    result = read_all(write(tmp_path, HEAD + LINE))
    assert (result.state.format, result.state.records_read, result.rejects) == ("iis", 1, [])
    event = result.events[0]
    expected = {
        "time": datetime(2023, 9, 21, 2, 59, 24), "class_uid": 4002, "activity": "get", "product": "iis", "log_name": "access",
        "user_name": "CORP\\bob", "src_ip": "203.0.113.5", "dst_ip": "192.168.1.1", "dst_port": 443, "status": "failure",
        "message": "GET /index.html?a=b+c", "duration": 0.123, "http_method": "GET", "url_path": "/index.html",
        "url_query": "a=b+c", "http_status": 401, "user_agent": "Mozilla/5.0 (Windows NT 10.0)", "referrer": "https://x/a+b",
    }  # fmt: skip
    assert {key: event[key] for key in expected} == expected
    assert json.loads(event["extra"]) == {"sc-substatus": "2", "sc-win32-status": "5"}


def test_the_documentation_s_example_with_a_server_s_name(tmp_path: Path) -> None:
    result = read_all(write(tmp_path, HSPHERE.replace("\n", "\r\n")))
    first, second = result.events
    assert (first["host"], first["bytes_in"], first["bytes_out"], first["duration"]) == ("SERVER55", 17691, 117, 0.015)
    assert (first["url_query"], first["user_name"], first["referrer"]) == (None, None, None)
    assert second["user_agent"] == "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; .NET CLR 1.1.4322)"
    assert json.loads(second["extra"]) == {"s-sitename": "W3SVC3", "sc-win32-status": "0", "cs-version": "HTTP/1.1"}


def test_the_fields_change_within_the_file(tmp_path: Path) -> None:
    text = HEAD + LINE + "#Fields: time c-ip cs-method cs-uri-stem sc-status x'};$a\n03:00:00 ::1 HEAD / 200 9\n"
    text += (
        "#Fields: c-ip cs-method cs-uri-stem sc-status\n::1 PUT /f 500\n"
        + f"{FIELDS}\n"
        + LINE.replace(" 401 ", " 200 ")
    )
    result = read_all(write(tmp_path, text))
    assert [event["http_status"] for event in result.events] == [401, 200, 500, 200]
    assert result.events[1]["time"] == datetime(2023, 9, 21, 3)
    assert json.loads(result.events[1]["extra"]) == {"x'};$a": "9"}
    assert json.loads(result.events[2]["extra"]) == {"time_source": "file"}
    assert result.state.records_read == 4


def test_rejected(tmp_path: Path) -> None:
    text = LINE + HEAD + "2023-09-21 02:59:24 GET /\n" + LINE.replace("09-21", "02-31")
    result = read_all(write(tmp_path, text), as_format="iis")
    assert [reject["reason"] for reject in result.rejects] == [
        "no #Fields line before this record", "4 fields where #Fields names 15", "no such date",
    ]  # fmt: skip


def test_cloudfront(tmp_path: Path) -> None:
    result = read_all(write(tmp_path, CLOUDFRONT))
    event = result.events[0]
    expected = {
        "product": "cloudfront", "time": datetime(2019, 12, 4, 21, 2, 31), "src_ip": "192.0.2.100", "src_port": 11040,
        "url_host": "www.example.com", "user_agent": "Mozilla/5.0 (X)", "duration": 0.001, "bytes_in": 392, "bytes_out": 23,
    }  # fmt: skip
    assert {key: event[key] for key in expected} == expected
    assert json.loads(event["extra"])["x-forwarded-for"] == "203.0.113.66"


def test_a_client_s_text_moves_no_field(tmp_path: Path) -> None:
    """IIS writes a client's blanks as plus signs; were there one, the record would be refused, not misread."""
    forged = LINE.replace("Mozilla/5.0+(Windows+NT+10.0)", "x 10.0.0.9 - 200 0 0 1")
    result = read_all(write(tmp_path, HEAD + forged + LINE.replace("/index.html", "/" + "a" * 65536)))
    assert [reject["reason"] for reject in result.rejects] == ["21 fields where #Fields names 15"]
    assert len(result.events[0]["url_path"]) == 65537


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (HEAD, "iis"), (HSPHERE, "iis"), (CLOUDFRONT, "iis"),
        ("#separator \\x09\n#fields\tts\tuid\n1\tC\n", "zeek-tsv"),
        ("#Version: 1.5\n#Fields: date time action protocol src-ip dst-ip src-port dst-port size\n2020-01-01 00:00:00 DROP TCP a b 1 2 3\n", "text"),
    ],
)  # fmt: skip
def test_recognised(text: str, name: str) -> None:
    assert recognise(text.encode()).name == name
