"""Lines written by hand after ``ra -c ,`` and the CTU-13 ``binetflow`` files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise

Events = Callable[..., list[dict[str, Any]]]
HEADER = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"


def row(state: str = "SRPA_FSPA", arrow: str = "   ->", proto: str = "tcp", ports: tuple[str, str] = ("1577", "6881"),
        counts: str = "4,276,156") -> str:  # fmt: skip
    return f"2011/08/10 09:46:59.607825,1.026539,{proto},192.0.2.84,{ports[0]},{arrow},198.51.100.59,{ports[1]},{state},0,,{counts},flow=Background\n"


def test_binetflow(events_of: Events) -> None:
    event = events_of(HEADER + row("S_RA"), "argus")[0]
    given = {key: value for key, value in event.items() if value is not None}
    extra = json.loads(given.pop("extra"))
    assert given == {
        "time": datetime(2011, 8, 10, 9, 46, 59, 607825), "class_uid": 4001, "activity": "traffic", "product": "argus",
        "log_name": "flow", "src_ip": "192.0.2.84", "src_port": 1577, "dst_ip": "198.51.100.59", "dst_port": 6881,
        "protocol": "tcp", "status": "failure", "severity": "info", "duration": 1.026539, "bytes_out": 156, "bytes_in": 120,
        "conn_state": "REJ", "source_offset": len(HEADER), "source_length": len(row("S_RA")) - 1,
    }  # fmt: skip
    assert extra == {"sTos": 0, "Label": "flow=Background", "Dir": "->", "State": "S_RA", "TotPkts": 4}


@pytest.mark.parametrize("arrow", ["   ->", "  <->", "  <-", "  ?>", "  <?>", " who", "  <?"])
def test_no_arrow_swaps_the_ends(events_of: Events, arrow: str) -> None:
    """``<-`` says that the other side began; the record's own order stays, and ``extra`` says so."""
    event = events_of(HEADER + row(arrow=arrow), "argus")[0]
    assert (event["src_ip"], event["src_port"], event["dst_ip"], event["dst_port"]) == (
        "192.0.2.84",
        1577,
        "198.51.100.59",
        6881,
    )
    assert json.loads(event["extra"])["Dir"] == arrow.strip()
    assert (event["bytes_out"], event["bytes_in"]) == (156, 120)


@pytest.mark.parametrize(("proto", "state", "expected", "status"), [
    ("tcp", "S_", "S0", "failure"), ("tcp", "S_RA", "REJ", "failure"), ("tcp", "SR_", "RSTOS0", "failure"),
    ("tcp", "SF_", "SH", "failure"), ("tcp", "SR_SA", "RSTO", "failure"), ("tcp", "SPA_SRPA", "RSTR", "failure"),
    ("tcp", "FSPA_FSPA", "SF", "success"), ("tcp", "FSPA_SPA", "S2", "success"), ("tcp", "SPA_FSPA", "S3", "success"),
    ("tcp", "SPA_SPA", "S1", "success"), ("tcp", "_SA", "OTH", "unknown"), ("tcp", "_SRA", "RSTRH", "failure"),
    ("tcp", "_FSA", "SHR", "failure"), ("tcp", "FPA_FPA", "OTH", "unknown"), ("tcp", "S_A", "OTH", "unknown"),
    ("tcp", "CON", "S1", "success"), ("tcp", "REQ", "S0", "failure"), ("tcp", "RST", None, "unknown"), ("tcp", "FIN", "SF", "success"),
    ("udp", "CON", "SF", "success"), ("udp", "INT", "S0", "failure"), ("udp", "RSP", None, "unknown"),
    ("icmp", "ECO", "SF", "success"), ("icmp", "URP", None, "unknown"), ("rtp", "", None, "unknown"),
])  # fmt: skip
def test_states(events_of: Events, proto: str, state: str, expected: str | None, status: str) -> None:
    event = events_of(HEADER + row(state, proto=proto), "argus")[0]
    assert (event["conn_state"], event["status"], event["protocol"]) == (expected, status, proto)


@pytest.mark.parametrize(("ports", "numbers", "kept"), [
    (("0x0008", "0x0303"), (8, 771), {}), (("", ""), (None, None), {}), (("1025", "domain"), (1025, None), {"Dport": "domain"}),
    (("70000", "-1"), (None, None), {"Sport": "70000", "Dport": "-1"}), (("0xffff", " 53 "), (65535, 53), {}),
])  # fmt: skip
def test_ports(
    events_of: Events, ports: tuple[str, str], numbers: tuple[int | None, ...], kept: dict[str, str]
) -> None:
    event = events_of(HEADER + row(ports=ports), "argus")[0]
    assert (event["src_port"], event["dst_port"]) == numbers
    extra = json.loads(event["extra"])
    assert {key: extra[key] for key in ("Sport", "Dport") if key in extra} == kept


def test_packets_are_divided_only_where_that_is_certain(events_of: Events) -> None:
    both, one = events_of(HEADER + row(counts="4,276,156") + row("INT", proto="udp", counts="3,180,180"), "argus")
    assert (both["packets_out"], both["packets_in"]) == (None, None)
    assert (one["packets_out"], one["packets_in"], one["bytes_in"]) == (3, 0, 0)


def test_other_columns_of_ra(events_of: Events) -> None:
    text = (
        "StartTime,Flgs,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,SrcPkts,DstPkts,SrcBytes,DstBytes,State,srcUdata\n"
        "1312969619.607825, e  g     ,6,192.0.2.1,1,  <->,198.51.100.2,22,7,8,700,800,CON,s[4]=SSH-\n"
    )
    assert recognise(text.encode()).name == "argus"
    event = events_of(text, "argus")[0]
    assert event["time"] == datetime(2011, 8, 10, 9, 46, 59, 607825)
    assert (event["packets_out"], event["packets_in"], event["bytes_out"], event["bytes_in"]) == (7, 8, 700, 800)
    assert (event["protocol"], json.loads(event["extra"])["srcUdata"]) == ("tcp", "s[4]=SSH-")


def test_a_clock_without_a_date_gives_the_time_of_the_file(events_of: Events) -> None:
    event = events_of(HEADER + row().replace("2011/08/10 ", ""), "argus")[0]
    assert json.loads(event["extra"])["time_source"] == "file"


def test_hardware_addresses_stay_text(events_of: Events) -> None:
    text = HEADER + row(proto="arp", state="INT").replace("192.0.2.84", "00:15:17:2c:e5:2d").replace(
        "198.51.100.59", "00:21:9b:2e:4f:10"
    )
    event = events_of(text, "argus")[0]
    assert (event["src_ip"], event["dst_ip"], event["protocol"]) == (None, None, "arp")
    extra = json.loads(event["extra"])
    assert (extra["SrcAddr"], extra["DstAddr"]) == ("00:15:17:2c:e5:2d", "00:21:9b:2e:4f:10")
