from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
BASE = {
    "timestamp": "2020-08-06T05:20:24.648510+0200", "flow_id": 4919010929551, "src_ip": "10.0.0.1", "src_port": 5,
    "dest_ip": "192.0.2.2", "dest_port": 53, "proto": "UDP", "community_id": "1:x=",
}  # fmt: skip


def made(events_of: Events, kind: str, **sections: Any) -> dict[str, Any]:
    return events_of(json.dumps({**BASE, "event_type": kind, **sections}) + "\n", "suricata-eve")[0]


def test_alert(events_of: Events) -> None:
    alert = {"signature_id": 2027237, "signature": "ET X", "category": "Bad", "severity": 1, "metadata": {"a": ["b"]}}
    event = made(events_of, "alert", alert=alert, flow={"bytes_toserver": 5, "bytes_toclient": 6, "pkts_toserver": 1})
    expected = {
        "time": datetime(2020, 8, 6, 3, 20, 24, 648510), "class_uid": 2004, "severity": "high", "rule_id": "2027237",
        "rule_name": "ET X", "rule_category": "Bad", "session_uid": "4919010929551", "community_id": "1:x=",
        "protocol": "udp", "bytes_out": 5, "bytes_in": 6, "src_ip": "10.0.0.1", "dst_port": 53, "log_name": "alert",
    }  # fmt: skip
    assert {key: event[key] for key in expected} == expected
    assert json.loads(event["extra"])["alert"]["metadata"] == {"a": ["b"]}


@pytest.mark.parametrize(("number", "word"), [(1, "high"), (2, "medium"), (3, "low"), (4, "low")])
def test_alert_severity(events_of: Events, number: int, word: str) -> None:
    assert made(events_of, "alert", alert={"severity": number})["severity"] == word


@pytest.mark.parametrize(
    ("dns", "expected"),
    [
        ({"type": "query", "rrname": "a.b", "rrtype": "A"}, ("query", "a.b", "A", None, "unknown")),
        ({"version": 2, "type": "answer", "rrname": "a.b", "rrtype": "A", "rcode": "NXDOMAIN"}, ("response", "a.b", "A", "NXDOMAIN", "failure")),
        ({"version": 3, "type": "request", "queries": [{"rrname": "a.b", "rrtype": "TXT"}]}, ("query", "a.b", "TXT", None, "unknown")),
        ({"version": 3, "type": "response", "rcode": "NOERROR", "queries": [{"rrname": "a.b", "rrtype": "A"}]},
         ("response", "a.b", "A", "NOERROR", "success")),
    ],
    ids=["v1", "v2", "v3 request", "v3 response"],
)  # fmt: skip
def test_dns_versions(events_of: Events, dns: dict[str, Any], expected: tuple[Any, ...]) -> None:
    event = made(events_of, "dns", dns=dns)
    assert tuple(event[k] for k in ("activity", "query_name", "query_type", "rcode", "status")) == expected


def test_flow_http_tls_fileinfo(events_of: Events) -> None:
    flow = {"pkts_toserver": 3, "pkts_toclient": 2, "bytes_toserver": 247, "bytes_toclient": 650, "state": "closed",
            "start": "2020-08-06T05:20:45.600186+0000", "end": "2020-08-06T05:20:46.600186+0000"}  # fmt: skip
    event = made(events_of, "flow", flow=flow)
    assert (event["duration"], event["bytes_out"], event["packets_in"], event["conn_state"], event["status"]) == (
        1.0, 247, 2, "closed", "success",
    )  # fmt: skip
    event = made(
        events_of,
        "http",
        http={"hostname": "h", "url": "/a?b=c", "http_method": "POST", "status": 500, "http_user_agent": "u"},
    )
    assert (event["url_host"], event["url_path"], event["url_query"], event["http_status"], event["status"]) == (
        "h",
        "/a",
        "b=c",
        500,
        "failure",
    )
    event = made(events_of, "tls", tls={"sni": "x.y", "ja3": {"hash": "abc"}})
    assert (event["tls_server_name"], event["ja3"], event["service"]) == ("x.y", "abc", "ssl")
    event = made(events_of, "fileinfo", fileinfo={"filename": "/a", "md5": "AB", "sha256": "CD"})
    assert (event["file_path"], event["file_hash"], event["class_uid"]) == ("/a", "cd", 4010)


def test_sections_of_the_wrong_shape_are_survived(events_of: Events) -> None:
    for section in ("x", 1, None, [], [{}], {"rrname": {"a": 1}}):
        assert made(events_of, "dns", dns=section)["log_name"] == "dns"
    event = events_of('{"event_type":"x","timestamp":"never","src_ip":"rm -rf","dest_port":"http"}\n', "suricata-eve")[
        0
    ]
    assert (event["src_ip"], event["dst_port"], json.loads(event["extra"])["time_source"]) == (None, None, "file")


@pytest.mark.parametrize("name", ["otrf", "pcap-attack", "suricata-verify", "zeek-traces"])
def test_real_eve_exactly(shared_data: Path, name: str) -> None:
    path = shared_data / f"sensor/suricata-eve/{name}.eve.json.gz"
    raw = gzip.decompress(path.read_bytes()).splitlines()
    assert recognise(b"\n".join(raw[:20]) + b"\n").name == "suricata-eve"
    result = read_all(path)
    assert (result.state.records_stored, result.state.records_rejected) == (len(raw), 0)
    for event, line in zip(result.events[::25], raw[::25], strict=True):
        record = json.loads(line)
        assert event["log_name"] == record["event_type"]
        # A server's own reply (Kerberos) names the client as the one who began, so the ends may change places.
        assert {event["src_ip"], event["dst_ip"]} == {record.get("src_ip"), record.get("dest_ip")}
