from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.encoding import flow
from soc_tui.analysis.encoding.flow_records import seconds, table_of

ZEEK = {"ts": 1000.0, "id.orig_h": "192.0.2.1", "id.resp_h": "192.0.2.2", "id.resp_p": 23, "proto": "tcp", "orig_pkts": 3,
        "orig_bytes": 10, "conn_state": "S0"}  # fmt: skip
OURS = {"time": "1970-01-01T00:16:40Z", "src_ip": "192.0.2.1", "dst_ip": "192.0.2.2", "dst_port": 23, "protocol": "tcp",
        "packets_out": 3, "bytes_out": 10, "conn_state": "S0"}  # fmt: skip
SURICATA = {"src_ip": "192.0.2.1", "dest_ip": "192.0.2.2", "dest_port": 23, "proto": "tcp",
            "flow": {"pkts_toserver": 3, "bytes_toserver": 10, "state": "S0", "start": "1970-01-01T00:16:40.000000+0000"}}  # fmt: skip


def _row(record: dict[str, Any]) -> dict[str, Any]:
    table, refused = table_of([json.dumps(record)])
    assert refused == {}
    return table.to_pylist()[0]


def test_three_products_names_mean_the_same() -> None:
    assert _row(ZEEK) == _row(OURS) == _row(SURICATA)
    assert (_row(ZEEK)["dst_port"], _row(ZEEK)["src_flows"], _row(ZEEK)["pair_gap"]) == (23, 1, None)


def test_lines_with_times_are_one_log() -> None:
    lines = [json.dumps({**ZEEK, "ts": 1000.0 + i, "id.resp_h": f"192.0.2.{i}"}) for i in range(5)]
    table, _ = table_of(lines)
    assert table["src_hosts"].to_pylist() == [1, 2, 3, 4, 5]
    assert table["src_failed"].to_pylist() == [1, 2, 3, 4, 5]


def test_a_record_without_a_time_has_no_context_and_its_own_context_stands() -> None:
    bare = {k: v for k, v in ZEEK.items() if k != "ts"}
    assert _row(bare)["src_flows"] is None
    assert _row({**ZEEK, "src_flows": 700})["src_flows"] == 700
    assert _row({**ZEEK, "src_flows": 700})["dst_flows"] is None


def test_lines_that_are_no_record_are_refused_in_place() -> None:
    table, refused = table_of(["x", json.dumps(ZEEK), "[]", "{}", '{"a": 1}', "[" * 100_000, "null"])
    assert table.num_rows == 7
    assert sorted(refused) == [0, 2, 3, 4, 5, 6]
    assert refused[0] == "is no JSON object of a flow record"
    assert "no column of a flow record" in refused[4]
    assert table["dst_port"].to_pylist() == [None, 23, None, None, None, None, None]
    assert table_of([])[0].num_rows == 0


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["start", "end", "state"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from([*ZEEK, *OURS, "flow", "src_flows", "timestamp"]), _ANYTHING), max_size=4)
)
def test_nothing_in_a_record_stops_it(records: list[dict[str, Any]]) -> None:
    table, _ = table_of([json.dumps(record) for record in records])
    assert flow.ENCODING.encode(table).examples == len(records)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, 1.5), ("2", 2.0), ("1970-01-01T00:00:03", 3.0), ("1970-01-01T01:00:00+01:00", 0.0), ("soon", None), (True, None),
     (float("nan"), None), (-1, None), (1e300, None), (None, None), ("9999999999999999-01-01", None)],
)  # fmt: skip
def test_times(value: object, expected: float | None) -> None:
    assert seconds(value) == expected
