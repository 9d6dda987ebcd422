from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes"
    "\tconn_state\thistory\torig_pkts\tresp_pkts\tlocal_orig\ttunnel_parents\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tstring\tcount\tcount\tbool\tset[string]\n"
)
ROW = "1517336042.090842\tCi8\t10.0.0.1\t14291\t192.0.2.5\t80\ttcp\thttp\t3.5\t10\t20\tSF\tShA\t2\t3\tT\t(empty)\n"


def test_conn_columns(events_of: Events) -> None:
    event = events_of(HEAD + ROW + "#close\t2020\n", "zeek-tsv")[0]
    expected = {
        "time": datetime(2018, 1, 30, 18, 14, 2, 90842), "class_uid": 4001, "product": "zeek", "log_name": "conn",
        "session_uid": "Ci8", "src_ip": "10.0.0.1", "src_port": 14291, "dst_ip": "192.0.2.5", "dst_port": 80, "protocol": "tcp",
        "service": "http", "duration": 3.5, "bytes_out": 10, "bytes_in": 20, "conn_state": "SF", "packets_out": 2,
        "packets_in": 3, "status": "success", "severity": "info", "source_offset": len(HEAD), "source_length": len(ROW) - 1,
    }  # fmt: skip
    assert {key: event[key] for key in expected} == expected
    assert json.loads(event["extra"]) == {"history": "ShA", "local_orig": True, "tunnel_parents": []}


def test_fields_may_change_within_a_file(events_of: Events) -> None:
    other = "#path\tdns\n#fields\tts\tquery\tid.orig_h\n1517336043\texample.org\t10.0.0.2\n"
    events = events_of(HEAD + ROW + other + HEAD + ROW, "zeek-tsv")
    assert [(e["log_name"], e["src_ip"]) for e in events] == [
        ("conn", "10.0.0.1"),
        ("dns", "10.0.0.2"),
        ("conn", "10.0.0.1"),
    ]
    assert events[1]["query_name"] == "example.org"


