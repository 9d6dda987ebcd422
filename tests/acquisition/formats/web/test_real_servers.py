"""Logs that real servers write at the time of the test, on loopback, of requests that want to be misread."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acquisition.conftest import SETTINGS, read_all
from tests.programs import free_port, program

AGENT = 'a" 200 1 "-" "b\\" {x|y} #z \\x22'
REQUESTS = [
    "GET /plain?a=b%20c HTTP/1.1",
    'GET /"quoted"?q=" HTTP/1.1',
    "POST /long/" + "a" * 3000 + " HTTP/1.1",
    "DELETE /back\\slash\\ HTTP/1.1",
]


def ask(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(request)
        link.settimeout(5)
        return link.recv(65536)


def visit(port: int) -> None:
    """The requests, then one that is no HTTP at all."""
    for line in REQUESTS:
        head = f"{line}\r\nHost: shop.example\r\nUser-Agent: {AGENT}\r\nX-Forwarded-For: 203.0.113.66\r\nConnection: close\r\n\r\n"
        assert ask(port, head.encode()).startswith(b"HTTP/1.1 ")
    ask(port, b"\x16\x03\x01 rubbish\r\n\r\n")


@contextmanager
def running(command: list[str], port: int, output: Path) -> Iterator[None]:
    with output.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            for _ in range(100):
                if process.poll() is not None:
                    pytest.skip(f"{command[0]} does not start here: {output.read_text(errors='replace')[-300:]}")
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()


SHOP = '$remote_addr $server_port [$time_iso8601] "$request" $status $bytes_sent $request_time "$http_user_agent" "$http_x_forwarded_for" $upstream_addr'
JSON = (
    "escape=json {\"t\":$msec,\"ip\":\"$remote_addr\",\"r\":\"$request\",\"s\":$status,\"ua\":\"$http_user_agent\",\"p\":\"$remote_port\"}"
)  # fmt: skip
NAMED = (
    "escape=json {\"time_iso8601\":\"$time_iso8601\",\"remote_addr\":\"$remote_addr\",\"request\":\"$request\",\"status\":$status,"
    "\"body_bytes_sent\":$body_bytes_sent,\"http_user_agent\":\"$http_user_agent\"}"
)  # fmt: skip


def nginx_format(layout: str) -> str:
    escape, _, text = layout.partition(" ") if layout.startswith("escape=") else ("", "", layout)
    return f"{escape} '{text}'"


def test_nginx(tmp_path: Path) -> None:
    nginx, port = program("nginx"), free_port()
    temporary = " ".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
        events {{ }}
        http {{
            log_format shop {nginx_format(SHOP)};
            log_format own {nginx_format(JSON)};
            log_format named {nginx_format(NAMED)};
            {temporary}
            server {{
                listen 127.0.0.1:{port};
                access_log {tmp_path}/combined.log combined;
                access_log {tmp_path}/shop.log shop;
                access_log {tmp_path}/own.log own;
                access_log {tmp_path}/named.log named;
                location / {{ return 418; }}
            }}
        }}""")
    command = [nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    with running(command, port, tmp_path / "out"):
        visit(port)
        time.sleep(0.2)
    settings = replace(SETTINGS, access_formats={"shop": SHOP, "own": JSON})
    for log, name in (("combined", "access"), ("shop", "shop"), ("own", "own"), ("named", "nginx-json")):
        result = read_all(tmp_path / f"{log}.log", settings=settings)
        assert (result.state.format, result.state.records_rejected) == (name, 0)
        events = [event for event in result.events if event["message"]]  # the probe of `running` sent nothing
        assert [event["http_status"] for event in events] == [418] * 4 + [400]
        assert [event["http_method"] for event in events] == ["GET", "GET", "POST", "DELETE", None]
        assert {event["src_ip"] for event in result.events} == {"127.0.0.1"}
        unescaped = name in {"own", "nginx-json"}  # escape=json can be undone; the other escapes are kept as written
        agent = AGENT if unescaped else AGENT.replace("\\", "\\x5C").replace('"', "\\x22")
        assert {event["user_agent"] for event in events[:4]} == {agent}
        assert events[1]["url_path"] == ('/"quoted"' if unescaped else "/\\x22quoted\\x22")
        assert len(events[2]["url_path"]) == 3006
    extra = json.loads(read_all(tmp_path / "shop.log", settings=settings).events[-2]["extra"])
    assert extra == {"http_x_forwarded_for": "203.0.113.66", "http_version": "HTTP/1.1"}


def test_haproxy(tmp_path: Path) -> None:
    haproxy = program("haproxy")
    ports = {name: free_port() for name in ("httplog", "httplog clf", "httpslog", "tcplog")}
    fronts = "".join(
        f"""
frontend {name.replace(" ", "-")}
    bind 127.0.0.1:{port}
    mode {"tcp" if name == "tcplog" else "http"}
    option {name}
    {"default_backend none" if name == "tcplog" else "capture request header User-Agent len 64"}
    {"" if name == "tcplog" else "http-request return status 418"}
"""
        for name, port in ports.items()
    )
    (tmp_path / "haproxy.cfg").write_text(f"""
global
    log stdout format raw local0
defaults
    log global
    timeout connect 1s
    timeout client 2s
    timeout server 1s
{fronts}
backend none
    mode tcp
    server s1 127.0.0.1:{ports["httplog"]}
""")
    log = tmp_path / "haproxy.log"
    with running([haproxy, "-f", str(tmp_path / "haproxy.cfg")], ports["tcplog"], log):
        for port in ports.values():
            for line in (REQUESTS[0], REQUESTS[3]):
                ask(port, f"{line}\r\nHost: h\r\nUser-Agent: {AGENT}\r\nConnection: close\r\n\r\n".encode())
        ask(ports["httplog"], b"\x16\x03\x01 rubbish\r\n\r\n")
        time.sleep(0.3)
    result = read_all(log)
    assert (result.state.format, result.state.records_rejected) == ("haproxy", 0)
    requests = [event for event in result.events if event["class_uid"] == 4002 and event["http_status"] == 418]
    assert len([event for event in requests if event["http_method"] == "GET"]) == 4
    assert {event["url_path"] for event in requests if event["http_method"] == "GET"} == {"/plain"}
    assert {event["src_ip"] for event in result.events if event["class_uid"] != 6000} == {"127.0.0.1"}
    assert {event["http_status"] for event in result.events if event["message"] == "<BADREQ>"} == {400}
    assert len([event for event in result.events if event["class_uid"] == 4001]) >= 2
