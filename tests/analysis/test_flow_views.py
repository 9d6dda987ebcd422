from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora import flow_made
from soc_tui.analysis.corpora import flow_views as views

ALL = (
    views.plain, views.transposed, views.as_suricata, views.as_netflow, views.as_refused, views.sampled, views.paced,
    views.dispersed, views.gathered, views.without_services,
)  # fmt: skip


@pytest.fixture(scope="module")
def log() -> pa.Table:
    return flow_made.invented(1)


def _rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("view", ALL)
def test_a_view_keeps_the_columns_and_is_seeded(log: pa.Table, view: views.View) -> None:
    seen = view(log, _rng())
    assert set(seen.column_names) == set(log.column_names)
    assert {f.name: f.type for f in seen.schema} == {f.name: f.type for f in log.schema}
    assert seen.equals(view(log, _rng()))
    assert view(log.slice(0, 0), _rng()).num_rows == 0


@pytest.mark.parametrize("view", [v for v in ALL if v is not views.sampled])
def test_no_view_but_a_sample_loses_or_moves_a_label(log: pa.Table, view: views.View) -> None:
    assert view(log, _rng())["bits"].equals(log["bits"])


def _same(one: pa.Table, other: pa.Table, *names: str) -> None:
    for name in names:
        assert one[name].equals(other[name]), name


def test_transposing_and_refusing_twice_change_nothing(log: pa.Table) -> None:
    twice = views.transposed(views.transposed(log, _rng()), _rng())
    _same(twice, log, *log.column_names)
    refused = views.as_refused(log, _rng())
    assert not refused["conn_state"].equals(log["conn_state"])
    _same(views.as_refused(refused, _rng()), log, "conn_state")


def test_pace_changes_times_only_and_keeps_their_order(log: pa.Table) -> None:
    seen = views.paced(log, _rng())
    _same(seen, log, *[n for n in log.column_names if n != "time"])
    before, after = (np.diff(t["time"].cast(pa.int64()).to_numpy()) for t in (log, seen))
    assert (after >= 0).all()
    factor = after.sum() / before.sum()
    assert 3 <= max(factor, 1 / factor) <= 30


def test_a_sample_is_a_tenth_to_a_half(log: pa.Table) -> None:
    assert 0.09 < views.sampled(log, _rng()).num_rows / log.num_rows < 0.51


def _hosts(table: pa.Table, *names: str) -> set[Any]:
    return {value for name in names for value in table[name].to_pylist()}


def test_the_busiest_host_becomes_a_network_and_sources_a_few() -> None:
    log = pa.table({
        "src_ip": ["me"] * 60 + [f"s{i}" for i in range(40)], "dst_ip": [f"d{i}" for i in range(60)] + ["me"] * 40,
        "dst_port": np.arange(100.0),
    })  # fmt: skip
    seen = views.dispersed(log, _rng())
    assert "me" not in _hosts(seen, "src_ip", "dst_ip")
    made = _hosts(seen, "src_ip", "dst_ip") - _hosts(log, "src_ip", "dst_ip")
    assert 2 <= len(made) <= 200
    assert all(name.startswith("10.77.") for name in made)
    gathered = views.gathered(log, _rng())
    assert 1 <= len(_hosts(gathered, "src_ip")) <= 20
    _same(gathered, log, "dst_ip", "dst_port")


def test_what_other_sensors_do_not_know_is_null(log: pa.Table) -> None:
    bare = views.as_netflow(log, _rng())
    assert bare["conn_state"].null_count == bare["service"].null_count == log.num_rows
    assert bare["bytes_out"].null_count == 0
    assert _hosts(views.as_suricata(log, _rng()), "conn_state") == {"new", "closed", "established"}
    assert views.without_services(log, _rng())["duration"].null_count / log.num_rows > 0.4


def test_invented_networks_are_seeded_and_hold_both_sides() -> None:
    logs = [flow_made.invented(seed) for seed in range(12)]
    assert logs[0].equals(flow_made.invented(0))
    assert not logs[0].equals(logs[1])
    for log in logs:
        bits = log["bits"].to_numpy()
        assert (bits == captures.BENIGN).any()
        times = log["time"].cast(pa.int64()).to_numpy()
        assert (np.diff(times) >= 0).all()
        for name in ("duration", "bytes_out", "bytes_in", "packets_out", "packets_in"):
            values = log[name].to_numpy()
            assert (values[~np.isnan(values)] >= 0).all(), name
    risky = [(log["bits"].to_numpy() != captures.BENIGN).any() for log in logs]
    assert 3 <= sum(risky) <= 11


def test_invented_silence_carries_no_payload() -> None:
    log = flow_made.invented(2).to_pylist() + flow_made.invented(5).to_pylist()
    silent = [row for row in log if row["conn_state"] == "S0" and row["protocol"] == "tcp"]
    assert silent
    assert all(not row["bytes_out"] and not row["bytes_in"] and row["packets_in"] == 0 for row in silent)
