from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.encoding import flow

SQL = (Path(flow.__file__).parents[1] / "features" / "flow_window.sql").read_text()


def _events(flows: pa.Table) -> pa.Table:
    rows = flows.num_rows
    return (
        flows.append_column("event_id", pa.array(range(1, rows + 1), pa.int64()))
        .append_column("class_uid", pa.array([4001] * rows, pa.int32()))
        .append_column("log_name", pa.array(["conn"] * rows))
    )


def _by_sql(events: pa.Table, first: int, last: int) -> pa.Table:
    connection = duckdb.connect()
    connection.register("events", events)
    return connection.sql(SQL, params={"first_event_id": first, "last_event_id": last}).to_arrow_table()


def _flows(rows: list[dict[str, Any]]) -> pa.Table:
    names = captures.FLOWS.names
    start = {
        "time": 1_700_000_000_000_000,
        "src_ip": "10.0.0.1",
        "dst_ip": "10.0.0.2",
        "dst_port": 80.0,
        "protocol": "tcp",
    }
    full = [{**dict.fromkeys(names), **start, **row} for row in rows]
    return pa.Table.from_pylist(full, schema=captures.FLOWS)


def _slot(rows: np.ndarray[Any, Any], group: str, field: str, made: str) -> np.ndarray[Any, Any]:
    token = list(flow.GROUPS).index(group)
    return np.asarray(rows[:, token, flow.GROUPS[group].index((field, made))])


@pytest.mark.parametrize("name", ["011-zeek-mixed/data/conn.log.labeled", "002-zeek-scenario-port-scanning/conn.log"])
def test_sql_and_numpy_context_agree_on_real_captures(shared_data: Path, name: str) -> None:
    flows = captures.read_flows(shared_data / "sensor/stratosphere-testing" / name)
    reference = flow.context(flows)
    found = _by_sql(_events(flows), 1, flows.num_rows)
    assert found.column_names == ["event_id", *flow.CONTEXT_FIELDS]
    for field in flow.CONTEXT_FIELDS:
        assert found[field].to_pylist() == reference[field].to_pylist(), field


_SMALL = st.lists(
    st.fixed_dictionaries({
        "time": st.integers(0, 1500).map(lambda s: 1_700_000_000_000_000 + s * 1_000_000),
        "duration": st.one_of(st.none(), st.sampled_from([0.0, 1.5, 290.0])),
        "src_ip": st.sampled_from(["a", "b", "c", None]), "dst_ip": st.sampled_from(["a", "b", "c"]),
        "dst_port": st.sampled_from([22.0, 80.0, None]), "conn_state": st.sampled_from(["S0", "SF", "REJ", None]),
    }),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(_SMALL)
def test_sql_and_numpy_context_agree_on_anything(rows: list[dict[str, Any]]) -> None:
    flows = _flows(rows)
    reference = flow.context(flows)
    found = _by_sql(_events(flows), 1, flows.num_rows)
    for field in flow.CONTEXT_FIELDS:
        assert found[field].to_pylist() == pytest.approx(reference[field].to_pylist()), field


def test_context_of_events_in_order_does_not_depend_on_how_they_were_cut(shared_data: Path) -> None:
    flows = captures.read_flows(shared_data / "sensor/stratosphere-testing/011-zeek-mixed/data/conn.log.labeled")
    ended = pc.add(
        pc.cast(flows["time"], pa.int64()),
        pc.cast(pc.multiply(pc.fill_null(flows["duration"], 0.0), 1e6), pa.int64(), safe=False),
    )
    events = _events(flows.take(pc.sort_indices(ended)).slice(0, 3000))
    whole = _by_sql(events, 1, 3000)
    parts = pa.concat_tables([_by_sql(events, first, first + 499) for first in range(1, 3001, 500)])
    assert parts.equals(whole)


def test_context_counts_what_was_seen_so_far_and_in_the_slot_before() -> None:
    base = 1_699_999_800_000_000  # the start of a slot
    rows = [
        {"time": base + 10_000_000, "dst_ip": "x", "dst_port": 22.0, "conn_state": "S0"},
        {"time": base + 20_000_000, "dst_ip": "y", "dst_port": 22.0, "conn_state": "SF"},
        {"time": base + 310_000_000, "dst_ip": "x", "dst_port": 22.0, "conn_state": "REJ"},
        {"time": base + 910_000_000, "dst_ip": "x", "dst_port": 22.0, "conn_state": "SF"},
    ]
    seen = flow.context(_flows(rows))
    assert seen["src_flows"].to_pylist() == [1, 2, 3, 1]
    assert seen["src_hosts"].to_pylist() == [1, 2, 3, 1]
    assert seen["src_ports"].to_pylist() == [1, 1, 2, 1]
    assert seen["src_failed"].to_pylist() == [1, 1, 2, 0]
    assert seen["dst_flows"].to_pylist() == [1, 1, 2, 1]
    assert seen["pair_flows"].to_pylist() == [1, 1, 2, 1]
    assert seen["pair_gap"].to_pylist() == [None, None, 300, None]
    assert flow.context(_flows(rows).slice(0, 0)).num_rows == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))] * 6), min_size=1, max_size=8
    )
)
def test_no_number_leaves_the_trained_range(values: list[tuple[float | None, ...]]) -> None:
    names = ("dst_port", "duration", "bytes_out", "bytes_in", "packets_out", "packets_in")
    table = _flows([dict(zip(names, row, strict=True)) for row in values])
    rows = flow.encode(table)
    assert rows.shape == (len(values), flow.TOKENS, flow.WIDTH)
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() <= 1
    assert (rows * 64 == np.round(rows * 64)).all()


