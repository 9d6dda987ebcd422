"""Records of the Amazon VPC User Guide, *Flow log record examples*."""

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
ACCEPT = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
REJECT = "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK\n"
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA\n"
SKIPDATA = "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA\n"
IPV6 = (
    "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071"
    " 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK\n"
)
PING = "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK\n"
V2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
V3 = (
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr"
    " pkt-dstaddr protocol bytes packets start end action tcp-flags log-status\n"
    "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4"
    " 52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK\n"
)
V5 = (
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id"
    " interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr"
    " pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status\n"
    "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 vpc-abcdefab012345678"
    " subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 19"
    " 52.95.128.179 10.0.0.71 S3 - - ingress OK\n"
)


def test_default_format_without_a_header(events_of: Events) -> None:
    event = events_of(ACCEPT, "aws-vpc")[0]
    given = {key: value for key, value in event.items() if value is not None}
    assert given == {
        "time": datetime(2014, 12, 14, 4, 6, 50), "class_uid": 4001, "activity": "traffic", "product": "aws-vpc", "log_name": "flow",
        "host": "eni-1235b8ca123456789", "src_ip": "172.31.16.139", "src_port": 20641, "dst_ip": "172.31.16.21", "dst_port": 22,
        "protocol": "tcp", "status": "success", "severity": "info", "duration": 60.0, "bytes_out": 4249, "packets_out": 20,
        "extra": '{"version":2,"account-id":"123456789010","action":"ACCEPT"}', "source_offset": 0, "source_length": len(ACCEPT) - 1,
    }  # fmt: skip


def test_a_header_changes_nothing(events_of: Events) -> None:
    plain, headed = events_of(ACCEPT, "aws-vpc")[0], events_of(V2 + ACCEPT, "aws-vpc")[0]
    assert headed == {**plain, "source_offset": len(V2)}


def test_reject_is_a_failure(events_of: Events) -> None:
    event = events_of(REJECT, "aws-vpc")[0]
    assert (event["status"], event["conn_state"], event["dst_port"]) == ("failure", "REJ", 3389)


@pytest.mark.parametrize(("line", "severity"), [(NODATA, "info"), (SKIPDATA, "low")])
def test_windows_without_records_are_no_flows(events_of: Events, line: str, severity: str) -> None:
    event = events_of(line, "aws-vpc")[0]
    assert (event["class_uid"], event["activity"], event["log_name"], event["status"]) == (
        6000,
        "log",
        "status",
        "unknown",
    )
    assert (event["severity"], event["src_ip"], event["bytes_out"], event["duration"]) == (severity, None, None, 58.0)
    assert event["message"] == f"{line.rsplit(maxsplit=1)[-1]} {line.split()[2]}"
    assert event["time"] == datetime(2015, 5, 10, 18, 1, 16)


def test_ipv6_and_icmp(events_of: Events) -> None:
    six, ping = events_of(IPV6 + PING, "aws-vpc")
    assert six["dst_ip"] == "2001:db8:1234:a102:3304:8879:34cf:4071"
    assert (ping["protocol"], ping["src_port"], ping["conn_state"]) == ("icmp", 0, None)


def test_custom_order_of_version_3(events_of: Events) -> None:
    event = events_of(V3, "aws-vpc")[0]
    assert (event["src_ip"], event["dst_ip"], event["dst_port"]) == ("52.213.180.42", "10.0.0.62", 5001)
    assert (event["bytes_out"], event["packets_out"], event["host"]) == (568, 8, "i-01234567890123456")
    assert json.loads(event["extra"]) == {
        "version": 3, "vpc-id": "vpc-abcdefab012345678", "subnet-id": "subnet-aaaaaaaa012345678", "account-id": "123456789010",
        "type": "IPv4", "pkt-srcaddr": "52.213.180.42", "pkt-dstaddr": "10.0.0.62", "interface-id": "eni-1235b8ca123456789",
        "tcp-flags": 2, "action": "ACCEPT",
    }  # fmt: skip


def test_version_5(events_of: Events) -> None:
    event = events_of(V5, "aws-vpc")[0]
    assert (event["conn_state"], event["status"], event["duration"]) == ("SF", "success", 57.0)
    extra = json.loads(event["extra"])
    assert (extra["pkt-src-aws-service"], extra["flow-direction"], extra["region"]) == (
        "S3",
        "ingress",
        "ap-southeast-2",
    )
    assert not {"sublocation-type", "traffic-path", "pkt-dst-aws-service"} & extra.keys()


@pytest.mark.parametrize(("flags", "packets", "state"), [
    (2, 1, "S0"), (2, 8, None), (3, 5, "SF"), (18, 5, "S1"), (19, 5, "SF"), (6, 3, "RSTO"), (22, 3, "RSTO"), (0, 5, None), (1, 2, None),
    ("-", 5, None),
])  # fmt: skip
def test_states_where_the_flags_allow_one(events_of: Events, flags: object, packets: int, state: str | None) -> None:
    text = V3.replace(" 568 8 ", f" 568 {packets} ").replace("ACCEPT 2 OK", f"ACCEPT {flags} OK")
    assert events_of(text, "aws-vpc")[0]["conn_state"] == state


def test_cloudwatch_export(events_of: Events, tmp_path: Path) -> None:
    text = f"2014-12-14T04:07:30.000Z {ACCEPT}2014-12-14T04:07:30.000Z {NODATA}{REJECT}"
    assert recognise(text.encode()).name == "aws-vpc"
    events = events_of(text, "aws-vpc")
    plain = events_of(ACCEPT + NODATA + REJECT, "aws-vpc")
    places = {"source_offset", "source_length"}
    assert [{k: v for k, v in e.items() if k not in places} for e in events] == [
        {k: v for k, v in e.items() if k not in places} for e in plain
    ]  # fmt: skip


def test_a_custom_format_without_its_header_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "flow.log"
    path.write_text(ACCEPT * 4 + V5.splitlines()[1] + "\n")
    result = read_all(path)
    assert result.state.format == "aws-vpc"
    assert [r["reason"] for r in result.rejects] == ["29 fields where the header names 14"]


@pytest.mark.parametrize("lines", [ACCEPT, NODATA, V2, V3, V5, ACCEPT.replace("123456789010", "unknown")])
def test_recognised(lines: str) -> None:
    assert recognise((lines * 3).encode()).name == "aws-vpc"
