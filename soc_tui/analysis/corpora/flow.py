"""Labelled flow records: Zeek TSV or JSON logs and Suricata eve.json as event columns with the classes a label allows.

What a label says is what its source can know. "External attack" names no kind of attack, so every risk class is
allowed (see ``network.allowed_loss``); "background" says nothing, so the row only feeds the context of others.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from soc_tui.analysis.encoding import flow
from soc_tui.core.errors import SourceError

CLASSES = ("benign", "scan", "flood", "intrusion", "c2")
"""What a flow can be. scan: T1046; flood: T1498; intrusion: brute force and exploits; c2: T1071 and exfiltration."""

BENIGN, SCAN, FLOOD, INTRUSION, C2 = (1 << i for i in range(len(CLASSES)))
ANY_RISK = SCAN | FLOOD | INTRUSION | C2
UNKNOWN = 0
"""Left out of training and figures."""

Labels = NDArray[np.int64]

_ZEEK = {
    "id.orig_h": "src_ip", "id.resp_h": "dst_ip", "id.resp_p": "dst_port", "proto": "protocol", "service": "service",
    "id_orig_h": "src_ip", "id_resp_h": "dst_ip", "id_resp_p": "dst_port",
    "duration": "duration", "orig_bytes": "bytes_out", "resp_bytes": "bytes_in", "orig_pkts": "packets_out",
    "resp_pkts": "packets_in", "conn_state": "conn_state", "ts": "time", "label": "label",
}  # fmt: skip
_TEXT = ("src_ip", "dst_ip", "protocol", "service", "conn_state", "label")
_NUMBERS = ("dst_port", "duration", "bytes_out", "bytes_in", "packets_out", "packets_in")
FLOWS = pa.schema(
    [("time", pa.timestamp("us")), *((n, pa.string()) for n in _TEXT), *((n, pa.float64()) for n in _NUMBERS)]
)


def _open(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError) as error:
        raise SourceError(
            f"cannot be read: {error}", source=path, remedy="check the path and its permissions"
        ) from error


def read_flows(path: Path) -> pa.Table:
    """One log of flows as a table of ``FLOWS``; the format is told by the first bytes.

    Raises:
        SourceError: the file cannot be read or holds no flow records.
    """
    raw = _open(path)
    if raw.lstrip()[:1] == b"{":
        records = [json.loads(line) for line in raw.splitlines() if line.strip()]
        rows = [
            _eve(r) if "event_type" in r else _zeek_json(r) for r in records if r.get("event_type", "flow") == "flow"
        ]
        columns: dict[str, Any] = {f.name: [row.get(f.name) for row in rows] for f in FLOWS if f.name != "time"}
        seconds = [row["time"] for row in rows]
    else:
        columns, seconds = _zeek_tsv(raw, path)
    time = pa.array(np.asarray(np.array(seconds, np.float64) * 1e6, np.int64), pa.timestamp("us"))
    arrays = [time] + [_typed(columns.get(f.name), f.type, len(time)) for f in FLOWS if f.name != "time"]
    return pa.table(arrays, schema=FLOWS)


def _typed(values: Any, wanted: pa.DataType, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, wanted)
    if isinstance(values, list):
        return pa.array(
            [None if v is None else (str(v) if wanted == pa.string() else float(v)) for v in values], wanted
        )
    cleaned = pc.if_else(pc.is_in(values, pa.array(["-", "(empty)", ""])), pa.scalar(None, pa.string()), values)
    return pc.cast(cleaned, wanted)


def _zeek_tsv(raw: bytes, path: Path) -> tuple[dict[str, Any], Any]:
    header = re.search(rb"^#fields\t(.*)$", raw, re.MULTILINE)
    if header is None:
        raise SourceError(
            "holds no #fields line", source=path, remedy="give a Zeek TSV or JSON log, or a Suricata eve.json"
        )
    names = header[1].decode().rstrip("\r").split("\t")
    body = b"\n".join(line for line in raw.splitlines() if line and not line.startswith(b"#")) + b"\n"
    table = pa.csv.read_csv(
        io.BytesIO(body),
        read_options=pa.csv.ReadOptions(column_names=names),
        parse_options=pa.csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    columns = {_ZEEK[name]: table[name].combine_chunks() for name in names if name in _ZEEK}
    joined = next((name for name in names if "label" in name and re.search(r"\s", name)), None)
    if joined is not None:  # IoT-23 writes its last three columns with spaces between: "(empty)   Malicious   C&C"
        columns["label"] = pc.list_element(pc.split_pattern_regex(table[joined].combine_chunks(), r"\s+"), 1)
    return columns, pc.cast(columns["time"], pa.float64()).to_numpy(zero_copy_only=False)


def _zeek_json(record: dict[str, Any]) -> dict[str, Any]:
    return {_ZEEK[key]: value for key, value in record.items() if key in _ZEEK}


def _eve(record: dict[str, Any]) -> dict[str, Any]:
    seen, start, end = record["flow"], _seconds(record["flow"]["start"]), _seconds(record["flow"]["end"])
    return {
        "time": start, "duration": max(end - start, 0.0), "src_ip": record["src_ip"], "dst_ip": record["dest_ip"],
        "dst_port": record.get("dest_port"), "protocol": record["proto"].lower(), "service": record.get("app_proto"),
        "bytes_out": seen["bytes_toserver"], "bytes_in": seen["bytes_toclient"], "packets_out": seen["pkts_toserver"],
        "packets_in": seen["pkts_toclient"], "conn_state": seen["state"],
    }  # fmt: skip


def _seconds(stamp: str) -> float:
    from datetime import datetime

    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def labelled(table: pa.Table) -> Labels:
    """What the log's own ``label`` column allows: Malicious is any risk, Benign benign, the rest unknown."""
    text = pc.fill_null(pc.utf8_lower(table["label"]), "")
    risk = pc.starts_with(text, "malicious").to_numpy()
    return np.where(risk, ANY_RISK, np.where(pc.equal(text, "benign").to_numpy(), BENIGN, UNKNOWN))