def test_header_is_carried_to_the_next_reading(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.write_text(HEAD)
    first = read_all(log, final=False)
    with log.open("a") as out:
        out.write(ROW)
    second = read_all(log, [first.state], final=False)
    assert [e["session_uid"] for e in second.events] == ["Ci8"]


def test_wrong_field_count_and_missing_header_are_rejected(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.write_text(ROW + HEAD + ROW + "a\tb\n")
    result = read_all(log)
    assert [r["reason"] for r in result.rejects] == [
        "no #fields line before this record",
        "2 fields where #fields names 17",
    ]
    assert result.state.records_stored == 1


def test_a_separator_at_the_end_of_a_line_is_no_field(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.write_text(HEAD + ROW.rstrip("\n") + "\t\n" + ROW.rstrip("\n") + "\tx\n" + ROW.rstrip("\n") + "\t\t\n")
    result = read_all(log)
    assert [e["session_uid"] for e in result.events] == ["Ci8"]
    assert [r["reason"] for r in result.rejects] == [
        "18 fields where #fields names 17",
        "19 fields where #fields names 17",
    ]


@pytest.mark.parametrize("name", ["x'; DROP TABLE lines; --", "$n1", 'a"b', "}})", "ts", "AA", "aa"])
def test_field_names_of_a_file_are_data_never_sql(events_of: Events, name: str) -> None:
    text = f"#fields\tts\t{name}\tAa\n#path\tx'); SELECT 1; --\n1517336042.0\tvalue\tz\n"
    event = events_of(text, "zeek-tsv")[0]
    assert event["log_name"] == "x'); SELECT 1; --"
    if name != "ts":
        assert json.loads(event["extra"])[name] == "value"


def test_hostile_values(events_of: Events) -> None:
    row = (
        ROW.replace("14291", "99999999999")
        .replace("3.5", "nan")
        .replace("1517336042.090842", "1e300")
        .replace("\t10\t", "\t-5e999\t")
    )
    event = events_of(HEAD + row, "zeek-tsv")[0]
    assert (event["src_port"], event["bytes_out"]) == (None, None)
    assert event["time"] is not None
    assert json.loads(event["extra"])["time_source"] == "file"


def test_json_kind_is_told_by_the_record(events_of: Events) -> None:
    records = [
        {"ts": 1.5, "uid": "C1", "id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.2", "proto": "tcp", "conn_state": "REJ"},
        {
            "ts": "2018-03-24T17:15:20.865716Z",
            "_path": "dns",
            "query": "a.b",
            "qtype_name": "A",
            "rcode_name": "NXDOMAIN",
        },
        {
            "ts": 2,
            "uid": "C2",
            "id_orig_h": "10.0.0.3",
            "id_orig_p": 5,
            "method": "GET",
            "uri": "/x?y",
            "host": "h",
            "status_code": 404,
        },
        {"@stream": "ssh", "@system": "sensor1", "ts": 3, "auth_success": False, "client": "SSH-2.0-x"},
        {"ts": 4, "note": "Scan::Port_Scan", "msg": "m", "src": "192.0.2.1"},
        {"ts": 5, "name": "bad_thing", "notice": False, "peer": "zeek"},
        {"ts": 6, "_path": "new_log", "answer": 42},
    ]
    text = "".join(json.dumps(r) + "\n" for r in records)
    assert recognise(text.encode()).name == "zeek-json"
    events = events_of(text, "zeek-json")
    assert [e["log_name"] for e in events] == ["conn", "dns", "http", "ssh", "notice", "weird", "new_log"]
    assert [e["status"] for e in events] == [
        "failure",
        "failure",
        "failure",
        "failure",
        "unknown",
        "unknown",
        "unknown",
    ]
    assert [e["severity"] for e in events] == ["info", "info", "info", "info", "medium", "low", "info"]
    assert (events[2]["src_ip"], events[2]["url_path"], events[2]["url_query"]) == ("10.0.0.3", "/x", "y")
    assert (events[3]["host"], events[4]["src_ip"], events[4]["rule_id"]) == ("sensor1", "192.0.2.1", "Scan::Port_Scan")
    assert (events[6]["class_uid"], json.loads(events[6]["extra"])) == (6000, {"answer": 42})


def test_json_that_is_none_is_rejected(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    deep = '{"ts":1,"x":' + "[" * 20000 + "]" * 20000 + "}"
    log.write_text(
        '{"ts":1,"uid":"C"}\n{"ts":1,"ui\n[1]\nnull\n{"a":"\\ud800"}\n{"ts":1,"uid":"x\x00"}\n' + deep + "\n"
    )
    result = read_all(log, as_format="zeek-json")
    assert [r["reason"] for r in result.rejects] == [
        "not valid JSON", "JSON, but not an object", "JSON, but not an object", "not valid JSON", "not valid JSON",
    ]  # fmt: skip
    assert result.state.records_stored == 2


def comparable(event: dict[str, Any]) -> dict[str, Any]:
    extra = json.loads(event["extra"] or "{}")
    extra.pop("_write_ts", None)
    if event["time"].year == 2026:  # loaded_scripts has no time: it is that of the file
        event = {**event, "time": None}
    return {k: simple(v) for k, v in event.items() if not k.startswith("source_")} | {
        "extra": {k: simple(v) for k, v in extra.items()}
    }


def simple(value: Any) -> Any:
    if value == [""]:
        return []  # Zeek writes a set of one empty text and an empty set alike in TSV
    if isinstance(value, list):
        return [simple(v) for v in value]
    if isinstance(value, str) and len(value) == 27 and value.endswith("Z"):
        return simple(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())
    return round(value, 2) if isinstance(value, float) and math.isfinite(value) else value


ZED = {
    "capture_loss": 3, "dce_rpc": 78, "dpd": 77, "ftp": 93, "kerberos": 11, "known_certs": 35, "known_hosts": 253,
    "known_services": 1579, "ldap_search": 1, "loaded_scripts": 512, "modbus": 268, "notice": 207, "ntlm": 422,
    "ntp": 904, "ocsp": 1308, "packet_filter": 1, "pe": 21, "rdp": 4122, "rfb": 3, "smb_files": 13, "smb_mapping": 393,
    "smtp": 1188, "snmp": 65, "software": 376, "ssh": 22, "stats": 6, "syslog": 2378, "x509": 348,
}  # fmt: skip


@pytest.mark.parametrize(("log", "count"), ZED.items(), ids=list(ZED))
def test_tsv_and_json_of_the_same_traffic_give_the_same_events(shared_data: Path, log: str, count: int) -> None:
    folder = shared_data / "sensor/zed-sample-data"
    tsv, as_json = read_all(folder / f"zeek-default/{log}.log.gz"), read_all(folder / f"zeek-json/{log}.json.gz")
    assert (tsv.state.format, as_json.state.format) == ("zeek-tsv", "zeek-json")
    assert tsv.rejects == as_json.rejects == []
    assert len(tsv.events) == len(as_json.events) == count
    for left, right in zip(tsv.events, as_json.events, strict=True):
        assert comparable(left) == comparable(right)


@pytest.mark.campaign
@pytest.mark.parametrize(("log", "count"), [("analyzer", 16461), ("dns", 53615), ("ssl", 49474), ("weird", 24202)])
def test_large_logs_in_both_formats(shared_data: Path, log: str, count: int) -> None:
    folder = shared_data / "sensor/zed-sample-data"
    tsv, as_json = read_all(folder / f"zeek-default/{log}.log.gz"), read_all(folder / f"zeek-json/{log}.json.gz")
    assert tsv.rejects == as_json.rejects == []
    assert len(tsv.events) == len(as_json.events) == count
    columns = [c for c in tsv.events[0] if not c.startswith("source_") and c != "extra"]
    ordered = [sorted(tuple(str(e[c]) for c in columns) for e in side) for side in (tsv.events, as_json.events)]
    assert ordered[0] == ordered[1]  # a few lines of the two files stand in another order
    assert {e["log_name"] for e in tsv.events} == {log}


# Records and rejects of every capture. RITA's are hourly files of three days, in TSV and JSON, among them logs that
# Zeek did not write (conn-summary) and truncated ones.
CAPTURES = {
    "zat": (17204, 0), "otrf-apt29": (5976, 0), "stratosphere-testing": (0, 0), "rita": (0, 0),
}  # fmt: skip


@pytest.mark.parametrize("day", ["day1", "day2"])
def test_apt29_combined_logs(shared_data: Path, day: str) -> None:
    path = shared_data / f"sensor/otrf-apt29/{day}/combined_zeek.log"
    result = read_all(path)
    raw = path.read_bytes().splitlines()
    assert result.state.format == "zeek-json"
    assert (result.state.records_stored, result.state.records_rejected) == (len(raw), 0)
    for event, line in zip(result.events[::50], raw[::50], strict=True):
        record = json.loads(line)
        assert (event["log_name"], event["host"]) == (record["@stream"], record["@system"])
        assert event["src_ip"] == record.get("id_orig_h", event["src_ip"])


def test_truncated_logs_of_rita(shared_data: Path) -> None:
    folder = shared_data / "sensor/rita"
    cut = read_all(folder / "truncated/conn.log")
    assert (cut.state.records_stored, cut.state.records_rejected, cut.state.pending_bytes) == (58, 0, 86)
    cut = read_all(folder / "truncated/conn_json.log")
    assert (cut.state.records_stored, cut.state.records_rejected, cut.state.pending_bytes) == (3, 0, 281)
    assert read_all(folder / "truncated/conn_top.log").state.format == "text"
    assert read_all(folder / "text_file/conn.log").state.format == "text"


def test_every_log_of_zat_exactly(shared_data: Path) -> None:
    for path in sorted((shared_data / "sensor/zat").rglob("*.log")):  # 38 small logs of 20 kinds
        result = read_all(path)
        records = [line for line in path.read_bytes().splitlines() if line and not line.startswith(b"#")]
        assert (result.state.records_stored, result.state.records_rejected) == (len(records), 0), path
        assert result.state.format == ("zeek-json" if path.parent.name == "json" else "zeek-tsv"), path


def test_log_without_path_is_named_by_its_file(shared_data: Path) -> None:
    result = read_all(shared_data / "sensor/zat/intel_example.intel")
    assert {(e["log_name"], e["class_uid"]) for e in result.events} == {("intel_example", 6000)}
    assert json.loads(result.events[0]["extra"])["indicator"] == "0-de-franchise.ca"
