"""Flow records as six groups of numbers: what Zeek conn, Suricata flow and NetFlow share, plus window context.

No identity enters: no address (only whether it is a multicast or broadcast group), no time of day, no source port.
Nor does anything that says which side is the watched one: in captures of a single host "who started it" *is* the label,
and a model that has it reaches an AUC of 1.000 there and fails elsewhere (docs/detection.md).
Every number is log-scaled or a share, clipped to [-1, 1] and rounded to 1/64, so that equal behaviour gives equal rows
and a forged huge counter cannot leave the range the network was trained in. A value that is missing, negative, NaN or
infinite becomes 0 beside an indicator of 1.

The context of a flow is what was seen of its source, its target and the pair of both **up to it** in its own slot of
``SLOT_SECONDS`` and in the whole slot before: it never looks ahead, and it needs sums and running counts instead of
range joins. The engine computes it in SQL (``features/flow_window.sql``); ``flow_context.context`` is the same in
numpy, for training and labelled files, and a test holds both to the same numbers. A context that is not known (a single
record, ``soc-tui score``) is unknown, not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from soc_tui.analysis.encoding import flow_records
from soc_tui.analysis.encoding.base import Encoded, Reasons, entry, named
from soc_tui.analysis.encoding.columns import Doubles, numbers, text
from soc_tui.analysis.encoding.flow_context import CONTEXT_FIELDS, SLOT_SECONDS, context

__all__ = [
    "CONTEXT_FIELDS",
    "ENCODING",
    "EVENT_FIELDS",
    "GROUPS",
    "SLOT_SECONDS",
    "TOKENS",
    "WIDTH",
    "context",
    "encode",
]

Floats = NDArray[np.float32]

EVENT_FIELDS = (
    "event_id", "time", "src_ip", "dst_ip", "dst_port", "protocol", "service", "duration",
    "bytes_out", "bytes_in", "packets_out", "packets_in", "conn_state",
)  # fmt: skip
"""Event columns that are read; src_port never is."""

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
    "volume": (("duration", "log"), ("duration", "missing"), ("bytes_out", "log"), ("bytes_out", "missing"),
               ("packets_out", "log"), ("packets_out", "missing"), ("bytes_out", "per packet"), ("bytes_out", "none"),
               ("bytes_in", "log"), ("bytes_in", "missing"), ("packets_in", "log"), ("packets_in", "missing"),
               ("bytes_in", "per packet"), ("bytes_in", "none"), ("packets_in", "none"),
               ("bytes_out", "share"), ("packets_out", "share"), ("bytes_out", "rate"), ("packets_out", "rate")),
    "service": (("protocol", "tcp"), ("protocol", "udp"), ("protocol", "icmp"), ("protocol", "other"),
                ("dst_ip", "group"), ("service", "http"), ("service", "tls"), ("service", "dns"), ("service", "ssh"),
                ("service", "other"), *(("dst_port", name) for name in _PORT_NAMES)),
    "state": tuple(("conn_state", name) for name in (*STATES, "other", "missing")),
    "source": (("src_flows", "log"), ("src_hosts", "log"), ("src_ports", "log"), ("src_failed", "share"),
               ("src_hosts", "share"), ("src_ports", "share"), ("src_flows", "missing")),
    "target": (("dst_flows", "log"), ("dst_sources", "log"), ("dst_failed", "share"), ("dst_sources", "share"),
               ("dst_flows", "missing")),
    "pair": (("pair_flows", "log"), ("pair_gap", "log"), ("pair_gap", "missing"), ("pair_gap", "steady"),
             ("pair_flows", "share")),
}  # fmt: skip
"""The six tokens: each slot is (event or context column, what is made of it). Six, because LSTM time is per token."""

TOKENS = len(GROUPS)
WIDTH = max(len(slots) for slots in GROUPS.values())
PLACES = {
    slot: token * WIDTH + place for token, slots in enumerate(GROUPS.values()) for place, slot in enumerate(slots)
}
"""Where each slot stands in a row of TOKENS * WIDTH numbers."""

_CHUNK = 16_384
"""Rows encoded at a time: their numbers stay in the cache, and a million rows need no working memory of their own."""

_STATE_NAMES = (*STATES, "other", "missing")
_STATE_CODES = {"": _STATE_NAMES.index("missing"),
                **{word: i for i, words in enumerate(STATES.values()) for word in words}}  # fmt: skip
_PROTOCOLS = {"tcp": 0, "udp": 1, "icmp": 2, "ipv6-icmp": 2, "icmp6": 2, "icmpv6": 2}
_TOPS = {"duration": 3600.0, "bytes_out": 1e9, "bytes_in": 1e9, "packets_out": 1e6, "packets_in": 1e6}
"""What a logarithm reaches 1 at."""


def _port_classes() -> NDArray[np.int64]:
    lookup = np.full(65536, len(PORT_CLASSES) + 1, np.int64)
    lookup[:1024] = len(PORT_CLASSES)
    lookup[32768:] = len(PORT_CLASSES) + 2
    for index, members in enumerate(PORT_CLASSES.values()):
        lookup[list(members)] = index
    return lookup


_PORT_CLASS = _port_classes()


def _log(values: Doubles, top: float) -> Doubles:
    """log(1 + x), 1 at ``top``."""
    return np.asarray(np.log1p(values) / np.log1p(top), np.float64)


def _share(part: Doubles, whole: Doubles) -> Doubles:
    return np.where(whole > 0, part / np.maximum(whole, 1e-9), 0.0)


def _coded(names: pa.Array, codes: dict[str, int], other: int) -> NDArray[np.int64]:
    """Each text's number in ``codes``, looked up once per distinct text."""
    coded = names.dictionary_encode()
    found = np.array([codes.get(str(v), other) for v in coded.dictionary.to_pylist()] or [other], np.int64)
    return np.asarray(found[coded.indices.to_numpy(zero_copy_only=False)], np.int64)


