"""Output of nfdump 1.7.1 (the columns of 1.6) and of 1.7.5, which has columns of its own."""

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
OF_16 = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc,"
    "mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr\n"
)
_MAC, _MPLS, _LATENCY = ",".join(["00:00:00:00:00:00"] * 4), ",".join(["0-0-0"] * 10), ",".join(["    0.000"] * 3)
TOTALS = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n7,13238,32,42361,12,413\n"
OF_17 = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"


def row(protocol: str = "TCP", flags: str = "...AP.SF", ports: str = "40000,443", counts: str = "12,3400,0,0", fwd: str = "0",
        rare: str = f"{_MAC},{_MPLS},{_LATENCY}", nh: str = "0.0.0.0") -> str:  # fmt: skip
    return (
        f"2018-11-19 03:50:01,2018-11-19 03:50:03,2.500,192.0.2.10,198.51.100.5,{ports},{protocol},{flags},{fwd},0,{counts},1,2,65001,"
        f"65002,0,0,0,0,{nh},0.0.0.0,0,0,{rare},127.0.0.1,0/0,1,2026-11-24 19:22:31.175\n"
    )


def test_columns_of_1_6(events_of: Events) -> None:
    event = events_of(OF_16 + row() + TOTALS, "nfdump")[0]
    given = {key: value for key, value in event.items() if value is not None}
    extra = json.loads(given.pop("extra"))
    assert given == {
        "time": datetime(2018, 11, 19, 3, 50, 1), "class_uid": 4001, "activity": "traffic", "product": "nfdump", "log_name": "flow",
        "host": "127.0.0.1", "src_ip": "192.0.2.10", "src_port": 40000, "dst_ip": "198.51.100.5", "dst_port": 443, "protocol": "tcp",
        "status": "success", "severity": "info", "duration": 2.5, "bytes_out": 3400, "packets_out": 12, "conn_state": "SF",
        "source_offset": len(OF_16), "source_length": len(row()) - 1,
    }  # fmt: skip
    assert extra == {
        "in": 1, "out": 2, "sas": 65001, "das": 65002, "exid": 1, "tr": "2026-11-24 19:22:31.175", "flg": "...AP.SF",
    }  # fmt: skip


def test_columns_of_1_7(events_of: Events) -> None:
    text = (
        OF_17
        + "2018-11-19 03:50:01.125,2.500,TCP,192.0.2.10,40000,198.51.100.5,443,12,3400,1\n"
        + "2018-11-19 03:50:01.125,00:01:02.500,ICMP6,2001:db8::1,0,2001:db8::2,128.0,1,64,2\n"
        + TOTALS.replace("7,13238", "2,3464")
    )
    assert recognise(text.encode()).name == "nfdump"
    tcp, ping = events_of(text, "nfdump")
    assert (tcp["time"], tcp["duration"]) == (datetime(2018, 11, 19, 3, 50, 1, 125000), 2.5)
    assert (tcp["bytes_out"], tcp["packets_out"], tcp["conn_state"], tcp["status"], tcp["extra"]) == (
        3400,
        12,
        None,
        "unknown",
        None,
    )
    assert (ping["protocol"], ping["src_port"], ping["dst_port"], ping["duration"]) == ("ipv6-icmp", 128, 0, 62.5)
    assert json.loads(ping["extra"]) == {"flows": 2}


def test_the_fast_columns_of_1_7_count_milliseconds(events_of: Events) -> None:
    text = (
        "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes\n"
        "1,2,1542599401125,1542599403625,6,192.0.2.10,40000,198.51.100.5,443,0,0,1,2,...AP.SF,0,12,3400\n"
    )
    event = events_of(text, "nfdump")[0]
    assert (event["time"], event["duration"], event["protocol"]) == (
        datetime(2018, 11, 19, 3, 50, 1, 125000),
        2.5,
        "tcp",
    )
    assert event["conn_state"] == "SF"


