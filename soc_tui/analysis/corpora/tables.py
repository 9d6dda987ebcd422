"""NSL-KDD and UNSW-NB15 mapped onto the flow columns: attacks that no labelled capture here has (floods, exploits).

Both are tables of finished features without addresses, so what cannot be mapped stays unknown: NSL-KDD knows no packets
and counts only flows to the same host; UNSW-NB15 knows no ports and no slots. They serve training, never a test figure:
a score on them says nothing about a capture.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from soc_tui.analysis.corpora.flow import BENIGN, C2, FLOOD, INTRUSION, SCAN, Labels

NSL = "flows/NSL-KDD/KDDTrain+.txt.gz"
UNSW = "flows/UNSW-NB15-82k/UNSW_NB15_training-set.csv.gz"

_PORTS = {
    "http": 80, "private": 4000, "domain_u": 53, "smtp": 25, "ftp_data": 20, "ftp": 21, "telnet": 23, "ssh": 22,
    "domain": 53, "pop_3": 110, "imap4": 143, "http_443": 443, "sunrpc": 111, "netbios_ns": 137, "netbios_ssn": 139,
    "dns": 53, "ftp-data": 20, "ssl": 443, "pop3": 110, "snmp": 161, "ntp_u": 123, "login": 513, "shell": 514,
}  # fmt: skip
_NSL_SCANS = ("ipsweep", "nmap", "portsweep", "satan")
_NSL_FLOODS = ("back", "land", "neptune", "pod", "smurf", "teardrop")
_UNSW_CLASSES = {
    "Normal": BENIGN, "Reconnaissance": SCAN, "Analysis": SCAN, "DoS": FLOOD, "Exploits": INTRUSION,
    "Fuzzers": INTRUSION | SCAN, "Shellcode": INTRUSION, "Worms": INTRUSION, "Backdoor": C2,
    "Generic": INTRUSION | FLOOD,
}  # fmt: skip


def read(path: Path, names: list[str] | None) -> pa.Table:
    """A gzipped CSV without byte order mark; its own header when ``names`` is None."""
    return pa.csv.read_csv(io.BytesIO(gzip.decompress(path.read_bytes()).lstrip(b"\xef\xbb\xbf")),
                           read_options=pa.csv.ReadOptions(column_names=names))  # fmt: skip


def _ports(services: pa.ChunkedArray) -> pa.Array:
    return pa.array([_PORTS.get(str(s)) for s in services.to_pylist()], pa.float64())


def load_nsl(data: Path) -> tuple[pa.Table, Labels]:
    """KDDTrain+ as flows with the part of the context it knows, and their classes."""
    raw = read(data / NSL, [f"f{i}" for i in range(43)])
    count, same = (np.asarray(raw[n].to_numpy(), float) for n in ("f22", "f23"))
    errors = np.clip(raw["f24"].to_numpy() + raw["f26"].to_numpy(), 0, 1)  # serror_rate + rerror_rate
    tcp = pc.equal(raw["f1"], "tcp")
    table = pa.table({
        "duration": raw["f0"].cast(pa.float64()), "protocol": raw["f1"], "dst_port": _ports(raw["f2"]),
        "service": pc.if_else(pc.is_in(raw["f2"], pa.array(["http", "ssh"])), raw["f2"], None),
        "conn_state": pc.if_else(tcp, raw["f3"], None),
        "bytes_out": raw["f4"].cast(pa.float64()), "bytes_in": raw["f5"].cast(pa.float64()),
        "dst_flows": pa.array(count), "dst_failed": pa.array(count * errors), "pair_flows": pa.array(same),
    })  # fmt: skip
    attack = raw["f41"]
    bits = np.full(raw.num_rows, INTRUSION, np.int64)
    for names, value in ((_NSL_SCANS, SCAN), (_NSL_FLOODS, FLOOD), (("normal",), BENIGN)):
        bits[pc.is_in(attack, pa.array(names)).to_numpy()] = value
    return table, bits


def load_unsw(data: Path) -> tuple[pa.Table, Labels]:
    """The 82,332-row part without its duplicates; IP bytes less 40 of headers a packet stand for payload."""
    raw = read(data / UNSW, None)
    payload = {
        side: np.maximum(raw[f"{s}bytes"].to_numpy() - 40.0 * raw[f"{s}pkts"].to_numpy(), 0)
        for side, s in (("out", "s"), ("in", "d"))
    }
    tcp = pc.equal(raw["proto"], "tcp")
    table = pa.table({
        "duration": raw["dur"], "protocol": raw["proto"], "dst_port": _ports(raw["service"]),
        "service": pc.if_else(pc.equal(raw["service"], "-"), None, raw["service"]),
        "conn_state": pc.if_else(tcp, raw["state"], None),
        "bytes_out": pa.array(payload["out"]), "bytes_in": pa.array(payload["in"]),
        "packets_out": raw["spkts"].cast(pa.float64()), "packets_in": raw["dpkts"].cast(pa.float64()),
    })  # fmt: skip
    bits = np.array([_UNSW_CLASSES[str(c)] for c in raw["attack_cat"].to_pylist()], np.int64)
    known = np.array(
        [str(p) in {"tcp", "udp", "icmp"} for p in raw["proto"].to_pylist()]
    )  # the rest is the generator's
    return table.filter(pa.array(known)), bits[known]
