"""Window context of flows in numpy: the reference for ``features/flow_window.sql``, for training and labelled files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from soc_tui.analysis.encoding.columns import Doubles, numbers, text

SLOT_SECONDS = 300
"""Context reaches back over the running slot and the one before: 5 to 10 minutes."""

Longs = NDArray[np.int64]

CONTEXT_FIELDS = (
    "src_flows", "src_hosts", "src_ports", "src_failed", "dst_flows", "dst_sources", "dst_failed",
    "pair_flows", "pair_gap", "pair_gap_before",
)  # fmt: skip
"""Context columns, in the order in which flow_window.sql yields them after event_id.

``src_*``: flows, distinct target hosts, distinct target ports and failed flows of this source.
``dst_*``: flows, distinct sources and failed flows to this target.
``pair_*``: flows between the two on this port; seconds since the last one, and between the last two.
"""

FAILED_STATES = ("S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR", "new")
"""Zeek's states without an exchange, and Suricata's flow that never got an answer."""


def _codes(column: pa.Array) -> Longs:
    return np.asarray(column.dictionary_encode().indices.to_numpy(zero_copy_only=False), np.int64)


def _joint(*parts: Longs) -> Longs:
    """One dense number per distinct combination."""
    joint = parts[0]
    for part in parts[1:]:
        joint = np.unique(joint * (int(part.max(initial=0)) + 1) + part, return_inverse=True)[1]
    return joint


def _running(keys: Longs, amounts: Doubles) -> Doubles:
    """Sum of ``amounts`` over the rows of the same key up to and with this one, in row order."""
    order = np.argsort(keys, kind="stable")
    sums = np.cumsum(amounts[order])
    sorted_keys = keys[order]
    starts = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]])
    before = np.repeat(np.r_[0.0, sums][starts], np.diff(np.r_[starts, len(keys)]))
    out = np.empty(len(keys))
    out[order] = sums - before
    return out


def _total(keys: Longs, amounts: Doubles, wanted: Longs) -> Doubles:
    """The whole sum of each wanted key, 0 for a key that no row has."""
    present, inverse = np.unique(keys, return_inverse=True)
    totals = np.bincount(inverse, amounts)
    place = np.minimum(np.searchsorted(present, wanted), len(present) - 1)
    return np.where(present[place] == wanted, totals[place], 0.0)


def _last(keys: Longs, values: Doubles, back: int) -> Doubles:
    """The value ``back`` rows earlier of the same key, NaN where there is none."""
    order = np.argsort(keys, kind="stable")
    out = np.full(len(keys), np.nan)
    same = keys[order][back:] == keys[order][:-back]
    out[order[back:][same]] = values[order[:-back][same]]
    return out


def context(table: pa.Table) -> pa.Table:
    """The context columns of flows in the order of their rows (which stands for event_id): the reference for the SQL.

    Args:
        table: flows with ``time``, ``duration``, ``src_ip``, ``dst_ip``, ``dst_port`` and ``conn_state``.

    Returns:
        ``table`` with ``CONTEXT_FIELDS`` appended.
    """
    if table.num_rows == 0:
        return table.drop_columns([c for c in CONTEXT_FIELDS if c in table.column_names]).append_column(
            CONTEXT_FIELDS[0], pa.array([], pa.float64())
        )
    time = pc.cast(table["time"], pa.timestamp("us")).to_numpy().astype("datetime64[us]").astype(np.int64) / 1e6
    duration, _ = numbers(table, "duration")
    end = time + duration
    slot = np.floor(end / SLOT_SECONDS).astype(np.int64)
    slot = slot - slot.min() + 1
    both = pa.concat_arrays([text(table, "src_ip"), text(table, "dst_ip")])
    codes = _codes(both)
    rows = table.num_rows
    src, dst = codes[:rows], codes[rows:]
    port = numbers(table, "dst_port")[0].astype(np.int64)
    failed = np.asarray(
        pc.is_in(text(table, "conn_state"), pa.array(FAILED_STATES)).to_numpy(zero_copy_only=False), float
    )
    ones = np.ones(rows)
    hosts = int(codes.max()) + 1

    def seen(who: Longs, amounts: Doubles) -> Doubles:
        """Running sum of an address in its slot plus its whole slot before."""
        key = slot * hosts + who
        return _total(key, amounts, key - hosts) + _running(key, amounts)

    first_pair = (_running(_joint(slot, src, dst), ones) == 1).astype(float)
    first_port = (_running(_joint(slot, src, port), ones) == 1).astype(float)
    pair = _joint(src, dst, port)
    pair_key = slot * (int(pair.max()) + 1) + pair
    last, last2 = _last(pair, end, 1), _last(pair, end, 2)
    recent, recent2 = _last(pair, slot.astype(float), 1) >= slot - 1, _last(pair, slot.astype(float), 2) >= slot - 1
    columns = {
        "src_flows": seen(src, ones), "src_hosts": seen(src, first_pair), "src_ports": seen(src, first_port),
        "src_failed": seen(src, failed), "dst_flows": seen(dst, ones), "dst_sources": seen(dst, first_pair),
        "dst_failed": seen(dst, failed),
        "pair_flows": _total(pair_key, ones, pair_key - int(pair.max()) - 1) + _running(pair_key, ones),
        "pair_gap": np.where(recent, np.abs(end - last), np.nan),
        "pair_gap_before": np.where(recent & recent2, np.abs(last - last2), np.nan),
    }  # fmt: skip
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return table
