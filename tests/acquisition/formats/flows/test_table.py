"""What every flow table promises: headers, counts, hostile names and values, recognition, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, recognise
from soc_tui.acquisition.formats.base import Origin
from soc_tui.acquisition.formats.flows import FORMATS as FLOWS
from soc_tui.acquisition.formats.flows.table import FlowTable
from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import LINES
from tests.acquisition.conftest import CLOCK, read_all

Events = Callable[..., list[dict[str, Any]]]
HEADERS = {
    "cicflowmeter": "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Idle Min,Label",
    "nfdump": "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt,sas,nh,mpls1",
    "argus": "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,TotPkts,TotBytes,SrcBytes,Label",
    "aws-vpc": "version vpc-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
}
ROWS = {
    "cicflowmeter": "a-b,192.0.2.1,5,198.51.100.2,80,6,14/02/2018 08:31:01,1000000,0.5,Benign",
    "nfdump": "2018-11-19 03:50:01,2018-11-19 03:50:03,2.500,192.0.2.1,198.51.100.2,5,80,TCP,......S.,1,60,7,192.0.2.9,0-0-0",
    "argus": "2011/08/10 09:46:59.607825,1.0,tcp,192.0.2.1,5,   ->,198.51.100.2,80,S_RA,0,4,276,156,flow=From-Botnet",
    "aws-vpc": "3 vpc-1 192.0.2.1 198.51.100.2 5 80 6 20 4249 1418530010 1418530070 ACCEPT OK",
}  # fmt: skip
OTHERS = (
    "Mar 27 13:06:56 web1 sshd[1]: Failed password for root from 203.0.113.1 port 40 ssh2",
    '192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /?Flow ID,Src IP HTTP/1.0" 200 5 "-" "x"',
    "#fields\tts\tuid\tsrcaddr",
    '{"ts": 1.5, "uid": "C", "srcaddr": "ts,te,td,sa"}',
    "StartTime and SrcAddr, DstAddr in a sentence of 3 words",
    "the source port and srcaddr of a flow",
    "ts,te",
    "id,name,value",
)


@pytest.mark.parametrize("name", HEADERS)
def test_recognised_by_its_header_alone(name: str) -> None:
    assert recognise(f"{HEADERS[name]}\n{ROWS[name]}\n".encode()).name == name
    assert recognise(f"\ufeff{HEADERS[name]}\r\n{ROWS[name]}\r\n".encode()).name == name


@pytest.mark.parametrize("line", OTHERS)
def test_other_files_are_left_to_other_formats(line: str) -> None:
    assert recognise((line + "\n").encode() * 5).name not in HEADERS


@pytest.mark.parametrize("name", HEADERS)
def test_both_ends_and_the_class(events_of: Events, name: str) -> None:
    event = events_of(f"{HEADERS[name]}\n{ROWS[name]}\n", name)[0]
    expected = {
        "class_uid": 4001, "activity": "traffic", "log_name": "flow", "product": name, "severity": "info", "protocol": "tcp",
        "src_ip": "192.0.2.1", "src_port": 5, "dst_ip": "198.51.100.2", "dst_port": 80,
        "source_offset": len(HEADERS[name]) + 1, "source_length": len(ROWS[name]),
    }  # fmt: skip
    assert {key: event[key] for key in expected} == expected


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_comes_again_and_may_change(tmp_path: Path, name: str) -> None:
    separator = " " if name == "aws-vpc" else ","
    turned = [separator.join(reversed(line.split(separator))) for line in (HEADERS[name], ROWS[name])]
    if name in {"cicflowmeter", "nfdump"}:  # these tools have one order
        turned = [HEADERS[name] + ",more", ROWS[name] + ",1"]
    path = tmp_path / "x.csv"
    short = separator.join(ROWS[name].split(separator)[:-2])
    path.write_text("\n".join([ROWS[name], HEADERS[name], ROWS[name], short, *turned, turned[1]]) + "\n")
    result = read_all(path, as_format=name)
    assert [e["src_ip"] for e in result.events] == ["192.0.2.1"] * 3
    count = len(HEADERS[name].split(separator))
    first = "13 fields where the header names 14" if name == "aws-vpc" else "no header line before this record"
    assert [r["reason"] for r in result.rejects] == [first, f"{count - 2} fields where the header names {count}"]


@pytest.mark.parametrize("name", HEADERS)
def test_the_header_is_carried_to_the_next_reading(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEADERS[name] + "\n")
    first = read_all(path, final=False)
    assert (first.state.format, first.state.records_read) == (name, 0)
    with path.open("a") as out:
        out.write(ROWS[name] + "\n")
    second = read_all(path, [first.state], final=False)
    assert [e["src_ip"] for e in second.events] == ["192.0.2.1"]


@pytest.mark.parametrize(
    "field", ["x'; DROP TABLE lines; --", "$n1", "a\\b", "}})", "label", "LABEL", "\U0001f600", "\x00"]
)
def test_names_in_a_header_are_data_never_sql(events_of: Events, field: str) -> None:
    text = f"{HEADERS['cicflowmeter']},{field}\n{ROWS['cicflowmeter']},value\n"
    extra = json.loads(events_of(text, "cicflowmeter")[0]["extra"])
    assert extra[field] == "value"
    assert extra["Label"] == "Benign"


def test_the_same_name_twice_is_numbered(events_of: Events) -> None:
    text = "Flow ID,Src IP,Fwd Header Length,Fwd Header Length\nx,192.0.2.1,1,2\n"
    assert json.loads(events_of(text, "cicflowmeter")[0]["extra"]) == {
        "Fwd Header Length": 1, "Fwd Header Length.1": 2, "time_source": "file",
    }  # fmt: skip


def test_more_columns_than_any_tool_writes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Flow ID," + ",".join(f"c{n}" for n in range(600)) + "\n" + "1,2\n")
    assert [r["reason"] for r in read_all(path).rejects] == ["the header names over 512 columns"]


HOSTILE = ["", "-1", "99999999999999999999", "1e999", "nan", "Infinity", "' OR 1=1 --", '"', '"x,y"', "\\", "\u202egpj", "\x00", "\x1f",
           "0x", "::1", "1.2.3.4.5", "A" * 3000, "2018-13-45 99:99:99", "31/02/2018 10:00:00", "infinity", "-", "0", "01", "é"]  # fmt: skip


def lines_of(texts: list[str]) -> pa.Table:
    return pa.table(
        [pa.array(range(len(texts)), pa.int64()), pa.array([1] * len(texts), pa.int32()), pa.array(texts, pa.large_string())],
        schema=LINES,
    )  # fmt: skip


@pytest.mark.parametrize("one", FLOWS, ids=lambda one: one.name)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_fields_hold_no_record_is_lost(one: FlowTable, data: st.DataObject) -> None:
    names = HEADERS[one.name].split(one.separator)
    values = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
    rows = data.draw(st.lists(st.lists(values, min_size=len(names) - 1, max_size=len(names)), min_size=1, max_size=6))
    texts = [HEADERS[one.name], *(one.separator.join(row) for row in rows)]
    made = one.normalise(lines_of(texts), {}, Origin("x", naive_utc(CLOCK.now())))
    assert made.header["fields"] == names
    assert made.events.num_rows + made.rejects.num_rows <= len(rows)  # a drawn row may be a header by chance
    for event in made.events.to_pylist():
        assert event["time"] is not None
        assert json.loads(event["extra"] or "{}") is not None
        assert event["status"] in {"success", "failure", "unknown"}


@pytest.mark.parametrize("one", FLOWS, ids=lambda one: one.name)
def test_hostile_values_leave_valid_json_and_typed_columns(one: FlowTable) -> None:
    names = HEADERS[one.name].split(one.separator)
    good = ROWS[one.name].split(one.separator)[: len(names)]
    if len(good) < len(names):  # the date of these rows holds a blank
        good = ROWS[one.name].split(one.separator)
    rows = [[*good[:at], value, *good[at + 1 :]] for at in range(len(names)) for value in HOSTILE]
    rows = [row for row in rows if not any(one.separator in value for value in row)]
    texts = [HEADERS[one.name], *(one.separator.join(row) for row in rows)]
    made = one.normalise(lines_of(texts), {}, Origin("x", naive_utc(CLOCK.now())))
    assert made.events.num_rows + made.rejects.num_rows == len(rows)
    for event in made.events.to_pylist():
        json.loads(event["extra"] or "{}")
        assert event["src_ip"] in {"192.0.2.1", "::1", None}
        assert event["dst_ip"] in {"198.51.100.2", "::1", None}


def test_the_quick_way_and_the_careful_way_agree() -> None:
    """``extra`` of an ordinary line does not depend on which of the three expressions made it."""
    for one in FLOWS:
        assert isinstance(one, FlowTable)
        lines = [HEADERS[one.name], ROWS[one.name]]
        quick = one.normalise(lines_of(lines), {}, Origin("x", naive_utc(CLOCK.now()))).events["extra"][0].as_py()
        sql = type(one)._rest
        try:
            type(one)._rest = lambda self, others: f"concat_ws(',', {', '.join(o.careful for o in others)})"
            careful = one.normalise(lines_of(lines), {}, Origin("x", naive_utc(CLOCK.now()))).events["extra"][0].as_py()
        finally:
            type(one)._rest = sql
        assert quick == careful


def test_names_are_the_registered_ones() -> None:
    assert [one.name for one in FLOWS] == list(HEADERS)
    assert {*HEADERS} <= {*FORMATS}
