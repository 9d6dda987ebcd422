"""Ordinary services of invented networks: visits, housekeeping, devices, servers, offices."""

from __future__ import annotations

import numpy as np

from soc_tui.analysis.corpora.flow import BENIGN
from soc_tui.analysis.corpora.flow_log import SPAN, Log


def _browse(log: Log, host: str) -> None:
    """Visits: names are looked up, then TLS, QUIC or HTTP to many servers; some never answer, some are cut off."""
    rng, count = log.rng, int(log.size(5, 250, 1)[0])
    time, servers = log.times(count), log.outside(max(count // 4, 1))
    dst = servers[rng.integers(0, len(servers), count)]
    resolver = str(rng.choice([log.hosts[0], "8.8.8.8", "10.0.0.1"]))
    lost = 60.0 if rng.random() < 0.1 else 4.0
    log.add(
        BENIGN,
        time - 0.05,
        host,
        resolver,
        53,
        "udp",
        log.pick(count, SF=94, S0=lost, SHR=2),
        log.pick(count, dns=9, none=1),
        log.size(25, 60, count),
        log.size(40, 300, count),
        1,
        1,
        log.size(0.001, 0.2, count),
    )
    port, http = rng.choice([443, 80, 8080, 8443], count, p=[0.8, 0.15, 0.03, 0.02]), log.pick(count, none=20, some=80)
    named = np.where(np.isin(port, (80, 8080)), "http", "ssl").astype(object)
    named[http != "some"] = None
    size = log.size(200, 5e6, count)
    log.add(
        BENIGN,
        time,
        host,
        dst,
        port,
        "tcp",
        log.pick(count, SF=60, S1=8, S2=2, S3=3, RSTO=10, RSTR=8, OTH=5, S0=2, REJ=0.5, SH=0.5, RSTRH=0.5, SHR=0.5),
        named,
        log.size(200, 2e4, count),
        size,
        4 + size / 4000,
        4 + size / 1300,
        log.size(0.01, 300, count),
    )
    quic = max(count // 5, 1)
    size = log.size(2000, 2e6, quic)
    log.add(
        BENIGN,
        log.times(quic),
        host,
        log.outside(quic),
        443,
        "udp",
        log.pick(quic, SF=90, S0=8, SHR=2),
        log.pick(quic, none=1, quic=1),
        log.size(1300, 9000, quic),
        size,
        3 + size / 3000,
        4 + size / 1300,
        log.size(0.05, 120, quic),
    )


def housekeeping(log: Log, host: str) -> None:
    """What any host says by itself: time, address, discovery by multicast and broadcast, neighbours, unreachable."""
    rng = log.rng
    ask = int(rng.integers(1, 30))
    log.add(
        BENIGN,
        log.times(ask, SPAN / ask),
        host,
        log.outside(1)[0],
        123,
        "udp",
        log.pick(ask, SF=85, S0=15),
        log.pick(ask, ntp=3, none=1),
        48,
        48,
        1,
        1,
        0.02,
    )
    for dst, port, service in (
        ("224.0.0.251", 5353, "dns"),
        ("239.255.255.250", 1900, None),
        ("224.0.0.252", 5355, "dns"),
        ("10.0.0.255", 137, "dns"),
        ("10.0.0.255", 138, None),
        ("255.255.255.255", 67, "dhcp"),
    ):
        if rng.random() < 0.4:
            many = int(rng.integers(1, 40))
            packets = rng.integers(1, 8, many)
            log.add(
                BENIGN,
                log.times(many),
                host,
                dst,
                port,
                "udp",
                "S0",
                service,
                packets * 60.0,
                0,
                packets,
                0,
                rng.uniform(0, 4, many),
            )
    some = int(rng.integers(1, 12))
    log.add(
        BENIGN,
        log.times(some),
        host,
        log.pick(some, **{"ff02::1": 1, "ff02::16": 1, "ff02::2": 1}),
        rng.choice([130, 134, 135, 136, 143], some),
        "icmp",
        "OTH",
        None,
        rng.integers(16, 80, some),
        0,
        1,
        0,
    )
    log.add(
        BENIGN,
        log.times(some),
        host,
        log.outside(some),
        3,
        "icmp",
        "OTH",
        None,
        rng.integers(30, 300, some),
        0,
        rng.integers(1, 4, some),
        0,
    )


def _device(log: Log, host: str) -> None:
    """A thing with one line to its maker: long connections, heartbeats at a steady pace, now and then a failure."""
    rng = log.rng
    period = float(log.size(10, 600, 1)[0])
    count = max(int(min(SPAN / period, 300)), 2)
    port = int(rng.choice([443, 8883, 1883, 5228, 5223, 80, 8886, 4070]))
    packets = log.size(2, 60, count)
    log.add(
        BENIGN,
        log.times(count, period),
        host,
        log.outside(1)[0],
        port,
        "tcp",
        log.pick(count, SF=5, S1=2, OTH=2, RSTO=1, RSTR=1, S3=1, S0=0.2),
        log.pick(count, none=1, ssl=1),
        packets * 60,
        packets * 90,
        packets,
        packets,
        min(period, float(log.size(0.05, 600, 1)[0])),
    )


def _server(log: Log, host: str) -> None:
    """A host that many clients use on its one or two services."""
    rng, count = log.rng, int(log.size(20, 600, 1)[0])
    clients = log.outside(max(int(count * rng.uniform(0.05, 0.7)), 1))
    port, service = [
        (443, "ssl"),
        (80, "http"),
        (25, "smtp"),
        (993, "ssl"),
        (53, "dns"),
        (5432, None),
        (3306, None),
        (445, "smb"),
        (88, "krb_tcp"),
        (389, None),
        (8080, "http"),
    ][int(rng.integers(11))]
    size = log.size(300, 1e6, count)
    log.add(
        BENIGN,
        log.times(count),
        clients[rng.integers(0, len(clients), count)],
        host,
        port,
        "udp" if port == 53 else "tcp",
        log.pick(count, SF=80, S1=4, RSTO=6, RSTR=6, S3=2, OTH=2),
        service if rng.random() < 0.8 else None,
        log.size(100, 2e4, count),
        size,
        4 + size / 3000,
        4 + size / 1300,
        log.size(0.005, 100, count),
    )


def _office(log: Log, host: str) -> None:
    """Directory, files, print, remote administration, monitoring of the neighbours and a backup."""
    rng = log.rng
    for port, service in (
        (445, "gssapi,smb"),
        (88, "krb_tcp"),
        (389, None),
        (135, "dce_rpc"),
        (49667, "dce_rpc"),
        (5985, None),
        (3128, "http,ssl"),
        (22, "ssh"),
        (3389, None),
        (9100, None),
        (1433, None),
    ):
        if rng.random() < 0.35:
            count = int(log.size(2, 80, 1)[0])
            size = log.size(300, 3e5, count)
            log.add(
                BENIGN,
                log.times(count),
                host,
                log.host(),
                port,
                "tcp",
                log.pick(count, SF=55, RSTO=20, RSTR=18, S1=4, S3=2, REJ=0.5, S0=0.5),
                service,
                log.size(200, 2e4, count),
                size,
                4 + size / 2000,
                4 + size / 1300,
                log.size(0.01, 600, count),
            )
    if rng.random() < 0.3 and len(log.hosts) > 3:
        count = min(len(log.hosts) * 10, 400)
        watched = np.array(log.hosts, object)[np.arange(count) % len(log.hosts)]
        if rng.random() < 0.5:
            log.add(BENIGN, log.times(count), host, watched, 8, "icmp", "OTH", None, 56, 56, 1, 1, 0.001)
        else:
            log.add(
                BENIGN,
                log.times(count),
                host,
                watched,
                161,
                "udp",
                log.pick(count, SF=97, S0=3),
                "snmp",
                80,
                120,
                2,
                2,
                0.01,
            )


LIVES = (_browse, _device, _server, _office)
"""What a host may do all day."""
