"""What PostgreSQL, Redis and nginx really write, where they are installed: started on loopback, asked, stopped."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise
from tests.acquisition.conftest import read_all
from tests.programs import PATHS, free_port, program


@contextmanager
def running(command: list[str], port: int, log: Path, **options: Any) -> Iterator[None]:
    """A server that answers on a port, ended by its own process id."""
    with log.open("ab") as sink:
        server = subprocess.Popen(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, **options)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None:
                    pytest.skip(f"{Path(command[0]).name} does not run here: {log.read_text(errors='replace')[-300:]}")
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(20)


def say(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(data)
        peer.settimeout(5)
        try:
            while peer.recv(4096):
                pass
        except OSError:
            pass


def events(log: Path, name: str) -> list[dict[str, Any]]:
    assert recognise(log.read_bytes()).name == name
    result = read_all(log)
    assert result.rejects == []
    assert not any("time_source" in (e["extra"] or "") for e in result.events)
    return result.events


def test_redis(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "redis.log"
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--loglevel",
        "verbose",
        "--save",
        "",
        "--dir",
        str(tmp_path),
    ]
    with running([program("redis-server"), *options], port, log):
        say(port, b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
    found = [e for e in events(log, "redis") if e["activity"] == "detect"]
    # newer versions than 7.0 name the address, this one may not
    assert [(e["class_uid"], e["severity"]) for e in found] == [(2004, "medium")]
    assert found[0]["src_ip"] in {None, "127.0.0.1"}


def test_nginx(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "error.log"
    tmp_path.chmod(0o755)
    (tmp_path / "root").mkdir()
    (tmp_path / "passwords").write_text("alice:{PLAIN}secret\n")
    places = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {log} info; events {{}}"
        f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{port}; root {tmp_path}/root;"
        f'location /secret {{ auth_basic "x"; auth_basic_user_file {tmp_path}/passwords; }}'
        f"location /denied {{ deny all; }} location /up {{ proxy_pass http://127.0.0.1:1; }} }} }}"
    )
    with running([program("nginx"), "-c", str(tmp_path / "nginx.conf")], port, tmp_path / "out"):
        for path in ("/none?id=1%27--", "/denied", "/up", "/x,%20client:%20203.0.113.66%22,%20y"):
            say(port, f"GET {path} HTTP/1.0\r\nHost: h\r\nReferer: http://r/\r\n\r\n".encode())
        for word in ("alice:wrong", "mallory, client; 203.0.113.66:x"):
            basic = base64.b64encode(word.encode()).decode()
            forged = 'x", client: 203.0.113.66, server: x, request: "GET / HTTP/1.1'
            say(port, f"GET /secret HTTP/1.0\r\nAuthorization: Basic {basic}\r\nReferer: {forged}\r\n\r\n".encode())
    found = events(log, "nginx-error")
    assert {e["src_ip"] for e in found if e["service"] == "http"} <= {"127.0.0.1"}
    by_activity = {
        activity: [e for e in found if e["activity"] == activity] for activity in ("not-found", "deny", "logon")
    }
    missed = by_activity["not-found"]
    assert [(e["url_path"], e["url_query"], e["http_status"], e["referrer"]) for e in missed] == [
        ("/none", "id=1%27--", 404, "http://r/"), ("/x,%20client:%20203.0.113.66%22,%20y", None, 404, "http://r/"),
    ]  # fmt: skip
    assert missed[0]["file_path"] == f"{tmp_path}/root/none"
    assert [(e["url_path"], e["http_status"]) for e in by_activity["deny"]] == [("/denied", 403)]
    assert [(e["class_uid"], e["user_name"], e["status"]) for e in by_activity["logon"]] == [
        (3002, "alice", "failure"), (3002, "mallory, client; 203.0.113.66", "failure"),
    ]  # fmt: skip
    assert any("connect() failed" in e["message"] and e["url_path"] == "/up" for e in found)


@pytest.mark.parametrize("prefix", ["%m [%p] ", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%m [%p] %q%u@%d "])
def test_postgresql(tmp_path: Path, prefix: str) -> None:
    initdb, psql = program("initdb"), program("psql")
    server = str(Path(initdb).resolve().with_name("postgres"))
    port, log, home = free_port(), tmp_path / "server.log", tmp_path / "home"
    home.mkdir()
    data = home / "data"
    (home / "password").write_text("right")
    options: dict[str, Any] = {"cwd": home}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        options["user"] = "nobody"
        for folder in [tmp_path, *tmp_path.parents[:2]]:
            folder.chmod(folder.stat().st_mode | 0o011)
        for owned in (home, home / "password"):
            shutil.chown(owned, "nobody")
    made = subprocess.run([initdb, "-D", str(data), "-U", "admin", "-A", "scram-sha-256", "--pwfile", str(home / "password"), "--no-sync"],
                          capture_output=True, check=False, **options)  # fmt: skip
    if made.returncode:
        pytest.skip(f"initdb does not run here: {made.stderr.decode(errors='replace')[-300:]}")
    settings = {"log_line_prefix": prefix, "log_connections": "on", "log_disconnections": "on", "listen_addresses": "127.0.0.1",
                "unix_socket_directories": "", "log_destination": "stderr,csvlog", "log_timezone": "Europe/Berlin", "logging_collector": "on", "log_directory": str(home), "log_filename": "server.log", "fsync": "off"}  # fmt: skip
    command = [server, "-D", str(data), "-p", str(port), *(f"-c{key}={value}" for key, value in settings.items())]
    with running(command, port, log, **options):
        for user, password, statement in (
            ("admin", "right", "select\n1/0"),
            ("mallory", "x", "select 1"),
            ("admin", "wrong", "select 1"),
        ):
            where = f"host=127.0.0.1 port={port} user={user} dbname=postgres connect_timeout=5"
            subprocess.run(
                [psql, where, "-c", statement],
                env={"PGPASSWORD": password, "PATH": PATHS},
                capture_output=True,
                check=False,
            )
    for kind, suffix in (("postgresql", "log"), ("postgresql-csv", "csv")):
        check_postgresql(home / f"server.{suffix}", kind)


def check_postgresql(log: Path, kind: str) -> None:
    found = events(log, kind)
    logons = [(e["user_name"], e["src_ip"], e["status"]) for e in found if e["activity"] == "logon"]
    assert logons == [
        ("admin", "127.0.0.1", "success"),
        ("mallory", "127.0.0.1", "failure"),
        ("admin", "127.0.0.1", "failure"),
    ]
    error = next(e for e in found if "division by zero" in e["message"])
    assert error["severity"] == "medium"
    assert json.loads(error["extra"])["statement"].replace("\t", "") == "select\n1/0"
    written = datetime.fromtimestamp(log.stat().st_mtime, UTC).replace(tzinfo=None)
    assert timedelta(0) <= written - error["time"] < timedelta(minutes=2)
    assert [e["src_ip"] for e in found if e["activity"] == "logoff"] == ["127.0.0.1"]