def _groups(addresses: pa.Array) -> NDArray[np.bool_]:
    """True where an address is a group (multicast, broadcast): housekeeping goes there without an answer."""
    coded = addresses.dictionary_encode()
    many = pc.match_substring_regex(coded.dictionary, r"^(22[4-9]\.|23\d\.|255\.255\.255\.255$|(?i:ff))|\.255$")
    mask = np.asarray(many.to_numpy(zero_copy_only=False), bool)
    return np.asarray(mask[coded.indices.to_numpy(zero_copy_only=False)], bool)


def port_class(ports: Doubles) -> NDArray[np.int64]:
    """The class of each port as an index into the names of ``PORT_CLASSES``, low, registered, dynamic."""
    return np.asarray(_PORT_CLASS[np.clip(ports, 0, 65535).astype(np.int64)], np.int64)


def encode(table: pa.Table) -> Floats:
    """Flows to network input.

    Args:
        table: event columns (``EVENT_FIELDS``; missing ones count as unknown), and ``CONTEXT_FIELDS`` where known, in
            any order and of any type; what is no number or text there is unknown.

    Returns:
        (rows, TOKENS, WIDTH), each number in [-1, 1] and a multiple of 1/64.
    """
    out = np.empty((table.num_rows, TOKENS * WIDTH), np.float32)
    for start in range(0, table.num_rows, _CHUNK):
        out[start : start + _CHUNK] = _encoded(table.slice(start, _CHUNK)).T
    return out.reshape(-1, TOKENS, WIDTH)


def _encoded(table: pa.Table) -> Floats:
    """(TOKENS * WIDTH, rows): one slot after the other, so that each is written in one run."""
    rows = table.num_rows
    out = np.zeros((TOKENS * WIDTH, rows), np.float32)
    _volume(table, out)
    _service(table, out)
    _window(table, out)
    np.clip(out, -1, 1, out=out)
    np.rint(np.multiply(out, 64, out=out), out=out)
    return np.multiply(out, np.float32(1 / 64), out=out)


def _volume(table: pa.Table, out: Floats) -> None:
    known: dict[str, Doubles] = {}
    lacking: dict[str, Doubles] = {}
    for name in _TOPS:
        known[name], lacking[name] = numbers(table, name)
    for name in ("duration", "bytes_out", "bytes_in"):  # Zeek writes "-" for a lone packet: nothing, not unknown
        lacking[name] = lacking[name] * lacking["packets_out"]
    for name, top in _TOPS.items():
        out[PLACES[name, "log"]] = _log(known[name], top)
        out[PLACES[name, "missing"]] = lacking[name]
    for side in ("out", "in"):
        size, count = f"bytes_{side}", f"packets_{side}"
        out[PLACES[size, "per packet"]] = _share(known[size], known[count]) / 1500
        out[PLACES[size, "none"]] = (known[size] == 0) & (lacking[size] == 0)
    out[PLACES["packets_in", "none"]] = (known["packets_in"] == 0) & (lacking["packets_in"] == 0)
    seconds, lasted = np.maximum(known["duration"], 0.001), known["duration"] > 0
    for unit, top in (("bytes", 1e9), ("packets", 1e6)):
        total = known[f"{unit}_out"] + known[f"{unit}_in"]
        out[PLACES[f"{unit}_out", "share"]] = _share(known[f"{unit}_out"], total)
        out[PLACES[f"{unit}_out", "rate"]] = np.where(lasted, _log(total / seconds, top), 0.0)


