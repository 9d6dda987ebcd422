"""Labelled flow records: the captures of the data folder with the classes that their labels allow.

What a label says is what its source can know. "External attack" names no kind of attack, so every risk class is
allowed (see ``network.allowed_loss``); "background" says nothing, so the row only feeds the context of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from soc_tui.analysis.corpora.flow_files import FLOWS, read_flows
from soc_tui.analysis.corpora.flow_views import View, plain
from soc_tui.analysis.encoding import flow
from soc_tui.core.errors import SourceError

__all__ = ["CAPTURES", "CLASSES", "FLOWS", "read_flows"]

CLASSES = ("benign", "scan", "flood", "intrusion", "c2")
"""What a flow can be. scan: T1046; flood: T1498; intrusion: brute force and exploits; c2: T1071 and exfiltration."""

BENIGN, SCAN, FLOOD, INTRUSION, C2 = (1 << i for i in range(len(CLASSES)))
ANY_RISK = SCAN | FLOOD | INTRUSION | C2
UNKNOWN = 0
"""Left out of training and figures."""

Labels = NDArray[np.int64]


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
    """A host whose 207 peers on 16464/udp are the ZeroAccess network, unlabelled in zat; ICMP is its echo.

    In the midst of them it knocks twice, in vain, at 31.184.245.120:12757, a port without a service at an address that
    it asked no resolver for: nobody can call that benign, and no label says what it is.
    """
    peers = pc.equal(table["dst_port"], 16464)
    unsure = pc.or_(pc.equal(table["protocol"], "icmp"), pc.equal(table["dst_ip"], "31.184.245.120"))
    return _where(peers, C2, _where(unsure, UNKNOWN, BENIGN))


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


def load(data: Path, names: Iterable[str], view: View = plain, seed: int = 0) -> Flows:
    """Captures by name, with context computed over every row of each before unknown rows are left out.

    Args:
        data: the data folder.
        names: names of ``CAPTURES``.
        view: applied to each capture's flows after labelling and before the context, see ``flow_views``.
        seed: of the view's random choices.

    Raises:
        SourceError: a capture's files are not below ``data``.
    """
    rng = np.random.default_rng(seed)
    return join(seen(capture, view, rng) for capture in read(data, names))


@dataclass(frozen=True)
class Read:
    """A capture's flows in the order of time, with its labels as the column ``bits``."""

    name: str
    table: pa.Table
    files: dict[str, int]
    """Data file (relative) -> rows in it."""


def read(data: Path, names: Iterable[str]) -> list[Read]:
    """Captures by name, labelled; see :func:`load`."""
    wanted = set(names)
    return [_read(data, capture) for capture in CAPTURES if capture.name in wanted]


def _read(data: Path, capture: Capture) -> Read:
    paths = sorted(data.glob(capture.files))
    if not paths:
        raise SourceError(f"no file matches {capture.files}", source=data, remedy="give --data the data folder")
    tables = [read_flows(path) for path in paths]
    files = {str(p.relative_to(data)): t.num_rows for p, t in zip(paths, tables, strict=True)}
    whole = pa.concat_tables(tables).sort_by("time").combine_chunks()
    return Read(capture.name, whole.append_column("bits", pa.array(capture.label(whole), pa.int64())), files)


def seen(
    capture: Read, view: View, rng: np.random.Generator, most: int | None = None, with_context: bool = True
) -> Flows:
    """A capture through a view, encoded.

    Args:
        capture: labelled flows.
        view: see ``flow_views``.
        rng: of the view and of the choice of rows.
        most: at most so many rows of either side of the label; None is all.
        with_context: False leaves the context unknown, as for a single record.
    """
    table = view(capture.table, rng)
    bits = table["bits"].to_numpy()
    table = flow.context(table) if with_context else table
    chosen = np.flatnonzero(bits != UNKNOWN)
    if most is not None:
        sides = [chosen[bits[chosen] == BENIGN], chosen[bits[chosen] != BENIGN]]
        chosen = np.sort(np.concatenate([rng.permutation(side)[:most] for side in sides]))
    return encoded(table.take(pa.array(chosen)), bits[chosen], capture.name, capture.files)


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
