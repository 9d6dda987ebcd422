"""Flow records as nine groups of numbers: what Zeek conn, Suricata flow and NetFlow share, plus window context.

No identity enters: no address (only whether it is a multicast or broadcast group), no time of day, no source port.
Nor does anything that says which side is the watched one: in captures of a single host "who started it" *is* the label,
and a model that has it reaches an AUC of 1.000 there and fails elsewhere (docs/detection.md).
Every number is log-scaled or a share, clipped to [-1, 1] and rounded to 1/64, so that equal behaviour gives equal rows
and a forged huge counter cannot leave the range the network was trained in. A value that is missing, negative, NaN or
infinite becomes 0 beside an indicator of 1.

The context of a flow is what was seen of its source, its target and the pair of both **up to it** in its own slot of
``SLOT_SECONDS`` and in the whole slot before: it never looks ahead, and it needs sums and running counts instead of
range joins. The engine computes it in SQL (``features/flow_window.sql``); :func:`context` is the same in numpy, for
training and labelled files, and a test holds both to the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from soc_tui.analysis.encoding.base import Encoded, Reasons, entry

SLOT_SECONDS = 300
"""Context reaches back over the running slot and the one before: 5 to 10 minutes."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]

EVENT_FIELDS = (
    "event_id", "time", "src_ip", "dst_ip", "dst_port", "protocol", "service", "duration",
    "bytes_out", "bytes_in", "packets_out", "packets_in", "conn_state",
)  # fmt: skip
"""Event columns that are read; src_port never is."""

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

STATES = {
    "no-answer": ("S0", "new", "INT", "REQ"),
    "refused": ("REJ",),
    "half": ("RSTOS0", "RSTRH", "SH", "SHR"),
    "reset-by-src": ("RSTO", "RST"),
    "reset-by-dst": ("RSTR",),
    "open": ("S1", "S2", "S3", "established", "CON"),
    "closed": ("SF", "closed", "FIN"),
}
"""Connection states of Zeek, Suricata and Argus by what they mean; anything else is ``other``."""

PORT_CLASSES: dict[str, tuple[int, ...]] = {
    "web": (80, 443, 8080, 8443, 8000, 8008, 8888, 81, 3128),
    "name": (53, 5353, 5355, 137, 853),
    "housekeeping": (67, 68, 123, 161, 162, 514, 546, 547, 1900, 3702, 5351, 3478),
    "directory": (88, 389, 464, 636, 3268, 3269, 49152, 49153, 49154, 49155, 49664, 49665, 49666, 49667, 49668),
    "files": (135, 138, 139, 445, 2049, 21, 20, 873),
    "remote": (22, 23, 2222, 2323, 3389, 5900, 5901, 5985, 5986, 512, 513, 1723, 1194),
    "mail": (25, 110, 143, 465, 587, 993, 995),
    "data": (1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017, 2375, 5984, 1434),
    "device": (5060, 5061, 5555, 7547, 37215, 52869, 8291, 1883, 8883, 502, 554, 47808, 9100, 631),
}
"""Services that mean the same in every network; other ports count as low (< 1024), registered or dynamic."""

_PORT_NAMES = (*PORT_CLASSES, "low", "registered", "dynamic")
_SERVICES = {"http": 0, "ssl": 1, "tls": 1, "quic": 1, "dns": 2, "ssh": 3}

GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "out": (("duration", "log"), ("duration", "missing"), ("bytes_out", "log"), ("bytes_out", "missing"),
            ("packets_out", "log"), ("packets_out", "missing"), ("bytes_out", "per packet"), ("bytes_out", "none")),
    "in": (("bytes_in", "log"), ("bytes_in", "missing"), ("packets_in", "log"), ("packets_in", "missing"),
           ("bytes_in", "per packet"), ("bytes_in", "none"), ("packets_in", "none")),
    "balance": (("bytes_out", "share"), ("packets_out", "share"), ("bytes_out", "rate"), ("packets_out", "rate")),
    "protocol": (("protocol", "tcp"), ("protocol", "udp"), ("protocol", "icmp"), ("protocol", "other"),
                 ("dst_ip", "group"), ("service", "http"), ("service", "tls"), ("service", "dns"), ("service", "ssh"),
                 ("service", "other")),
    "port": tuple(("dst_port", name) for name in _PORT_NAMES),
    "state": tuple(("conn_state", name) for name in (*STATES, "other", "missing")),
    "source": (("src_flows", "log"), ("src_hosts", "log"), ("src_ports", "log"), ("src_failed", "share"),
               ("src_hosts", "share"), ("src_ports", "share"), ("src_flows", "missing")),
    "target": (("dst_flows", "log"), ("dst_sources", "log"), ("dst_failed", "share"), ("dst_sources", "share"),
               ("dst_flows", "missing")),
    "pair": (("pair_flows", "log"), ("pair_gap", "log"), ("pair_gap", "missing"), ("pair_gap", "steady"),
             ("pair_flows", "share")),
}  # fmt: skip
"""The nine tokens: each slot is (event or context column, what is made of it)."""

TOKENS = len(GROUPS)
WIDTH = max(len(slots) for slots in GROUPS.values())


def _numbers(table: pa.Table, name: str) -> tuple[Doubles, Doubles]:
    """A column as doubles (0 where unusable) and its missing indicator; a column the table lacks is all missing."""
    rows = table.num_rows
    if name not in table.column_names:
        return np.zeros(rows), np.ones(rows)
    column = pc.cast(table[name], pa.float64(), safe=False)
    values = pc.fill_null(column, float("nan")).to_numpy()
    missing = ~np.isfinite(values) | (values < 0)
    return np.where(missing, 0.0, np.minimum(values, 1e15)), missing.astype(np.float64)