def _service(table: pa.Table, out: Floats) -> None:
    place = np.arange(table.num_rows)
    protocol = _coded(pc.utf8_lower(text(table, "protocol")), _PROTOCOLS, 3)
    out[PLACES["protocol", "tcp"] + protocol, place] = 1
    out[PLACES["dst_ip", "group"]] = _groups(text(table, "dst_ip"))
    service = _coded(text(table, "service"), {"": -1, "-": -1, "failed": -1, **_SERVICES}, 4)
    some = np.flatnonzero(service >= 0)
    out[PLACES["service", "http"] + service[some], some] = 1
    ports, no_port = numbers(table, "dst_port")
    some = np.flatnonzero((no_port == 0) & (protocol < 2))  # an ICMP "port" is its code
    out[PLACES["dst_port", _PORT_NAMES[0]] + port_class(ports[some]), some] = 1
    state = _coded(text(table, "conn_state"), _STATE_CODES, _STATE_NAMES.index("other"))
    out[PLACES["conn_state", _STATE_NAMES[0]] + state, place] = 1


def _window(table: pa.Table, out: Floats) -> None:
    seen: dict[str, Doubles] = {}
    for name in CONTEXT_FIELDS:
        seen[name], lacking = numbers(table, name)
        if (name, "log") in PLACES:
            out[PLACES[name, "log"]] = _log(seen[name], SLOT_SECONDS if name == "pair_gap" else 1000)
        if (name, "missing") in PLACES:
            out[PLACES[name, "missing"]] = lacking
        seen[f"no {name}"] = lacking
    for part, whole in (
        ("src_failed", "src_flows"), ("src_hosts", "src_flows"), ("src_ports", "src_flows"),
        ("dst_failed", "dst_flows"), ("dst_sources", "dst_flows"), ("pair_flows", "src_flows"),
    ):  # fmt: skip
        out[PLACES[part, "share"]] = _share(seen[part], seen[whole])
    gap, before = seen["pair_gap"], seen["pair_gap_before"]
    both = (seen["no pair_gap"] == 0) & (seen["no pair_gap_before"] == 0) & (gap > 1)
    out[PLACES["pair_gap", "steady"]] = np.where(both, 1 - np.abs(gap - before) / np.maximum(gap + before, 1e-9), 0.0)


_FIELDS = sorted({field for slots in GROUPS.values() for field, _ in slots})


class FlowEncoding:
    """Flow records with their window context as six groups of numbers."""

    name = "flow"
    risk_type = "intrusion"
    slots = tuple(tuple(f"{field} ({made})" for field, made in slots) for slots in GROUPS.values())
    """What stands in each slot of each token, in words."""

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """One JSON flow record a line, in our names, Zeek's or Suricata's; see ``flow_records.table_of``."""
        return flow_records.table_of(values)

    def encode(self, table: pa.Table) -> Encoded:
        """Event columns and, where known, ``CONTEXT_FIELDS``; see :func:`encode`."""
        return Encoded.single(encode(table))

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """Event and context columns, each with all that was made of it summed."""
        summed = np.zeros((len(weights), len(_FIELDS)), np.float32)
        for token, slots in enumerate(GROUPS.values()):
            for place, (field, _) in enumerate(slots):
                summed[:, _FIELDS.index(field)] += weights[:, token, place]
        top = named(summed)
        chosen = table.take(pa.array(encoded.owner[rows]))
        known = {name: chosen[name].to_pylist() for name in _FIELDS if name in table.column_names}
        return [
            [entry(_FIELDS[i], _shown(known.get(_FIELDS[i]), row), summed[row, i]) for i in best if summed[row, i]]
            for row, best in enumerate(top)
        ]


def _shown(values: list[Any] | None, row: int) -> str:
    value = None if values is None else values[row]
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


ENCODING = FlowEncoding()
