from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
AT = "2020-09-04T13:12:33.123Z"
SHAPES: dict[str, Callable[[int, str, dict[str, Any]], dict[str, Any]]] = {
    "nxlog": lambda code, channel, data: {
        "EventTime": "2020-09-04T13:12:33.123+00:00", "Hostname": "W1", "Severity": "INFO", "EventID": code,
        "SourceName": "x", "Channel": channel, "Message": "Something happened.\r\n\r\nSubject:", **data},
    "winlogbeat": lambda code, channel, data: {
        "@timestamp": AT, "host": {"name": "w1"}, "log": {"level": "information"}, "message": "Something happened.\nSubject:",
        "winlog": {"event_id": str(code), "channel": channel, "computer_name": "W1", "event_data": data}},
    "evtx": lambda code, channel, data: {"Event": {
        "System": {"EventID": code, "Channel": channel, "Computer": "W1", "TimeCreated": {"#attributes": {"SystemTime": AT}}},
        "EventData": data}},
    "otrf": lambda code, channel, data: {
        "@timestamp": AT, "EventTime": "2020-09-04 09:12:33", "Hostname": "W1", "Channel": channel, "EventID": code, "host": "wec",
        **data},
}  # fmt: skip
NET = {"TargetUserName": "bob", "IpAddress": "::ffff:192.0.2.1", "IpPort": "5000", "LogonType": "3"}
CASES: list[tuple[int, str, dict[str, Any], dict[str, Any]]] = [
    (4624, "Security", NET, {"class_uid": 3002, "activity": "logon", "status": "success", "user_name": "bob", "src_ip": "192.0.2.1", "src_port": 5000}),
    (4625, "Security", {**NET, "IpAddress": "-", "IpPort": "0"}, {"class_uid": 3002, "activity": "logon", "status": "failure", "src_ip": None, "src_port": None}),
    (4634, "Security", {"TargetUserName": "bob"}, {"activity": "logoff", "status": "success"}),
    (4648, "Security", {**NET, "SubjectUserName": "al"}, {"activity": "explicit-logon", "user_name": "bob"}),
    (4672, "Security", {"SubjectUserName": "al"}, {"activity": "special-privileges", "user_name": "al"}),
    (4688, "Security", {"SubjectUserName": "al", "TargetUserName": "-", "NewProcessName": r"C:\Windows\cmd.exe", "CommandLine": "cmd /c x"},
     {"class_uid": 1007, "activity": "launch", "user_name": "al", "process": "cmd.exe", "message": "cmd /c x", "file_path": r"C:\Windows\cmd.exe"}),
    (4720, "Security", {"TargetUserName": "eve", "SubjectUserName": "al"}, {"activity": "account-create", "user_name": "eve", "status": "success"}),
    (4726, "Security", {"TargetUserName": "eve"}, {"activity": "account-delete"}),
    (4732, "Security", {"TargetUserName": "Administrators", "MemberName": "-", "MemberSid": "S-1-5-21-1"}, {"activity": "group-add", "user_name": "S-1-5-21-1"}),
    (4740, "Security", {"TargetUserName": "bob"}, {"activity": "account-lock"}),
    (4768, "Security", {**NET, "Status": "0x6"}, {"activity": "authenticate", "status": "failure", "service": "kerberos"}),
    (4769, "Security", {**NET, "Status": "0x0"}, {"activity": "ticket", "status": "success"}),
    (4771, "Security", {**NET, "Status": "0x18"}, {"activity": "authenticate", "status": "failure"}),
    (4776, "Security", {"TargetUserName": "bob", "Workstation": "W", "Status": "0xc000006a"}, {"activity": "authenticate", "status": "failure"}),
    (1102, "Security", {"SubjectUserName": "al"}, {"class_uid": 6000, "activity": "log-clear", "severity": "medium"}),
    (7045, "System", {"ServiceName": "x", "ImagePath": r"%TEMP%\x.exe"}, {"class_uid": 6000, "activity": "service-install", "file_path": r"%TEMP%\x.exe"}),
    (5140, "Security", {"SubjectUserName": "al", "IpAddress": "192.0.2.1", "ShareName": r"\\*\C$"}, {"class_uid": 4006, "activity": "share-access", "file_path": r"\\*\C$", "user_name": "al"}),
    (5145, "Security", {"IpAddress": "192.0.2.1", "ShareName": r"\\*\IPC$", "RelativeTargetName": "svcctl"}, {"class_uid": 4006, "file_path": r"\\*\IPC$\svcctl", "src_ip": "192.0.2.1"}),
    (1, "Microsoft-Windows-Sysmon/Operational", {"Image": r"C:\a.exe", "CommandLine": "a b", "User": r"D\u", "Hashes": "SHA1=" + "A" * 40 + ",MD5=" + "B" * 32},
     {"class_uid": 1007, "activity": "launch", "product": "sysmon", "user_name": r"D\u", "process": "a.exe", "file_hash": "a" * 40}),
    (3, "Microsoft-Windows-Sysmon/Operational", {"Image": r"C:\a.exe", "Protocol": "tcp", "SourceIp": "10.0.0.1", "SourcePort": "5", "DestinationIp": "192.0.2.9", "DestinationPort": "443"},
     {"class_uid": 4001, "src_ip": "10.0.0.1", "src_port": 5, "dst_ip": "192.0.2.9", "dst_port": 443, "protocol": "tcp"}),
    (11, "Microsoft-Windows-Sysmon/Operational", {"Image": r"C:\a.exe", "TargetFilename": r"C:\b.dll"}, {"class_uid": 1001, "activity": "create", "file_path": r"C:\b.dll"}),
    (22, "Microsoft-Windows-Sysmon/Operational", {"QueryName": "example.org", "QueryStatus": "9003"}, {"class_uid": 4003, "query_name": "example.org", "status": "failure", "service": "dns"}),
    (10000, "Application", {}, {"class_uid": 6000, "activity": "log", "status": "unknown"}),
    (4625, "Application", {}, {"class_uid": 6000, "activity": "log"}),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_meaning_in_every_shape(events_of: Events, shape: str) -> None:
    text = "".join(json.dumps(SHAPES[shape](code, channel, data)) + "\n" for code, channel, data, _ in CASES)
    events = events_of(text, "windows-json")
    for event, (code, _, data, expected) in zip(events, CASES, strict=True):
        assert ({key: event[key] for key in expected}, code) == (expected, code)
        assert (event["host"], event["time"]) == ("W1", datetime(2020, 9, 4, 13, 12, 33, 123000))
        assert all(json.dumps(value) in event["extra"] for value in data.values())


def test_local_times_and_failures(tmp_path: Path) -> None:
    record = {"EventTime": "2020-09-04 13:12:33", "Hostname": "DC1", "Keywords": -9218868437227405312, "EventID": 5145,
              "Channel": "Security", "Message": "x"}  # fmt: skip
    kind = FORMATS["windows-json"]
    records = kind.framing.cut(json.dumps(record).encode() + b"\n", 0, 1 << 20, final=True).records
    made = kind.normalise(records, {}, Origin("x", datetime(2026, 1, 1), "America/New_York")).events.to_pylist()[0]
    assert (made["time"], made["status"]) == (datetime(2020, 9, 4, 17, 12, 33), "failure")


def test_rejects_and_odd_values(tmp_path: Path) -> None:
    log = tmp_path / "x.json"
    log.write_text('[]\n{\n{"EventID":{"x":1},"Channel":[1],"winlog":5,"Event":"x","host":"a\\u0000b"}\n')
    result = read_all(log, as_format="windows-json")
    assert [r["reason"] for r in result.rejects] == ["JSON, but not an object", "not valid JSON"]
    assert json.loads(result.events[0]["extra"])["time_source"] == "file"


@pytest.mark.parametrize("shape", SHAPES)
def test_recognised(shape: str) -> None:
    head = "".join(json.dumps(SHAPES[shape](4624, "Security", NET)) + "\n" for _ in range(3)).encode()
    assert recognise(head).name == "windows-json"
    assert recognise(b'{"EventID":5}\n').name == "json"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)
RECORDS = st.dictionaries(
    st.sampled_from(
        ["EventID", "Channel", "EventTime", "Hashes", "IpAddress", "winlog", "Event", "host", "Keywords", "UtcTime"]
    ),
    VALUES,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(RECORDS.map(json.dumps), st.text(max_size=20)), max_size=5).map("\n".join))
def test_any_text_is_as_many_rows_as_lines(text: str) -> None:
    kind = FORMATS["windows-json"]
    records = kind.framing.cut(text.encode("utf-8", "surrogatepass"), 0, 1 << 20, final=True).records
    made = kind.normalise(records, {}, Origin("x", datetime(2026, 1, 1)))
    assert made.events.num_rows + made.rejects.num_rows == records.num_rows
    assert not [r for r in made.rejects["reason"].to_pylist() if "cannot be normalised" in r]
