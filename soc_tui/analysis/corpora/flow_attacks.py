"""Attacks on and from invented networks, by what is publicly known of their traffic."""

from __future__ import annotations

from typing import Any

import numpy as np

from soc_tui.analysis.corpora.flow import C2, FLOOD, INTRUSION, SCAN
from soc_tui.analysis.corpora.flow_log import SPAN, Log

_TELNETS = (
    23,
    2323,
    22,
    2222,
    80,
    8080,
    81,
    8081,
    443,
    445,
    139,
    1433,
    3306,
    3389,
    5900,
    5555,
    7547,
    37215,
    52869,
    5060,
    6379,
    8291,
    21,
    25,
    88,
    2375,
    9200,
    5432,
    8443,
    60001,
    34567,
    49152,
    5000,
    7574,
    1723,
)


def _horizontal(log: Log) -> None:
    """One source, a few ports, hosts without end: an infected host looking for others, or one of them finding us."""
    rng, count = log.rng, int(log.size(5, 1500, 1)[0])
    src = log.host() if rng.random() < 0.7 else log.outside(1)[0]
    near = rng.random() < 0.3 and len(log.hosts) > 4
    dst = np.array(log.hosts, object)[np.arange(count) % len(log.hosts)] if near else log.outside(count)
    ports = rng.choice(_TELNETS, int(rng.integers(1, 4)), replace=False)
    tries = rng.choice([1, 1, 1, 2, 3, 4, 6], count)
    state = log.pick(count, S0=85, REJ=7, RSTOS0=2, RSTRH=1, SH=1, OTH=1, RSTR=1, SF=2)
    log.add(
        SCAN,
        log.times(count),
        src,
        dst,
        rng.choice(ports, count),
        "tcp",
        state,
        None,
        60,
        60,
        tries,
        3,
        np.where(tries > 1, tries - 1.0 + rng.uniform(0, 0.3, count), 0.0),
    )


def _vertical(log: Log) -> None:
    """One source, one host, many ports."""
    rng, count = log.rng, int(log.size(20, 1000, 1)[0])
    refused = rng.uniform(0, 1)
    udp = rng.random() < 0.2
    state = log.pick(count, S0=100 * (1 - refused) + 1, REJ=0.01 if udp else 100 * refused + 1, RSTOS0=2, RSTR=2, OTH=1)
    src = log.outside(1)[0] if rng.random() < 0.6 else log.host()
    log.add(
        SCAN,
        log.times(count),
        src,
        log.host(),
        rng.integers(1, 65536, count),
        "udp" if udp else "tcp",
        np.full(count, "S0", object) if udp else state,
        None,
        20 if udp else 0,
        0,
        rng.choice([1, 1, 2], count),
        1,
        0.05,
    )