def test_unusable_values_are_marked_missing_not_zero() -> None:
    table = _flows(
        [
            {"packets_out": None, "bytes_out": -5.0},
            {"packets_out": 3.0, "bytes_out": float("inf")},
            {"packets_out": 1.0, "bytes_out": 9.0},
        ]
    )
    rows = flow.encode(table)
    assert _slot(rows, "volume", "packets_out", "missing").tolist() == [1, 0, 0]
    assert _slot(rows, "volume", "bytes_out", "missing").tolist() == [1, 0, 0]  # Zeek's "-" beside a packet means none
    assert _slot(rows, "source", "src_flows", "missing").tolist() == [1, 1, 1]  # no context was given


def test_neither_addresses_nor_source_ports_nor_times_are_read() -> None:
    one = _flows([{"src_ip": "10.0.0.1", "dst_ip": "203.0.113.9", "time": 1_700_000_000_000_000}])
    other = _flows([{"src_ip": "fd00::7", "dst_ip": "192.168.3.4", "time": 1_600_000_012_000_000}])
    np.testing.assert_array_equal(flow.encode(one), flow.encode(other))
    assert "src_port" not in flow.EVENT_FIELDS


def test_groups_of_receivers_are_told_from_hosts() -> None:
    addresses = [
        "224.0.0.251",
        "239.1.2.3",
        "255.255.255.255",
        "10.1.2.255",
        "ff02::fb",
        "192.168.1.5",
        "fe80::1",
        "2001:db8::1",
    ]
    rows = flow.encode(pa.table({"dst_ip": addresses}))
    assert _slot(rows, "service", "dst_ip", "group").tolist() == [1, 1, 1, 1, 1, 0, 0, 0]


def test_port_classes() -> None:
    names = (*flow.PORT_CLASSES, "low", "registered", "dynamic")
    found = [names[i] for i in flow.port_class(np.array([443.0, 22, 53, 445, 3306, 5060, 1, 4444, 50000, 70000]))]
    assert found == ["web", "remote", "name", "files", "data", "device", "low", "registered", "dynamic", "dynamic"]


