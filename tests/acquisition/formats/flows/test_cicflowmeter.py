"""Lines written by hand after CIC-IDS-2017 and CSE-CIC-IDS-2018, with documentation addresses."""

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
OF_2018 = (
    "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,"
    "TotLen Bwd Pkts,Flow Byts/s,FIN Flag Cnt,SYN Flag Cnt,RST Flag Cnt,ACK Flag Cnt,Idle Min,Label\n"
)
OF_2017 = (
    "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration,"
    " Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets,Flow Bytes/s,"
    " Fwd Header Length, FIN Flag Count, SYN Flag Count, RST Flag Count, Fwd Header Length, Label\n"
)


def row_2018(stamp: str = "14/02/2018 08:31:01", protocol: int = 6, **of: object) -> str:
    value = {"duration": 2500000, "out": 5, "back": 4, "sent": 300, "got": 1234, "fin": 2, "syn": 2, "rst": 0, **of}
    return (
        f"192.0.2.10-198.51.100.5-50000-443-{protocol},192.0.2.10,50000,198.51.100.5,443,{protocol},{stamp},{value['duration']},"
        f"{value['out']},{value['back']},{value['sent']},{value['got']},613.6,{value['fin']},{value['syn']},{value['rst']},1,0,Benign\n"
    )


def test_2018(events_of: Events) -> None:
    event = events_of(OF_2018 + row_2018(), "cicflowmeter")[0]
    given = {key: value for key, value in event.items() if value is not None}
    extra = json.loads(given.pop("extra"))
    assert given == {
        "time": datetime(2018, 2, 14, 8, 31, 1), "class_uid": 4001, "activity": "traffic", "product": "cicflowmeter",
        "log_name": "flow", "src_ip": "192.0.2.10", "src_port": 50000, "dst_ip": "198.51.100.5", "dst_port": 443,
        "protocol": "tcp", "status": "success", "severity": "info", "session_uid": "192.0.2.10-198.51.100.5-50000-443-6",
        "duration": 2.5, "bytes_out": 300, "bytes_in": 1234, "packets_out": 5, "packets_in": 4, "conn_state": "SF",
        "source_offset": len(OF_2018), "source_length": len(row_2018()) - 1,
    }  # fmt: skip
    assert extra == {
        "Flow Byts/s": 613.6, "FIN Flag Cnt": 2, "SYN Flag Cnt": 2, "RST Flag Cnt": 0, "ACK Flag Cnt": 1, "Idle Min": 0, "Label": "Benign",
    }  # fmt: skip


def test_2017_with_blanks_before_the_names(events_of: Events) -> None:
    row = (
        "198.51.100.5-192.0.2.10-80-54865-6,198.51.100.5,80,192.0.2.10,54865,6,7/7/2017 3:30,3,2,0,12,0,Infinity,40,0,1,0,40,"
        "Web Attack \ufffd Brute Force\n"
    )
    text = OF_2017 + row
    assert recognise(text.encode()).name == "cicflowmeter"
    event = events_of(text, "cicflowmeter")[0]
    assert (event["time"], event["duration"], event["conn_state"]) == (datetime(2017, 7, 7, 3, 30), 3e-06, "S0")
    assert (event["status"], event["packets_in"], event["bytes_in"]) == ("failure", 0, 0)
    extra = json.loads(event["extra"])
    assert extra["Label"] == "Web Attack \ufffd Brute Force"
    assert (extra["Flow Bytes/s"], extra["Fwd Header Length"], extra["Fwd Header Length.1"]) == ("Infinity", 40, 40)


@pytest.mark.parametrize("header", [
    "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,Label",
    " Destination Port, Flow Duration, Total Fwd Packets, Total Backward Packets, Label",
    ",Flow ID,Src IP,Src Port,Label",
    '"Flow ID","Src IP","Src Port"',
])  # fmt: skip
def test_headers_of_the_published_sets(header: str) -> None:
    assert recognise(f"{header}\n".encode()).name == "cicflowmeter"


def test_the_published_2018_files_have_no_addresses(events_of: Events) -> None:
    text = "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,Label\n53,17,22/02/2018 12:27:57,1000,1,1,Benign\n"
    event = events_of(text, "cicflowmeter")[0]
    assert (event["src_ip"], event["dst_port"], event["protocol"], event["conn_state"]) == (None, 53, "udp", "SF")


@pytest.mark.parametrize(("stamp", "time"), [
    ("3/7/2017 8:55", datetime(2017, 7, 3, 8, 55)),
    ("03/07/2017 08:55:58", datetime(2017, 7, 3, 8, 55, 58)),
    ("2018-02-14 08:31:01", datetime(2018, 2, 14, 8, 31, 1)),
    ("2018-02-14 08:31:01.123456", datetime(2018, 2, 14, 8, 31, 1, 123456)),
    ("27/10/2020 01:37:57 PM", datetime(2020, 10, 27, 13, 37, 57)),
    ("7/7/2017 03:30:00", datetime(2017, 7, 7, 3, 30)),  # afternoon in the capture; the file does not say so
])  # fmt: skip
def test_dates_are_day_first(events_of: Events, stamp: str, time: datetime) -> None:
    event = events_of(OF_2018 + row_2018(stamp), "cicflowmeter")[0]
    assert event["time"] == time
    assert "time_source" not in json.loads(event["extra"])


@pytest.mark.parametrize("stamp", ["31/02/2018 08:31:01", "", "0", "infinity", "14/02/2018"])
def test_a_date_that_is_none_gives_the_time_of_the_file(events_of: Events, stamp: str) -> None:
    event = events_of(OF_2018 + row_2018(stamp), "cicflowmeter")[0]
    assert ("time_source" in json.loads(event["extra"])) is (stamp != "14/02/2018")


def test_the_zone_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text(OF_2018 + row_2018())
    result = read_all(path, settings=replace(SETTINGS, time_zone="America/Halifax"))
    assert result.events[0]["time"] == datetime(2018, 2, 14, 12, 31, 1)


@pytest.mark.parametrize(("of", "state", "status"), [
    ({"back": 0, "syn": 1, "fin": 0}, "S0", "failure"),
    ({"back": 0, "syn": 1, "fin": 0, "rst": 1}, "RSTOS0", "failure"),
    ({"back": 0, "syn": 1, "fin": 1}, "SH", "failure"),
    ({"out": 1, "back": 1, "sent": 0, "got": 0, "syn": 1, "fin": 0, "rst": 1}, "REJ", "failure"),
    ({"syn": 2, "fin": 0}, "S1", "success"),
    ({"syn": 0, "fin": 1}, None, "success"),
    ({"syn": 2, "fin": 2, "rst": 1}, None, "success"),
    ({"protocol": 17}, "SF", "success"),
    ({"protocol": 17, "back": 0}, "S0", "failure"),
    ({"protocol": 0}, None, "success"),
    ({"out": "x", "back": "y"}, None, "unknown"),
])  # fmt: skip
def test_states_where_the_flags_allow_one(
    events_of: Events, of: dict[str, Any], state: str | None, status: str
) -> None:
    event = events_of(OF_2018 + row_2018(**of), "cicflowmeter")[0]
    assert (event["conn_state"], event["status"]) == (state, status)


def test_a_negative_duration_is_none(events_of: Events) -> None:
    assert events_of(OF_2018 + row_2018(duration=-1), "cicflowmeter")[0]["duration"] is None