def _noise(log: Log) -> None:
    """The Internet knocking on an exposed host: many strangers, each a flow or three on some port."""
    rng, count = log.rng, int(log.size(20, 800, 1)[0])
    strangers = log.outside(max(int(count * rng.uniform(0.2, 0.9)), 1))
    src, dst = strangers[rng.integers(0, len(strangers), count)], log.host()
    port = np.where(rng.random(count) < 0.6, rng.choice(_TELNETS, count), rng.integers(1, 65536, count))
    refusing = rng.random() < 0.5
    state = log.pick(
        count, S0=10 if refusing else 80, REJ=70 if refusing else 3, RSTOS0=3, RSTR=3, OTH=3, SH=1, SF=2, RSTRH=1
    )
    log.add(
        SCAN | INTRUSION,
        log.times(count),
        src,
        dst,
        port,
        "tcp",
        state,
        None,
        40,
        40,
        rng.choice([1, 1, 2, 3], count),
        1,
        rng.choice([0.0, 0.0, 1.0, 3.0], count),
    )
    few = max(count // 6, 1)
    log.add(
        SCAN,
        log.times(few),
        strangers[rng.integers(0, len(strangers), few)],
        dst,
        np.where(
            rng.random(few) < 0.6,
            rng.choice([53, 123, 161, 389, 1900, 5060, 11211, 19, 137, 5683, 3702], few),
            rng.integers(1, 65536, few),
        ),
        "udp",
        "S0",
        None,
        rng.integers(1, 450, few),
        0,
        1,
        0,
    )
    log.add(
        SCAN,
        log.times(few),
        strangers[rng.integers(0, len(strangers), few)],
        dst,
        8,
        "icmp",
        "OTH",
        None,
        rng.integers(0, 60, few),
        rng.integers(0, 2, few) * 40,
        1,
        rng.integers(0, 2, few),
    )


def _guessing(log: Log) -> None:
    """Passwords tried on a login service, by one host or by hundreds: short conversations of nearly the same size."""
    rng, count = log.rng, int(log.size(15, 800, 1)[0])
    sources = log.outside(int(log.size(1, 300, 1)[0]))
    port, service = [
        (22, "ssh"),
        (22, "ssh"),
        (22, "ssh"),
        (23, None),
        (3389, None),
        (21, "ftp"),
        (5900, None),
        (1433, None),
        (3306, "mysql"),
        (445, "gssapi,smb"),
        (2222, "ssh"),
        (143, "imap"),
    ][int(rng.integers(12))]
    sent, back = float(log.size(300, 3000, 1)[0]), float(log.size(500, 4000, 1)[0])
    packets = rng.integers(6, 30, count)
    log.add(
        INTRUSION,
        np.sort(rng.uniform(0, SPAN, count)),
        sources[rng.integers(0, len(sources), count)],
        log.host(),
        port,
        "tcp",
        log.pick(count, SF=60, RSTO=15, RSTR=15, S1=3, S3=2, SH=1, REJ=2, S0=2),
        service if rng.random() < 0.7 else None,
        sent * rng.uniform(0.7, 1.4, count),
        back * rng.uniform(0.7, 1.4, count),
        packets,
        packets,
        log.size(0.3, 30, count),
    )


def _flood(log: Log) -> None:
    """One target buried in segments, datagrams or requests."""
    rng, count = log.rng, int(log.size(200, 1500, 1)[0])
    src: Any = log.host() if rng.random() < 0.6 else log.outside(count)
    dst, port = log.outside(1)[0], int(rng.choice([80, 443, 53, 22, 8080, 25565, int(rng.integers(1, 65536))]))
    start = rng.uniform(0, SPAN)
    time = np.sort(rng.uniform(start, start + float(log.size(1, 600, 1)[0]), count))
    if rng.random() < 0.5:
        packets = log.size(1, 3000, count)
        log.add(
            FLOOD,
            time,
            src,
            dst,
            port,
            "udp",
            log.pick(count, S0=95, SF=5),
            None,
            packets * rng.integers(20, 1400),
            60,
            packets,
            rng.random(count) < 0.05,
            log.size(0.001, 100, count),
        )
    else:
        packets = log.size(1, 50, count)
        log.add(
            FLOOD,
            time,
            src,
            dst,
            port,
            "tcp",
            log.pick(count, S0=50, OTH=30, REJ=10, RSTOS0=5, SH=5),
            None,
            0,
            0,
            packets,
            0,
            log.size(0.001, 30, count),
        )


def _beacon(log: Log) -> None:
    """A bot and its master: the same small conversation at a steady pace, or attempts at a master who is gone."""
    rng = log.rng
    period = float(log.size(3, 300, 1)[0])
    count = max(int(min(SPAN / period, 400)), 3)
    port = int(
        rng.choice(
            [
                6667,
                1177,
                1337,
                4444,
                5552,
                666,
                48101,
                1312,
                9999,
                7777,
                1604,
                3460,
                8888,
                23,
                6969,
                int(rng.integers(1024, 65536)),
            ]
        )
    )
    gone = rng.random() < 0.5
    shares = (
        {"S0": 80, "REJ": 18, "RSTR": 1, "SF": 1}
        if gone
        else {"S3": 3, "SF": 3, "RSTO": 2, "RSTR": 2, "S1": 3, "OTH": 1}
    )
    tries, packets = rng.choice([1, 2, 3, 6], count), rng.integers(4, 16, count)
    log.add(
        C2,
        log.times(count, period),
        log.host(),
        log.outside(1)[0],
        port,
        "tcp",
        log.pick(count, **shares),
        log.pick(1, none=4, irc=1)[0],
        rng.integers(2, 400, count),
        rng.integers(2, 400, count),
        tries if gone else packets,
        1 if gone else packets,
        rng.uniform(0.1, min(period, 60), count),
    )


def _peers(log: Log) -> None:
    """A bot that keeps in touch with a network of its kind over one high UDP or TCP port."""
    rng, count = log.rng, int(log.size(30, 500, 1)[0])
    packets = rng.integers(1, 5, count)
    answered = rng.random(count) < rng.uniform(0.05, 0.6)
    sent = int(rng.integers(12, 120))
    log.add(
        C2,
        log.times(count),
        log.host(),
        log.outside(count),
        int(rng.integers(1024, 65536)),
        "udp",
        np.where(answered, "SF", "S0"),
        None,
        packets * sent,
        packets * rng.integers(20, 600),
        packets,
        np.where(answered, packets, 0),
        rng.uniform(0, 20, count),
    )


ATTACKS = (_horizontal, _horizontal, _vertical, _noise, _noise, _guessing, _guessing, _flood, _beacon, _beacon, _peers)
"""Attacks, the commoner ones several times."""