def test_totals_are_neither_events_nor_rejects(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text(OF_16 + row() + TOTALS + OF_16 + row() + row() + TOTALS + OF_17 + "No matched flows\n")
    result = read_all(path)
    assert (result.state.format, result.state.records_stored, result.state.records_rejected) == ("nfdump", 3, 0)
    assert result.state.pending_bytes == 0


@pytest.mark.parametrize("line", ["1,2,3", "1,2,3,4,5,6,7", "Summary of today", "1,2,3,4,5,x", "error: cannot read"])
def test_what_only_resembles_the_totals_is_rejected(tmp_path: Path, line: str) -> None:
    path = tmp_path / "flows.csv"
    path.write_text(OF_16 + row() + line + "\n")
    assert [r["raw"] for r in read_all(path).rejects] == [line.encode()]


@pytest.mark.parametrize(("flags", "counts", "state", "status"), [
    ("......S.", "1,60,0,0", "S0", "failure"), (".....RS.", "2,100,0,0", "RSTOS0", "failure"), ("......SF", "2,100,0,0", "SH", "failure"),
    ("...A..S.", "9,900,0,0", "S1", "success"), ("...APRS.", "9,900,0,0", "RSTO", "failure"), ("...AP...", "9,900,0,0", "OTH", "unknown"),
    ("...A.R..", "1,40,0,0", None, "unknown"), ("........", "9,900,0,0", None, "unknown"), ("..UAPRSF", "1,40,0,0", "RSTO", "failure"),
    ("...AP.SF", "9,900,8,5000", "SF", "success"), ("...A.RS.", "1,60,1,40", None, "unknown"), ("...AP...", "9,900,8,5000", "OTH", "unknown"),
])  # fmt: skip
def test_states_where_the_flags_allow_one(
    events_of: Events, flags: str, counts: str, state: str | None, status: str
) -> None:
    event = events_of(OF_16 + row(flags=flags, counts=counts), "nfdump")[0]
    assert (event["conn_state"], event["status"]) == (state, status)


def test_paired_flows_have_an_answer_and_single_ones_do_not_deny_it(events_of: Events) -> None:
    paired, single = events_of(OF_16 + row(counts="12,3400,10,9000") + row(), "nfdump")
    assert (paired["packets_in"], paired["bytes_in"]) == (10, 9000)
    assert (single["packets_in"], single["bytes_in"]) == (None, None)


@pytest.mark.parametrize(("protocol", "ports", "expected"), [
    ("ICMP", "0,2048", ("icmp", 8, 0)), ("ICMP", "0,3.3", ("icmp", 3, 3)), ("ICMP6", "0,0", ("ipv6-icmp", 0, 0)), ("1", "0,771", ("icmp", 3, 3)),
    ("GRE", "0,0", ("gre", 0, 0)), ("47", "0,0", ("gre", 0, 0)), ("132", "5,6", ("sctp", 5, 6)), ("UDP", "5353,53", ("udp", 5353, 53)),
])  # fmt: skip
def test_protocols_and_ports(events_of: Events, protocol: str, ports: str, expected: tuple[str, int, int]) -> None:
    event = events_of(OF_16 + row(protocol, "........", ports), "nfdump")[0]
    assert (event["protocol"], event["src_port"], event["dst_port"]) == expected


def test_dropped_by_the_exporter_is_a_failure(events_of: Events) -> None:
    event = events_of(OF_16 + row(fwd="130"), "nfdump")[0]
    assert (event["status"], json.loads(event["extra"])["fwd"]) == ("failure", 130)


def test_what_is_seldom_set_is_kept_when_it_is(events_of: Events) -> None:
    rare = f"{_MAC},1-2-3,{_MPLS.removeprefix('0-0-0,')},    1.500,    0.000,    0.000"
    extra = json.loads(events_of(OF_16 + row(rare=rare, nh="192.0.2.9"), "nfdump")[0]["extra"])
    assert (extra["nh"], extra["mpls1"], extra["cl"]) == ("192.0.2.9", "1-2-3", "    1.500")
    assert "mpls2" not in extra
