"""Invented networks: seeded logs of ordinary services and of attacks that no labelled capture here shows.

The captures know few kinds of network. These have any number of hosts, public or private, busy or quiet, with the
services of a home, an office, a server room or a field of devices, and, in half of them, attacks by what is publicly known of them:
probes of one port across many hosts, of many ports on one, background noise of the Internet, password guessing, floods,
beacons over odd ports, peers of a botnet. They serve training only, never a figure: a score on them says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.corpora.flow import BENIGN, C2, FLOOD, INTRUSION, SCAN
from soc_tui.analysis.corpora.flow_files import FLOWS

SPAN = 3600.0
"""Seconds that an invented log lasts."""

_TELNETS = (23, 2323, 22, 2222, 80, 8080, 81, 8081, 443, 445, 139, 1433, 3306, 3389, 5900, 5555, 7547, 37215, 52869,
            5060, 6379, 8291, 21, 25, 88, 2375, 9200, 5432, 8443, 60001, 34567, 49152, 5000, 7574, 1723)  # fmt: skip
_START = 1_700_000_000.0


@dataclass
class _Log:
    rng: np.random.Generator
    hosts: list[str]
    parts: list[dict[str, Any]] = field(default_factory=list)

    def outside(self, count: int) -> NDArray[Any]:
        """Addresses of the Internet, (count,)."""
        octets = self.rng.integers(1, 255, (count, 4))
        octets[:, 0] = np.clip(octets[:, 0], 11, 223)
        return np.array([".".join(map(str, o)) for o in octets], object)

    def host(self) -> str:
        return str(self.rng.choice(self.hosts))

    def size(self, low: float, high: float, count: int) -> NDArray[np.float64]:
        """Numbers spread evenly over the orders of magnitude from ``low`` to ``high``."""
        return np.asarray(np.exp(self.rng.uniform(np.log(low), np.log(high), count)), np.float64)

    def pick(self, count: int, **shares: float) -> NDArray[Any]:
        """Texts by share; ``none`` stands for null."""
        names = np.array([None if n == "none" else n for n in shares], object)
        weights = np.array(list(shares.values()))
        return np.asarray(names[self.rng.choice(len(names), count, p=weights / weights.sum())], object)

    def times(self, count: int, period: float | None = None) -> NDArray[np.float64]:
        """At random within the log, or every ``period`` seconds with a little jitter."""
        if period is None:
            low, high = np.sort(self.rng.uniform(0, SPAN, 2))
            return np.sort(self.rng.uniform(low, high, count))
        return np.asarray(np.arange(count) * period + self.rng.normal(0, period * 0.02, count) + period, np.float64)

    def add(
        self, bits: int, time: NDArray[np.float64], src: Any, dst: Any, port: Any, protocol: str, state: Any,
        service: Any = None, out: Any = 0.0, back: Any = 0.0, packets: Any = 1.0, answers: Any = 0.0, lasted: Any = 0.0,
    ) -> None:  # fmt: skip
        """Flows, each argument one value for all or (rows,)."""
        rows = len(time)

        def wide(value: Any, kind: type) -> NDArray[Any]:
            return np.full(rows, value, kind) if np.ndim(value) == 0 else np.asarray(value, kind)

        state = wide(state, object)
        packets, answers = np.round(wide(packets, float)), np.round(wide(answers, float))
        silent = np.isin(state, ("S0", "REJ", "RSTOS0", "SH")) & (protocol == "tcp")
        answers = np.where(state == "REJ", np.maximum(answers, 1), np.where(silent, 0.0, answers))
        out, back = np.where(silent, 0.0, wide(out, float)), np.where(silent | (answers == 0), 0.0, wide(back, float))
        lasted = wide(lasted, float)
        lone = (packets + answers) <= 1  # Zeek knows no duration and no bytes of a lone packet
        nothing = [np.where(lone, np.nan, v) for v in (lasted, np.round(out), np.round(back))]
        self.parts.append({
            "bits": np.full(rows, bits), "time": _START + time, "src_ip": wide(src, object), "dst_ip": wide(dst, object),
            "dst_port": wide(port, float), "protocol": wide(protocol, object), "service": wide(service, object),
            "conn_state": state, "duration": nothing[0], "bytes_out": nothing[1], "bytes_in": nothing[2],
            "packets_out": packets, "packets_in": answers,
        })  # fmt: skip

    def table(self) -> pa.Table:
        columns = {n: np.concatenate([p[n] for p in self.parts]) for n in self.parts[0]}
        kept = (columns["time"] - _START < 2 * SPAN) & (columns["time"] >= _START)
        columns = {n: v[kept] for n, v in columns.items()}
        arrays = [
            pa.array((columns["time"] * 1e6).astype(np.int64)).cast(f.type) if f.name == "time"
            else pa.array(columns[f.name], f.type, from_pandas=True) if f.name in columns
            else pa.nulls(len(columns["time"]), f.type)
            for f in FLOWS
        ]  # fmt: skip
        whole = pa.table(arrays, schema=FLOWS).append_column("bits", pa.array(columns["bits"], pa.int64()))
        return whole.sort_by("time").combine_chunks()


def _browse(log: _Log, host: str) -> None:
    """Visits: names are looked up, then TLS, QUIC or HTTP to many servers; some never answer, some are cut off."""
    rng, count = log.rng, int(log.size(5, 250, 1)[0])
    time, servers = log.times(count), log.outside(max(count // 4, 1))
    dst = servers[rng.integers(0, len(servers), count)]
    resolver = str(rng.choice([log.hosts[0], "8.8.8.8", "10.0.0.1"]))
    lost = 60.0 if rng.random() < 0.1 else 4.0
    log.add(BENIGN, time - 0.05, host, resolver, 53, "udp", log.pick(count, SF=94, S0=lost, SHR=2), log.pick(count, dns=9, none=1),
            log.size(25, 60, count), log.size(40, 300, count), 1, 1, log.size(0.001, 0.2, count))  # fmt: skip
    port, http = rng.choice([443, 80, 8080, 8443], count, p=[0.8, 0.15, 0.03, 0.02]), log.pick(count, none=20, some=80)
    named = np.where(http == "some", np.where(np.isin(port, (80, 8080)), "http", "ssl"), None)
    size = log.size(200, 5e6, count)
    log.add(BENIGN, time, host, dst, port, "tcp",
            log.pick(count, SF=60, S1=8, S2=2, S3=3, RSTO=10, RSTR=8, OTH=5, S0=2, REJ=0.5, SH=0.5, RSTRH=0.5, SHR=0.5),
            named, log.size(200, 2e4, count), size, 4 + size / 4000, 4 + size / 1300, log.size(0.01, 300, count))  # fmt: skip
    quic = max(count // 5, 1)
    size = log.size(2000, 2e6, quic)
    log.add(BENIGN, log.times(quic), host, log.outside(quic), 443, "udp", log.pick(quic, SF=90, S0=8, SHR=2),
            log.pick(quic, none=1, quic=1), log.size(1300, 9000, quic), size, 3 + size / 3000, 4 + size / 1300,
            log.size(0.05, 120, quic))  # fmt: skip


def _housekeeping(log: _Log, host: str) -> None:
    """What any host says by itself: time, address, discovery by multicast and broadcast, neighbours, unreachable."""
    rng = log.rng
    ask = int(rng.integers(1, 30))
    log.add(BENIGN, log.times(ask, SPAN / ask), host, log.outside(1)[0], 123, "udp", log.pick(ask, SF=85, S0=15),
            log.pick(ask, ntp=3, none=1), 48, 48, 1, 1, 0.02)  # fmt: skip
    for dst, port, service in (("224.0.0.251", 5353, "dns"), ("239.255.255.250", 1900, None), ("224.0.0.252", 5355, "dns"),
                               ("10.0.0.255", 137, "dns"), ("10.0.0.255", 138, None), ("255.255.255.255", 67, "dhcp")):  # fmt: skip
        if rng.random() < 0.4:
            many = int(rng.integers(1, 40))
            packets = rng.integers(1, 8, many)
            log.add(BENIGN, log.times(many), host, dst, port, "udp", "S0", service, packets * 60.0, 0, packets, 0,
                    rng.uniform(0, 4, many))  # fmt: skip
    some = int(rng.integers(1, 12))
    log.add(BENIGN, log.times(some), host, log.pick(some, **{"ff02::1": 1, "ff02::16": 1, "ff02::2": 1}),
            rng.choice([130, 134, 135, 136, 143], some), "icmp", "OTH", None, rng.integers(16, 80, some), 0, 1, 0)  # fmt: skip
    log.add(BENIGN, log.times(some), host, log.outside(some), 3, "icmp", "OTH", None, rng.integers(30, 300, some), 0,
            rng.integers(1, 4, some), 0)  # fmt: skip


def _device(log: _Log, host: str) -> None:
    """A thing that keeps one line to its maker: long connections, heartbeats at a steady pace, now and then a failure."""
    rng = log.rng
    period = float(log.size(10, 600, 1)[0])
    count = max(int(min(SPAN / period, 300)), 2)
    port = int(rng.choice([443, 8883, 1883, 5228, 5223, 80, 8886, 4070]))
    packets = log.size(2, 60, count)
    log.add(BENIGN, log.times(count, period), host, log.outside(1)[0], port, "tcp",
            log.pick(count, SF=5, S1=2, OTH=2, RSTO=1, RSTR=1, S3=1, S0=0.2), log.pick(count, none=1, ssl=1),
            packets * 60, packets * 90, packets, packets, min(period, float(log.size(0.05, 600, 1)[0])))  # fmt: skip


def _server(log: _Log, host: str) -> None:
    """A host that many clients use on its one or two services."""
    rng, count = log.rng, int(log.size(20, 600, 1)[0])
    clients = log.outside(max(int(count * rng.uniform(0.05, 0.7)), 1))
    port, service = [(443, "ssl"), (80, "http"), (25, "smtp"), (993, "ssl"), (53, "dns"), (5432, None), (3306, None),
                     (445, "smb"), (88, "krb_tcp"), (389, None), (8080, "http")][int(rng.integers(11))]  # fmt: skip
    size = log.size(300, 1e6, count)
    log.add(BENIGN, log.times(count), clients[rng.integers(0, len(clients), count)], host, port,
            "udp" if port == 53 else "tcp", log.pick(count, SF=80, S1=4, RSTO=6, RSTR=6, S3=2, OTH=2),
            service if rng.random() < 0.8 else None, log.size(100, 2e4, count), size, 4 + size / 3000, 4 + size / 1300,
            log.size(0.005, 100, count))  # fmt: skip


def _office(log: _Log, host: str) -> None:
    """Directory, files, print, remote administration, monitoring of the neighbours and a backup."""
    rng = log.rng
    for port, service in ((445, "gssapi,smb"), (88, "krb_tcp"), (389, None), (135, "dce_rpc"), (49667, "dce_rpc"), (5985, None),
                          (3128, "http,ssl"), (22, "ssh"), (3389, None), (9100, None), (1433, None)):  # fmt: skip
        if rng.random() < 0.35:
            count = int(log.size(2, 80, 1)[0])
            size = log.size(300, 3e5, count)
            log.add(BENIGN, log.times(count), host, log.host(), port, "tcp",
                    log.pick(count, SF=55, RSTO=20, RSTR=18, S1=4, S3=2, REJ=0.5, S0=0.5), service,
                    log.size(200, 2e4, count), size, 4 + size / 2000, 4 + size / 1300, log.size(0.01, 600, count))  # fmt: skip
    if rng.random() < 0.3 and len(log.hosts) > 3:
        count = min(len(log.hosts) * 10, 400)
        watched = np.array(log.hosts, object)[np.arange(count) % len(log.hosts)]
        if rng.random() < 0.5:
            log.add(BENIGN, log.times(count), host, watched, 8, "icmp", "OTH", None, 56, 56, 1, 1, 0.001)
        else:
            log.add(BENIGN, log.times(count), host, watched, 161, "udp", log.pick(count, SF=97, S0=3), "snmp", 80, 120,
                    2, 2, 0.01)  # fmt: skip


def _horizontal(log: _Log) -> None:
    """One source, a few ports, hosts without end: an infected host looking for others, or one of them finding us."""
    rng, count = log.rng, int(log.size(5, 1500, 1)[0])
    src = log.host() if rng.random() < 0.7 else log.outside(1)[0]
    near = rng.random() < 0.3 and len(log.hosts) > 4
    dst = np.array(log.hosts, object)[np.arange(count) % len(log.hosts)] if near else log.outside(count)
    ports = rng.choice(_TELNETS, int(rng.integers(1, 4)), replace=False)
    tries = rng.choice([1, 1, 1, 2, 3, 4, 6], count)
    state = log.pick(count, S0=85, REJ=7, RSTOS0=2, RSTRH=1, SH=1, OTH=1, RSTR=1, SF=2)
    log.add(SCAN, log.times(count), src, dst, rng.choice(ports, count), "tcp", state, None, 60, 60, tries, 3,
            np.where(tries > 1, tries - 1.0 + rng.uniform(0, 0.3, count), 0.0))  # fmt: skip


def _vertical(log: _Log) -> None:
    """One source, one host, many ports."""
    rng, count = log.rng, int(log.size(20, 1000, 1)[0])
    refused = rng.uniform(0, 1)
    udp = rng.random() < 0.2
    state = log.pick(count, S0=100 * (1 - refused) + 1, REJ=0.01 if udp else 100 * refused + 1, RSTOS0=2, RSTR=2, OTH=1)
    src = log.outside(1)[0] if rng.random() < 0.6 else log.host()
    log.add(SCAN, log.times(count), src, log.host(), rng.integers(1, 65536, count), "udp" if udp else "tcp",
            np.full(count, "S0", object) if udp else state, None, 20 if udp else 0, 0, rng.choice([1, 1, 2], count), 1, 0.05)  # fmt: skip


def _noise(log: _Log) -> None:
    """The Internet knocking on an exposed host: many strangers, each a flow or three on some port."""
    rng, count = log.rng, int(log.size(20, 800, 1)[0])
    strangers = log.outside(max(int(count * rng.uniform(0.2, 0.9)), 1))
    src, dst = strangers[rng.integers(0, len(strangers), count)], log.host()
    port = np.where(rng.random(count) < 0.6, rng.choice(_TELNETS, count), rng.integers(1, 65536, count))
    refusing = rng.random() < 0.5
    state = log.pick(count, S0=10 if refusing else 80, REJ=70 if refusing else 3, RSTOS0=3, RSTR=3, OTH=3, SH=1, SF=2, RSTRH=1)
    log.add(SCAN | INTRUSION, log.times(count), src, dst, port, "tcp", state, None, 40, 40, rng.choice([1, 1, 2, 3], count), 1,
            rng.choice([0.0, 0.0, 1.0, 3.0], count))  # fmt: skip
    few = max(count // 6, 1)
    log.add(SCAN, log.times(few), strangers[rng.integers(0, len(strangers), few)], dst,
            np.where(rng.random(few) < 0.6, rng.choice([53, 123, 161, 389, 1900, 5060, 11211, 19, 137, 5683, 3702], few),
                     rng.integers(1, 65536, few)), "udp", "S0", None, rng.integers(1, 450, few), 0, 1, 0)  # fmt: skip
    log.add(SCAN, log.times(few), strangers[rng.integers(0, len(strangers), few)], dst, 8, "icmp", "OTH", None,
            rng.integers(0, 60, few), rng.integers(0, 2, few) * 40, 1, rng.integers(0, 2, few))  # fmt: skip


def _guessing(log: _Log) -> None:
    """Passwords tried on a login service, by one host or by hundreds: short conversations of nearly the same size."""
    rng, count = log.rng, int(log.size(15, 800, 1)[0])
    sources = log.outside(int(log.size(1, 300, 1)[0]))
    port, service = [(22, "ssh"), (22, "ssh"), (22, "ssh"), (23, None), (3389, None), (21, "ftp"), (5900, None), (1433, None),
                     (3306, "mysql"), (445, "gssapi,smb"), (2222, "ssh"), (143, "imap")][int(rng.integers(12))]  # fmt: skip
    sent, back = float(log.size(300, 3000, 1)[0]), float(log.size(500, 4000, 1)[0])
    packets = rng.integers(6, 30, count)
    log.add(INTRUSION, np.sort(rng.uniform(0, SPAN, count)), sources[rng.integers(0, len(sources), count)], log.host(), port, "tcp",
            log.pick(count, SF=60, RSTO=15, RSTR=15, S1=3, S3=2, SH=1, REJ=2, S0=2),
            service if rng.random() < 0.7 else None, sent * rng.uniform(0.7, 1.4, count), back * rng.uniform(0.7, 1.4, count),
            packets, packets, log.size(0.3, 30, count))  # fmt: skip


def _flood(log: _Log) -> None:
    """One target buried in segments, datagrams or requests."""
    rng, count = log.rng, int(log.size(200, 1500, 1)[0])
    src: Any = log.host() if rng.random() < 0.6 else log.outside(count)
    dst, port = log.outside(1)[0], int(rng.choice([80, 443, 53, 22, 8080, 25565, int(rng.integers(1, 65536))]))
    start = rng.uniform(0, SPAN)
    time = np.sort(rng.uniform(start, start + float(log.size(1, 600, 1)[0]), count))
    if rng.random() < 0.5:
        packets = log.size(1, 3000, count)
        log.add(FLOOD, time, src, dst, port, "udp", log.pick(count, S0=95, SF=5), None, packets * rng.integers(20, 1400), 60,
                packets, rng.random(count) < 0.05, log.size(0.001, 100, count))  # fmt: skip
    else:
        packets = log.size(1, 50, count)
        log.add(FLOOD, time, src, dst, port, "tcp", log.pick(count, S0=50, OTH=30, REJ=10, RSTOS0=5, SH=5), None, 0, 0, packets,
                0, log.size(0.001, 30, count))  # fmt: skip


def _beacon(log: _Log) -> None:
    """A bot and its master: the same small conversation at a steady pace, or attempts at a master who is gone."""
    rng = log.rng
    period = float(log.size(3, 300, 1)[0])
    count = max(int(min(SPAN / period, 400)), 3)
    port = int(rng.choice([6667, 1177, 1337, 4444, 5552, 666, 48101, 1312, 9999, 7777, 1604, 3460, 8888, 23, 6969,
                           int(rng.integers(1024, 65536))]))  # fmt: skip
    gone = rng.random() < 0.5
    shares = {"S0": 80, "REJ": 18, "RSTR": 1, "SF": 1} if gone else {"S3": 3, "SF": 3, "RSTO": 2, "RSTR": 2, "S1": 3, "OTH": 1}
    tries, packets = rng.choice([1, 2, 3, 6], count), rng.integers(4, 16, count)
    log.add(C2, log.times(count, period), log.host(), log.outside(1)[0], port, "tcp", log.pick(count, **shares),
            log.pick(1, none=4, irc=1)[0], rng.integers(2, 400, count), rng.integers(2, 400, count),
            tries if gone else packets, 1 if gone else packets, rng.uniform(0.1, min(period, 60), count))  # fmt: skip


def _peers(log: _Log) -> None:
    """A bot that keeps in touch with a network of its kind over one high UDP or TCP port."""
    rng, count = log.rng, int(log.size(30, 500, 1)[0])
    packets = rng.integers(1, 5, count)
    answered = rng.random(count) < rng.uniform(0.05, 0.6)
    sent = int(rng.integers(12, 120))
    log.add(C2, log.times(count), log.host(), log.outside(count), int(rng.integers(1024, 65536)), "udp",
            np.where(answered, "SF", "S0"), None, packets * sent, packets * rng.integers(20, 600), packets,
            np.where(answered, packets, 0), rng.uniform(0, 20, count))  # fmt: skip


_ATTACKS = (_horizontal, _horizontal, _vertical, _noise, _noise, _guessing, _guessing, _flood, _beacon, _beacon, _peers)
_LIVES = (_browse, _device, _server, _office)


def invented(seed: int) -> pa.Table:
    """One invented network's log, a table of ``FLOWS`` with ``bits``; the same seed yields the same log."""
    rng = np.random.default_rng((8191, seed))
    count = int(np.exp(rng.uniform(0, np.log(25))))
    public = rng.random() < 0.3
    octets = rng.integers(11, 220, 3)
    net = f"{octets[0]}.{octets[1]}.{octets[2]}." if public else f"10.{octets[0]}.{octets[1]}."
    log = _Log(rng, [f"{net}{i + 2}" for i in range(count)])
    for host in log.hosts:
        _housekeeping(log, host)
        for life in _LIVES:
            if rng.random() < 0.45:
                life(log, host)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            _ATTACKS[int(rng.integers(len(_ATTACKS)))](log)
    return log.table()