def _always(bits: int) -> Callable[[pa.Table], Labels]:
    return lambda table: np.full(table.num_rows, bits)


def _where(mask: pa.ChunkedArray, bits: int, otherwise: int | Labels) -> Labels:
    return np.where(pc.fill_null(mask, False).to_numpy(), bits, otherwise)


def _njrat(table: pa.Table) -> Labels:
    """Stratosphere 001: the labelled C2, and IPv6 neighbour noise and DNS as benign ("Background" there)."""
    text = pc.fill_null(table["label"], "")
    quiet = pc.and_(pc.equal(text, "Background"), pc.is_in(table["protocol"], pa.array(["icmp", "udp"])))
    return _where(pc.equal(text, "Malicious"), C2, _where(quiet, BENIGN, labelled(table)))


def _nmap(table: pa.Table) -> Labels:
    """Stratosphere 002: one client scans private networks; its resolver traffic is seen one way only: left out."""
    private = pc.starts_with(table["dst_ip"], "192.168.")
    for net in ("172.16.", "10.0."):
        private = pc.or_(private, pc.starts_with(table["dst_ip"], net))
    scanner = pc.and_(pc.equal(table["src_ip"], "172.16.1.11"), private)
    return _where(scanner, SCAN, UNKNOWN)


def _android(table: pa.Table) -> Labels:
    """Stratosphere 003: the RAT speaks on 1337/tcp; the rest is a phone's own traffic."""
    return _where(pc.equal(table["dst_port"], 1337), C2, BENIGN)


def _exposed_host(table: pa.Table) -> Labels:
    """RITA's server on the Internet: who knocks uninvited attacks it (as in 008, 011); what it starts is benign.

    One friend talked to it on purpose (and beaconed): left out, as is what could be an honest visit to a service.
    """
    own = pc.equal(table["src_ip"], "64.225.56.201")
    knock = pc.is_in(table["conn_state"], pa.array(["REJ", "S0", "RSTOS0", "RSTRH", "SH"]))
    login = pc.is_in(table["dst_port"], pa.array([22.0, 23.0, 3389.0, 445.0]))
    hostile = pc.and_(pc.or_(knock, login), pc.invert(pc.or_(own, pc.equal(table["src_ip"], "73.54.23.243"))))
    return _where(hostile, ANY_RISK, _where(own, BENIGN, UNKNOWN))


