"""Comma-separated indicators: MISP's export, abuse.ch's, and a column that the user names."""

from collections.abc import Callable
from typing import Any

import pytest

from soc_tui.core.errors import SourceError, UsageError

Read = Callable[..., Any]
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def test_misp_export(read: Read) -> None:
    parsed = read(
        "uuid,event_id,category,type,value,comment,to_ids,date\n"
        '1,1,Network,ip-dst,203.0.113.5,"first, c2",1,20260101\n'
        f"1,1,Payload,filename|md5,evil.exe|{MD5},c,1,20260101\n"
        "1,1,Payload,filename,evil.exe,c,1,20260101\n"
        "1,1,Network,domain|ip,bad.example|203.0.113.6,c,1,20260101\n"
        "1,1,Network,domain,good.example,c,0,20260101\n"
        "1,1,Network,ip-dst,nonsense,c,1,20260101\n"
    )
    assert (parsed.format, parsed.records, parsed.rejected, parsed.skipped) == ("csv", 6, 1, 2)
    found = [(r["kind"], r["value"], r["description"]) for r in parsed.indicators.to_pylist()]
    assert found == [
        ("ip", "203.0.113.5", "first, c2"),
        ("hash", MD5, "c"),
        ("domain", "bad.example", "c"),
        ("ip", "203.0.113.6", "c"),
    ]


def test_a_header_in_a_comment_as_abuse_ch_writes_it(read: Read) -> None:
    parsed = read(
        '################\n# ThreatFox\n# "first_seen_utc","ioc_id","ioc_value","ioc_type","malware_printable"\n'
        '"2026-01-01", "1", "203.0.113.5:443", "ip:port", "Cobalt Strike"\n'
        '"2026-01-01", "2", "http://bad.example/a", "url", "X"\n#end\n'
    )
    found = [(r["kind"], r["value"], r["description"]) for r in parsed.indicators.to_pylist()]
    assert found == [("ip", "203.0.113.5", "Cobalt Strike"), ("url", "bad.example/a", "X")]


def test_severity_and_expiry(read: Read) -> None:
    parsed = read(
        "ip,severity,valid_until\n203.0.113.5,HIGH,2027-01-01T00:00:00Z\n203.0.113.6,x,2026-01-01\n203.0.113.7,,\n"
    )
    rows = parsed.indicators.to_pylist()
    assert [(r["value"], r["severity"], str(r["valid_until"])) for r in rows] == [
        ("203.0.113.5", "high", "2027-01-01 00:00:00"), ("203.0.113.7", None, "None"),
    ]  # fmt: skip
    assert parsed.skipped == 1


def test_a_named_column(read: Read, pairs: Any) -> None:
    text = "Name,Bad Thing\nx,203.0.113.5\ny,\n"
    parsed = read(text, column="bad thing")
    assert pairs(parsed) == [("ip", "203.0.113.5")]
    assert (parsed.records, parsed.rejected) == (2, 1)
    with pytest.raises(UsageError, match="no column 'none'"):
        read(text, column="none")
    with pytest.raises(SourceError, match="no column of the header"):
        read(text, "csv")


@pytest.mark.parametrize("row", ['"unclosed,x', "\x00\x1b[2J,1", "," * 5000, "x" * 70_000, '""""""', "\ufffd"])
def test_hostile_rows_are_accounted_for(read: Read, row: str) -> None:
    parsed = read(f"value,comment\n{row}\n203.0.113.5,x\n", "csv")
    assert parsed.records == 2
    assert parsed.rejected == 1
    assert parsed.indicators["value"].to_pylist() == ["203.0.113.5"]
