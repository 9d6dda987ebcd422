"""Servers that listen on every address, in a network namespace of their own: nothing outside it can reach them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.detection.database.servers import Server, give, own_folder, run, running
from tests.programs import free_port, program

pytestmark = [pytest.mark.namespace, pytest.mark.slow]
ADDRESS = "10.99.0.1"
LOOK = """
import json, sys
from datetime import date
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.tools import Watch
notes = []
tool = DatabaseTool(ScanSettings(databases=(sys.argv[1],)), pause=0, today=date(2026, 3, 1))
found = [[f.check, f.severity, f.host, f.ip, f.evidence.decode()] for f in tool.check(sys.argv[1], Watch(note=notes.append))
         if "version" not in f.fields]
print(json.dumps([found, notes]))
"""


@contextmanager
def isolated(folder: Path, port: int, command: list[str]) -> Iterator[Server]:
    """The server in a namespace that has loopback and one address beside it."""
    if os.getuid() != 0:
        pytest.skip("needs root for a network namespace")
    if subprocess.run([program("unshare"), "--net", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs network namespaces")
    setup = f"{program('ip')} link set lo up && {program('ip')} addr add {ADDRESS}/32 dev lo && touch ready && exec "
    inner = [program("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    with running(
        [program("unshare"), "--net", "sh", "-c", setup + '"$@"', "sh", *inner],
        folder,
        port,
        wait=False,
        privileged=True,
    ) as server:
        yield server


def look(server: Server, target: str) -> tuple[list[list[str]], list[str]]:
    """The check, run inside the server's namespace."""
    done = subprocess.run(
        [program("nsenter"), f"--net=/proc/{server.process.pid}/ns/net", sys.executable, "-c", LOOK, target],
        capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    found, notes = json.loads(done.stdout)
    return found, notes


def until_up(server: Server, target: str) -> list[list[str]]:
    """What is found once the server answers."""
    notes: Any = None
    for _ in range(60):
        if server.process.poll() is not None:
            pytest.fail(f"did not start: {server.log[-2000:]}")
        found, notes = look(server, target)
        if not any("Connection refused" in note or "unreachable" in note for note in notes):
            assert notes == []
            return found
    pytest.fail(f"never answered: {notes}")


def test_an_open_server_is_graver_where_others_reach_it() -> None:
    with own_folder() as folder:
        port = free_port()
        (folder / "redis.conf").write_text(f"port {port}\nbind * -::*\nprotected-mode no\nsave ''\ndir {folder}\n")
        with isolated(folder, port, [program("redis-server"), "redis.conf"]) as server:
            outside = until_up(server, f"redis://{ADDRESS}:{port}")
            inside = until_up(server, f"redis://127.0.0.1:{port}")
    assert [one[:4] for one in outside] == [
        [check, severity, ADDRESS, ADDRESS]
        for check, severity in (
            ("redis-no-authentication", "critical"), ("redis-default-user", "medium"), ("redis-listens-everywhere", "medium"),
            ("redis-protected-mode-off", "medium"), ("redis-tls-off", "medium"), ("redis-reachable", "info"),
        )
    ]  # fmt: skip
    assert [one[:3] for one in inside] == [
        [check, severity, ""]
        for check, severity in (
            ("redis-no-authentication", "critical"), ("redis-default-user", "medium"),
            ("redis-listens-beyond-loopback", "medium"), ("redis-listens-everywhere", "medium"),
            ("redis-protected-mode-off", "medium"), ("redis-tls-off", "medium"),
        )
    ]  # fmt: skip
    assert inside[2][4].startswith(f"port {port} on 0.0.0.0")


def test_protected_mode_alone_is_a_finding_of_its_own() -> None:
    with own_folder() as folder:
        port = free_port()
        (folder / "redis.conf").write_text(f"port {port}\nbind * -::*\nsave ''\ndir {folder}\n")
        with isolated(folder, port, [program("redis-server"), "redis.conf"]) as server:
            until_up(server, f"redis://127.0.0.1:{port}")
            found, notes = look(server, f"redis://{ADDRESS}:{port}")
    assert [one[:2] for one in found] == [
        ["redis-protected-mode-only", "medium"], ["redis-tls-off", "medium"], ["redis-reachable", "info"],
    ]  # fmt: skip
    assert len(notes) == 1
    assert " could not sign in without an account: DENIED Redis is running in protected mode" in notes[0]


def test_postgresql_that_trusts_the_network() -> None:
    with own_folder() as folder:
        port = free_port()
        initdb = [program("initdb"), "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync"]
        run(initdb, folder)
        (folder / "data/pg_hba.conf").write_text("host all all all trust\n")
        config = "listen_addresses='*'\nunix_socket_directories=''\nfsync=off\nlog_connections=on\n"
        with (folder / "data/postgresql.conf").open("a") as file:
            file.write(f"{config}port={port}\n")
        give(folder)
        with isolated(folder, port, [program("postgres"), "-D", "data"]) as server:
            found = until_up(server, f"postgresql://{ADDRESS}:{port}")
    assert [one[:2] for one in found] == [
        ["postgresql-no-authentication", "critical"], ["postgresql-trust-rule", "critical"],
        ["postgresql-listens-everywhere", "medium"], ["postgresql-open-rule-all", "medium"],
        ["postgresql-tls-off", "medium"], ["postgresql-reachable", "info"],
    ]  # fmt: skip
