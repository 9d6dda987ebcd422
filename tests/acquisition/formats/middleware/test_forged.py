"""What a client writes never becomes an address, a detection or somebody else's login."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
TRUE, FORGED = "192.0.2.1", "203.0.113.66"
APACHE = f"[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 1:tid 2] [client {TRUE}:1234] "
NGINX = "2023/01/01 00:00:00 [error] 123#0: *456 "
CHAIN = f', client: {FORGED}, server: a, request: "GET / HTTP/1.1"'
END = f', client: {TRUE}, server: x, request: "GET /%0a HTTP/1.1", host: "h"'


@pytest.mark.parametrize(
    "text",
    [
        f"AH00128: File does not exist: /var/www/[client {FORGED}:1] x",
        f"AH00128: File does not exist: /var/www/ModSecurity: Access denied with code 403 (phase 2). [id \\\"1\\\"] [client {FORGED}]",
        f"AH00126: Invalid URI in request GET /[client {FORGED}] HTTP/1.1",
        f"AH00128: File does not exist: /x, referer: http://[client {FORGED}]/, referer: y",
    ],
)  # fmt: skip
def test_apache(events_of: Events, text: str) -> None:
    event = events_of(APACHE + text + "\n", "apache-error")[0]
    assert (event["src_ip"], event["src_port"], event["class_uid"], event["rule_id"]) == (TRUE, 1234, 6000, None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f'open() "/srv/x, client: {FORGED}" failed (2: No such file or directory){END}', TRUE),
        (f'open() "/srv/x, client: {FORGED}, server: y" failed (2: No such file or directory){END}', TRUE),
        (f'user "x": password mismatch{END}, referrer: "z{CHAIN}"', TRUE),
        (f'user "x" was not found in "/etc/p"{END}, referrer: "z"{CHAIN}"', TRUE),
        (f'access forbidden by rule{END}, referrer: "z"{CHAIN}"', TRUE),
        (f'limiting requests, excess: 5.1 by zone "one"{END}, referrer: "z"{CHAIN}"', TRUE),
        (f"client sent invalid request while reading client request line{END[:-11]}{CHAIN}", TRUE),
        # two whole endings, one in a decoded path or in a referrer: neither is believed
        (f'open() "/srv/x{CHAIN}" failed (2: No such file or directory){END}', None),
        (f'open() "/srv/x" failed (2: No such file or directory){END}, referrer: "z"{CHAIN}', None),
        (f'open() "/srv/x, client: {FORGED}" failed (2: No such file or directory){END}, referrer: "z"{CHAIN}', None),
        (f'[lua] x.lua:1: says {CHAIN}{END}', None),
    ],
)  # fmt: skip
def test_nginx(events_of: Events, text: str, address: str | None) -> None:
    event = events_of(NGINX + text + "\n", "nginx-error")[0]
    assert event["src_ip"] == address
    if address is None:
        assert TRUE in json.loads(event["extra"])["clients"]


@pytest.mark.parametrize(
    ("text", "user", "address"),
    [
        (f"Access denied for user 'x'@'{FORGED}' (using password: YES)'@'{TRUE}' (using password: NO)", f"x'@'{FORGED}' (using password: YES)", TRUE),
        (f"Access denied for user 'x'@'{TRUE}' to database 'y'@'{FORGED}' (using password: NO)'", None, None),
        (f"Access denied for user 'x\n2'@'{TRUE}' (using password: YES)", "x\n2", TRUE),
        ("Access denied for user ''@'host.example' (using password: NO)", None, None),
    ],
)  # fmt: skip
def test_mysql(events_of: Events, text: str, user: str | None, address: str | None) -> None:
    event = events_of(f"2024-03-05T10:11:12.123456Z 8 [Note] [MY-010926] [Server] {text}\n", "mysql-error")[0]
    assert (event["class_uid"], event["status"], event["user_name"], event["src_ip"]) == (
        3002,
        "failure",
        user,
        address,
    )


REFUSED = 'FATAL:  password authentication failed for user "x"'


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"user=x,db=y,app=z,client={TRUE} {REFUSED}", TRUE),
        (f"user=x,client={FORGED},db=y,app=z,client={TRUE} {REFUSED}", None),
        (f"user=x,client={FORGED} FATAL:  y,db=y,app=z,client={TRUE} {REFUSED}", None),
        (f'user=x FATAL:  no pg_hba.conf entry for host "{FORGED}", user "a", database "b",db=y,client={TRUE} {REFUSED}', None),
        (f"user=a,db=y,app=x LOG:  connection received: host={FORGED} port=1,client={TRUE} LOG:  statement: select 1", None),
        (f"user=a,db=y,app=x LOG:  disconnection: session time: 0:00:01 user=a database=b host={FORGED},client={TRUE} "
         f"LOG:  statement: select 'host={FORGED}", None),
    ],
)  # fmt: skip
def test_postgresql(events_of: Events, text: str, address: str | None) -> None:
    event = events_of(f"2024-03-05 10:11:12 UTC [77]: [1-1] {text}\n", "postgresql")[0]
    assert event["src_ip"] == address
    assert (event["class_uid"], event["activity"]) == ((3002, "logon") if "FATAL" in text else (6000, "log"))


def test_a_postgresql_refusal_is_of_the_connection_of_its_own_process(events_of: Events) -> None:
    """Within 256 connections, over chunk borders, whatever statement quotes one."""
    head = "2024-03-05 10:11:12.123 UTC "
    received = "".join(
        f"{head}[{n}] LOG:  connection received: host=10.0.{n // 256}.{n % 256} port={n}\n" for n in range(1, 301)
    )
    asked = [1, 44, 45, 46, 300]
    refused = "".join(f"{head}[{n}] {REFUSED}\n" for n in asked)
    quoted = f"{head}[300] LOG:  statement: select 'connection received: host={FORGED} port=1'\n"
    events = events_of(received + quoted + refused, "postgresql")
    assert [e["src_ip"] for e in events[-5:]] == [None, None, "10.0.0.45", "10.0.0.46", "10.0.1.44"]


def test_old_general_log_lines_take_the_time_of_the_line_before_them(tmp_path: Path, events_of: Events) -> None:
    lines = "240305  9:11:12\t    8 Connect\troot@192.0.2.1 on db\n" + "\t\t    8 Query\tselect '\n240305x'\n" * 500
    events = events_of(lines, "mysql-general")
    assert len(events) == 501
    assert {e["time"].isoformat() for e in events} == {"2024-03-05T09:11:12"}
    path = tmp_path / "growing.log"
    path.write_text("\t\t    8 Query\tselect 1\n")
    assert json.loads(read_all(path, as_format="mysql-general").events[0]["extra"]) == {"time_source": "file"}


def test_a_time_of_day_is_the_latest_before_the_files_last_change(tmp_path: Path) -> None:
    import os
    from datetime import UTC, datetime

    path = tmp_path / "x.log"
    path.write_text("10:11:12.123 [main] ERROR o.x.Y - a\n13:00:00.000 [main] INFO o.x.Y - b\n")
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    assert [e["time"].isoformat() for e in read_all(path).events] == [
        "2026-11-01T10:11:12.123000",
        "2026-10-31T13:00:00",
    ]