def _windows_domain(table: pa.Table) -> Labels:
    """OTRF APT29: ordinary Windows domain traffic; the attacker's 192.168.0.0/24 and outside tools are left out."""
    inside = pc.or_(pc.starts_with(table["dst_ip"], "10."), pc.is_in(table["protocol"], pa.array(["icmp"])))
    return _where(inside, BENIGN, UNKNOWN)


def _zeroaccess(table: pa.Table) -> Labels:
    """A host whose 207 peers on 16464/udp are the ZeroAccess network, unlabelled in zat; ICMP is its echo."""
    peers = pc.equal(table["dst_port"], 16464)
    return _where(peers, C2, _where(pc.equal(table["protocol"], "icmp"), UNKNOWN, BENIGN))


@dataclass(frozen=True)
class Capture:
    """One capture: its files inside the data folder and what its labels mean."""

    name: str
    files: str
    """Glob below the data folder; the files of one capture are read in order as one log."""
    label: Callable[[pa.Table], Labels]
    network: str
    """Captures of one network are never split between training and test, unless a figure says so."""


CAPTURES = (
    Capture("001", "sensor/stratosphere-testing/001-*/labeled-conn.log", _njrat, "malware lab"),
    Capture("002", "sensor/stratosphere-testing/002-*/conn.log", _nmap, "scan lab"),
    Capture("003", "sensor/stratosphere-testing/003-*/conn.log", _android, "phone"),
    Capture("008", "sensor/stratosphere-testing/008-*/data/conn.log.labeled", labelled, "campus"),
    Capture("011", "sensor/stratosphere-testing/011-*/data/conn.log.labeled", labelled, "campus"),
    Capture("exposed-1", "sensor/rita/missing_host/2024-04-19/conn.[0-9]*.log.gz", _exposed_host, "exposed"),
    Capture("exposed-2", "sensor/rita/missing_host/2024-04-20/conn.[0-9]*.log.gz", _exposed_host, "exposed"),
    Capture("exposed-3", "sensor/rita/missing_host/2024-04-21/conn.[0-9]*.log.gz", _exposed_host, "exposed"),
    Capture("proxy", "sensor/rita/proxy/conn.log", _always(BENIGN), "office"),
    Capture("proxy-rolling", "sensor/rita/proxy_rolling/conn.*.log.gz", _always(BENIGN), "office"),
    Capture("open-conns", "sensor/rita/open_conns/closed/conn.log", _always(BENIGN), "office"),
    Capture("domain-1", "sensor/otrf-apt29/day1/individual_zeek_logs/*_conn.log", _windows_domain, "domain"),
    Capture("domain-2", "sensor/otrf-apt29/day2/individual_zeek_logs/*_conn.log", _windows_domain, "domain"),
    Capture("zat", "sensor/zat/json/conn.log", _always(BENIGN), "zat"),
    Capture("zeroaccess", "sensor/zat/conn.log", _zeroaccess, "zat"),
)  # fmt: skip


@dataclass(frozen=True)
class Flows:
    """Encoded flows that a label speaks about."""

    features: flow.Floats
    """(rows, TOKENS, WIDTH)."""
    allowed: NDArray[np.bool_]
    """(rows, classes): what the label permits."""
    origin: NDArray[np.str_]
    """The capture of each row."""
    files: dict[str, int]
    """Data file (relative) -> rows in it."""


def allowed_classes(bits: Labels, classes: int = len(CLASSES)) -> NDArray[np.bool_]:
    """Bit sets to (rows, classes)."""
    return (bits[:, None] >> np.arange(classes) & 1).astype(bool)


def encoded(table: pa.Table, bits: Labels, origin: str, files: dict[str, int]) -> Flows:
    """The rows with a known label as network input."""
    known = bits != UNKNOWN
    rows = table.filter(pa.array(known))
    return Flows(flow.encode(rows), allowed_classes(bits[known]), np.full(rows.num_rows, origin), files)


