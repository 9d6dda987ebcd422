"""Single flow records as JSON, in our column names, Zeek's or Suricata's, as the columns that the flow model reads."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from soc_tui.analysis.encoding.flow_context import CONTEXT_FIELDS, context

_SAME = {
    "id.orig_h": "src_ip", "id.resp_h": "dst_ip", "id.resp_p": "dst_port", "id_orig_h": "src_ip",
    "id_resp_h": "dst_ip", "id_resp_p": "dst_port", "proto": "protocol", "ts": "time", "orig_bytes": "bytes_out",
    "resp_bytes": "bytes_in", "orig_pkts": "packets_out", "resp_pkts": "packets_in", "dest_ip": "dst_ip",
    "dest_port": "dst_port", "app_proto": "service", "timestamp": "time", "bytes_toserver": "bytes_out",
    "bytes_toclient": "bytes_in", "pkts_toserver": "packets_out", "pkts_toclient": "packets_in", "state": "conn_state",
    "start": "time",
}  # fmt: skip
"""Zeek's and Suricata's names of our columns."""

TEXTS = ("src_ip", "dst_ip", "protocol", "service", "conn_state", "label")
NUMBERS = ("dst_port", "duration", "bytes_out", "bytes_in", "packets_out", "packets_in")
COLUMNS = pa.schema(
    [("time", pa.timestamp("us")), *((n, pa.string()) for n in TEXTS), *((n, pa.float64()) for n in NUMBERS)]
)
"""Columns of a log of flows; ``label`` is null where there is none."""

_LATEST = 253_402_300_799
"""Seconds since 1970 of the year 9999: what lies beyond is no time."""


def seconds(value: Any) -> float | None:
    """A time as seconds since 1970: a number, or ISO 8601, without a zone in UTC; None where it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            try:
                stamp = datetime.datetime.fromisoformat(value)
                value = (stamp if stamp.tzinfo else stamp.replace(tzinfo=datetime.UTC)).timestamp()
            except (ValueError, OverflowError):
                return None
    return float(value) if isinstance(value, int | float) and 0 <= value <= _LATEST else None


def word(value: Any) -> str | None:
    """A text, with whatever is no Unicode (lone surrogates) written out; None for anything else."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) and value != "-" else None


def number(value: Any) -> float | None:
    """A finite number, also from its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """One record under our names. Suricata's inner object ``flow`` is part of the record and gives the duration."""
    inner = record.get("flow")
    both = {**record, **inner} if isinstance(inner, Mapping) else dict(record)
    found = {_SAME.get(name, name): value for name, value in both.items()}
    if "duration" not in found and isinstance(inner, Mapping):
        start, end = seconds(inner.get("start")), seconds(inner.get("end"))
        found["duration"] = max(end - start, 0.0) if start is not None and end is not None else None
    return found


def table(records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Records as ``COLUMNS``; what a record lacks or holds in a wrong form is null."""
    rows = [row(record) for record in records]
    stamps = [seconds(r.get("time")) for r in rows]
    micros = [None if s is None else round(s * 1e6) for s in stamps]
    columns = [pa.array(micros, pa.int64()).cast(pa.timestamp("us"))]
    columns += [pa.array([word(r.get(name)) for r in rows], pa.string()) for name in TEXTS]
    columns += [pa.array([number(r.get(name)) for r in rows], pa.float64()) for name in NUMBERS]
    return pa.table(columns, schema=COLUMNS)


def table_of(values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
    """Lines as flows with context, and the reason for each refused line (which has a row of unknowns).

    Records that say when they were, taken together, are one log in the order of the lines: each is seen with the ones
    before it. A record without a time, or with context columns of its own, keeps what it says.
    """
    records: list[dict[str, Any]] = []
    refused: dict[int, str] = {}
    for place, value in enumerate(values):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            refused[place] = "is no JSON object of a flow record"
            found = {}
        elif not any(_SAME.get(name, name) in COLUMNS.names or name in CONTEXT_FIELDS for name in row(found)):
            refused[place] = "has no column of a flow record (src_ip, dst_ip, dst_port, protocol, bytes_out ...)"
        records.append(found)
    flows = table(records)
    said = {n: [number(r.get(n)) for r in records] for n in CONTEXT_FIELDS}
    timed = np.flatnonzero(flows["time"].is_valid().to_numpy() & flows["src_ip"].is_valid().to_numpy())
    window = context(flows.take(pa.array(timed))) if len(timed) else None
    own = np.array([any(said[n][i] is not None for n in CONTEXT_FIELDS) for i in range(len(records))], bool)
    for name in CONTEXT_FIELDS:
        column = np.array([np.nan if v is None else v for v in said[name]], np.float64)
        if window is not None:
            column[timed] = np.where(own[timed], column[timed], window[name].to_numpy())
        flows = flows.append_column(name, pa.array(column, pa.float64(), from_pandas=True))
    return flows, refused