def test_states_of_three_products_meet() -> None:
    table = _flows([{"conn_state": s} for s in ("S0", "new", "SF", "closed", None, "weird")])
    rows = flow.encode(table)
    assert _slot(rows, "state", "conn_state", "no-answer").tolist() == [1, 1, 0, 0, 0, 0]
    assert _slot(rows, "state", "conn_state", "closed").tolist() == [0, 0, 1, 1, 0, 0]
    assert _slot(rows, "state", "conn_state", "missing").tolist() == [0, 0, 0, 0, 1, 0]
    assert _slot(rows, "state", "conn_state", "other").tolist() == [0, 0, 0, 0, 0, 1]


def test_a_table_of_events_with_integers_and_without_some_columns_is_read() -> None:
    table = pa.table({"bytes_out": pa.array([10, None], pa.int64()), "dst_port": pa.array([22, 443], pa.int32())})
    assert flow.encode(table).shape == (2, flow.TOKENS, flow.WIDTH)
    assert flow.encode(table.slice(0, 0)).shape == (0, flow.TOKENS, flow.WIDTH)


def test_columns_in_any_order_and_of_any_type_give_the_same_rows() -> None:
    table = _flows(
        [{"packets_out": 3.0, "bytes_out": 120.0, "conn_state": "SF", "service": "http"}, {"dst_port": 23.0}]
    )
    turned = table.select(table.column_names[::-1])
    as_text = turned.set_column(
        turned.column_names.index("bytes_out"), "bytes_out", pc.cast(turned["bytes_out"], pa.string())
    )
    coded = as_text.set_column(
        as_text.column_names.index("service"), "service", as_text["service"].combine_chunks().dictionary_encode()
    )
    np.testing.assert_array_equal(flow.encode(coded), flow.encode(table))


def test_columns_of_senseless_types_are_unknown() -> None:
    table = pa.table({
        "dst_port": pa.array([[1], [2]], pa.list_(pa.int64())), "protocol": pa.array([{"a": 1}, None]),
        "service": pa.array([b"\xff\xfe", b"http"]), "bytes_out": pa.array(["1e400", "\U0001f600" * 300_000]),
        "conn_state": pa.nulls(2),
    })  # fmt: skip
    rows = flow.encode(table)
    assert _slot(rows, "volume", "bytes_out", "missing").tolist() == [1, 1]
    assert _slot(rows, "service", "protocol", "other").tolist() == [1, 1]
    assert rows[:, list(flow.GROUPS).index("service"), 10:].sum() == 0  # no port
    assert _slot(rows, "state", "conn_state", "missing").tolist() == [1, 1]


def test_more_rows_than_a_chunk_are_encoded_as_each_alone() -> None:
    ports = np.arange(40_000.0) % 1024
    table = pa.table({"dst_port": ports, "protocol": ["tcp"] * len(ports), "duration": ports / 7})
    rows = flow.encode(table)
    assert rows.shape == (40_000, flow.TOKENS, flow.WIDTH)
    for place in (0, 16_383, 16_384, 39_999):
        np.testing.assert_array_equal(rows[place : place + 1], flow.encode(table.slice(place, 1)))


def test_explanations_name_columns_and_sum_what_was_made_of_them() -> None:
    table = _flows([{"bytes_out": 512.0}, {"bytes_out": 7.0, "conn_state": "S0"}])
    encoded = flow.ENCODING.encode(table)
    weights = np.zeros((1, flow.TOKENS, flow.WIDTH), np.float32)
    flat = weights.reshape(-1)
    flat[flow.PLACES["bytes_out", "log"]], flat[flow.PLACES["bytes_out", "share"]] = 0.5, 0.25
    flat[flow.PLACES["conn_state", "no-answer"]] = -1.0
    assert flow.ENCODING.explain(table, encoded, np.array([1]), weights) == [[
        {"field": "bytes_out", "value": "7", "weight": 0.75}, {"field": "conn_state", "value": "S0", "weight": -1.0},
    ]]  # fmt: skip