def load(data: Path, names: Iterable[str], transform: Callable[[pa.Table], pa.Table] | None = None) -> Flows:
    """Captures by name, with context computed over every row of each before unknown rows are left out.

    Args:
        data: the data folder.
        names: names of ``CAPTURES``.
        transform: applied to each capture's flows after labelling and before the context, see :func:`transposed`.

    Raises:
        SourceError: a capture's files are not below ``data``.
    """
    wanted = set(names)
    parts = [_load(data, capture, transform) for capture in CAPTURES if capture.name in wanted]
    return join(parts)


def _load(data: Path, capture: Capture, transform: Callable[[pa.Table], pa.Table] | None) -> Flows:
    paths = sorted(data.glob(capture.files))
    if not paths:
        raise SourceError(f"no file matches {capture.files}", source=data, remedy="give --data the data folder")
    tables = [read_flows(path) for path in paths]
    files = {str(p.relative_to(data)): t.num_rows for p, t in zip(paths, tables, strict=True)}
    whole = pa.concat_tables(tables).sort_by("time")
    bits = capture.label(whole)
    return encoded(flow.context(transform(whole) if transform else whole), bits, capture.name, files)


def join(parts: Iterable[Flows]) -> Flows:
    """Several sets as one."""
    items = list(parts)
    files: dict[str, int] = {}
    for item in items:
        files.update(item.files)
    return Flows(
        np.concatenate([i.features for i in items]), np.concatenate([i.allowed for i in items]),
        np.concatenate([i.origin for i in items]), files,
    )  # fmt: skip


def transposed(table: pa.Table) -> pa.Table:
    """The same flows with the addresses of both ends swapped, before context.

    Captures of one host show attacks only as many-to-one and ordinary traffic only as one-to-many. Swapped, the same
    probes are one infected host scanning many, and the same visits are a server with many clients; with both, direction
    tells nothing.
    """
    names = ["dst_ip" if n == "src_ip" else "src_ip" if n == "dst_ip" else n for n in table.column_names]
    return table.rename_columns(names)


def as_suricata(table: pa.Table) -> pa.Table:
    """What Suricata would have written: frame bytes instead of payload, three states, no service where unsure."""
    state = table["conn_state"]
    new = pc.is_in(state, pa.array(["S0", "REJ"]))
    closed = pc.is_in(state, pa.array(["SF", "RSTO", "RSTR", "REJ", "RSTOS0"]))
    word = pc.if_else(new, "new", pc.if_else(closed, "closed", "established"))
    return _with_headers(table, 54).set_column(table.column_names.index("conn_state"), "conn_state", word)


def as_netflow(table: pa.Table) -> pa.Table:
    """What a NetFlow exporter knows: IP bytes, no connection state, no service."""
    bare = _with_headers(table, 40)
    for name in ("conn_state", "service"):
        bare = bare.set_column(bare.column_names.index(name), name, pa.nulls(bare.num_rows, pa.string()))
    return bare


def _with_headers(table: pa.Table, size: int) -> pa.Table:
    for side in ("out", "in"):
        name = f"bytes_{side}"
        grown = pc.add(
            pc.fill_null(table[name], 0.0), pc.multiply(pc.fill_null(table[f"packets_{side}"], 0.0), float(size))
        )
        table = table.set_column(table.column_names.index(name), name, grown)
    return table


def as_refused(table: pa.Table) -> pa.Table:
    """The same network behind the other kind of firewall: silence becomes a refusal (REJ) and a refusal silence (S0).

    Whether a probe is dropped or refused says who was probed, not that it was one.
    """
    silent = pc.and_(pc.equal(table["conn_state"], "S0"), pc.equal(table["protocol"], "tcp"))
    refused = pc.equal(table["conn_state"], "REJ")
    state = pc.if_else(silent, "REJ", pc.if_else(refused, "S0", table["conn_state"]))
    answers = pc.if_else(silent, table["packets_out"], pc.if_else(refused, 0.0, table["packets_in"]))
    table = table.set_column(table.column_names.index("conn_state"), "conn_state", state)
    return table.set_column(table.column_names.index("packets_in"), "packets_in", answers)