def _text(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        return pa.array([""] * table.num_rows, pa.string())
    combined = pc.fill_null(pc.cast(table[name], pa.string()), "").combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.array(combined)


def _log(values: Doubles, top: float) -> Doubles:
    """log(1 + x), 1 at ``top``."""
    return np.asarray(np.log1p(values) / np.log1p(top), np.float64)


def _share(part: Doubles, whole: Doubles) -> Doubles:
    return np.where(whole > 0, part / np.maximum(whole, 1e-9), 0.0)


def groups(addresses: pa.Array) -> Doubles:
    """1 where an address is a group (multicast, broadcast): housekeeping goes there without an answer."""
    coded = addresses.dictionary_encode()
    many = pc.match_substring_regex(coded.dictionary, r"^(22[4-9]\.|23\d\.|255\.255\.255\.255$|ff)|\.255$")
    mask = np.append(np.asarray(many.to_numpy(zero_copy_only=False), np.float64), 0.0)
    return np.asarray(mask[coded.indices.to_numpy(zero_copy_only=False)], np.float64)


def _coded(names: pa.Array, table: dict[str, int], other: int) -> Longs:
    """Each text's number in ``table``, looked up once per distinct text."""
    coded = names.dictionary_encode()
    numbers = np.array([table.get(str(v), other) for v in coded.dictionary.to_pylist()] or [other], np.int64)
    return np.asarray(numbers[coded.indices.to_numpy(zero_copy_only=False)], np.int64)


def port_class(ports: Doubles) -> Longs:
    """The class of each port as an index into the ``port`` group."""
    lookup = np.full(65536, len(PORT_CLASSES) + 1, np.int64)
    lookup[:1024] = len(PORT_CLASSES)
    lookup[32768:] = len(PORT_CLASSES) + 2
    for index, members in enumerate(PORT_CLASSES.values()):
        lookup[list(members)] = index
    return lookup[np.clip(ports, 0, 65535).astype(np.int64)]


def encode(table: pa.Table) -> Floats:
    """Flows to network input.

    Args:
        table: event columns (``EVENT_FIELDS``; missing ones count as unknown), and ``CONTEXT_FIELDS`` where known.

    Returns:
        (rows, TOKENS, WIDTH), each number in [-1, 1] and a multiple of 1/64.
    """
    rows = table.num_rows
    slots: dict[tuple[str, str], Any] = {}
    known: dict[str, Doubles] = {}
    for name in ("duration", "bytes_out", "bytes_in", "packets_out", "packets_in"):
        known[name], slots[name, "missing"] = _numbers(table, name)
    for name in ("duration", "bytes_out", "bytes_in"):  # Zeek writes "-" for a lone packet: nothing, not unknown
        slots[name, "missing"] = slots[name, "missing"] * slots["packets_out", "missing"]
    for name, top in (
        ("duration", 3600),
        ("bytes_out", 1e9),
        ("bytes_in", 1e9),
        ("packets_out", 1e6),
        ("packets_in", 1e6),
    ):
        slots[name, "log"] = _log(known[name], top)
    for side in ("out", "in"):
        slots[f"bytes_{side}", "per packet"] = _share(known[f"bytes_{side}"], known[f"packets_{side}"]) / 1500
        slots[f"bytes_{side}", "none"] = (known[f"bytes_{side}"] == 0) & (slots[f"bytes_{side}", "missing"] == 0)
    slots["packets_in", "none"] = (known["packets_in"] == 0) & (slots["packets_in", "missing"] == 0)
    total_bytes, total_packets = known["bytes_out"] + known["bytes_in"], known["packets_out"] + known["packets_in"]
    slots["bytes_out", "share"] = _share(known["bytes_out"], total_bytes)
    slots["packets_out", "share"] = _share(known["packets_out"], total_packets)
    seconds = np.maximum(known["duration"], 0.001)
    slots["bytes_out", "rate"] = np.where(known["duration"] > 0, _log(total_bytes / seconds, 1e9), 0.0)
    slots["packets_out", "rate"] = np.where(known["duration"] > 0, _log(total_packets / seconds, 1e6), 0.0)

    protocol = _coded(pc.utf8_lower(_text(table, "protocol")), {"tcp": 0, "udp": 1, "icmp": 2, "ipv6-icmp": 2}, 3)
    for index, name in enumerate(("tcp", "udp", "icmp", "other")):
        slots["protocol", name] = protocol == index
    slots["dst_ip", "group"] = groups(_text(table, "dst_ip"))
    service = _coded(_text(table, "service"), {"": -1, "-": -1, "failed": -1, **_SERVICES}, 4)
    for index, name in enumerate(("http", "tls", "dns", "ssh", "other")):
        slots["service", name] = service == index
    ports, no_port = _numbers(table, "dst_port")
    classes = np.where((no_port > 0) | (protocol >= 2), -1, port_class(ports))  # an ICMP "port" is its code
    for index, name in enumerate(_PORT_NAMES):
        slots["dst_port", name] = classes == index
    order = (*STATES, "other", "missing")
    meaning = {word: order.index(name) for name, words in STATES.items() for word in words}
    state = _coded(_text(table, "conn_state"), {"": len(order) - 1, **meaning}, order.index("other"))
    for index, name in enumerate(order):
        slots["conn_state", name] = state == index
    _context_slots(table, slots)
    out = np.zeros((rows, TOKENS, WIDTH), np.float32)
    for token, members in enumerate(GROUPS.values()):
        for place, slot in enumerate(members):
            out[:, token, place] = slots[slot]
    return np.asarray(np.round(np.clip(out, -1, 1) * 64) / 64, np.float32)


def _context_slots(table: pa.Table, slots: dict[tuple[str, str], Any]) -> None:
    seen: dict[str, Doubles] = {}
    for name in CONTEXT_FIELDS:
        seen[name], slots[name, "missing"] = _numbers(table, name)
        slots[name, "log"] = _log(seen[name], SLOT_SECONDS if name == "pair_gap" else 1000)
    slots["src_failed", "share"] = _share(seen["src_failed"], seen["src_flows"])
    slots["src_hosts", "share"] = _share(seen["src_hosts"], seen["src_flows"])
    slots["src_ports", "share"] = _share(seen["src_ports"], seen["src_flows"])
    slots["dst_failed", "share"] = _share(seen["dst_failed"], seen["dst_flows"])
    slots["dst_sources", "share"] = _share(seen["dst_sources"], seen["dst_flows"])
    slots["pair_flows", "share"] = _share(seen["pair_flows"], seen["src_flows"])
    gap, before = seen["pair_gap"], seen["pair_gap_before"]
    both = (slots["pair_gap", "missing"] == 0) & (slots["pair_gap_before", "missing"] == 0) & (gap > 1)
    slots["pair_gap", "steady"] = np.where(both, 1 - np.abs(gap - before) / np.maximum(gap + before, 1e-9), 0.0)


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
    duration, _ = _numbers(table, "duration")
    end = time + duration
    slot = np.floor(end / SLOT_SECONDS).astype(np.int64)
    slot = slot - slot.min() + 1
    both = pa.concat_arrays([_text(table, "src_ip"), _text(table, "dst_ip")])
    codes = _codes(both)
    rows = table.num_rows
    src, dst = codes[:rows], codes[rows:]
    port = _numbers(table, "dst_port")[0].astype(np.int64)
    failed = np.asarray(
        pc.is_in(_text(table, "conn_state"), pa.array(FAILED_STATES)).to_numpy(zero_copy_only=False), float
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


MOST_FIELDS = 6
"""Fields named per explanation, the weightiest first."""

_NAMES = {
    "id.orig_h": "src_ip", "id.resp_h": "dst_ip", "id.resp_p": "dst_port", "proto": "protocol", "ts": "time",
    "orig_bytes": "bytes_out", "resp_bytes": "bytes_in", "orig_pkts": "packets_out", "resp_pkts": "packets_in",
}  # fmt: skip
"""Zeek's names of the columns; ours are taken as well."""
_TEXTS = ("src_ip", "dst_ip", "protocol", "service", "conn_state")
_NUMBERS = ("dst_port", "duration", "bytes_out", "bytes_in", "packets_out", "packets_in")


class FlowEncoding:
    """Flow records with their window context as nine groups of numbers."""

    name = "flow"
    risk_type = "intrusion"

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """One JSON object a line with our column names or Zeek's; the context is what the object says of it."""
        rows: list[dict[str, Any]] = []
        refused: dict[int, str] = {}
        for place, value in enumerate(values):
            try:
                found = json.loads(value)
            except (ValueError, RecursionError):
                found = None
            if not isinstance(found, dict):
                refused[place] = "is no JSON object of a flow record"
                found = {}
            rows.append({_NAMES.get(name, name): what for name, what in found.items()})
        columns: dict[str, pa.Array] = {}
        for name in _TEXTS:
            columns[name] = pa.array([_word(row.get(name)) for row in rows], pa.string())
        for name in (*_NUMBERS, *CONTEXT_FIELDS):
            columns[name] = pa.array([_number(row.get(name)) for row in rows], pa.float64())
        return pa.table(columns), refused

    def encode(self, table: pa.Table) -> Encoded:
        """Event columns and, where known, ``CONTEXT_FIELDS``; see :func:`encode`."""
        return Encoded.single(encode(table))

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """Event and context columns, each with all that was made of it summed."""
        names = sorted({field for slots in GROUPS.values() for field, _ in slots})
        summed = np.zeros((len(weights), len(names)), np.float32)
        for token, slots in enumerate(GROUPS.values()):
            for place, (field, _) in enumerate(slots):
                summed[:, names.index(field)] += weights[:, token, place]
        top = np.argsort(-np.abs(summed), axis=1)[:, :MOST_FIELDS]
        chosen = table.take(pa.array(encoded.owner[rows]))
        known = {name: chosen[name].to_pylist() for name in names if name in table.column_names}
        return [
            [entry(names[i], _shown(known.get(names[i]), row), summed[row, i]) for i in best if summed[row, i]]
            for row, best in enumerate(top)
        ]


def _word(value: Any) -> str | None:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _shown(values: list[Any] | None, row: int) -> str:
    value = None if values is None else values[row]
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


ENCODING = FlowEncoding()
