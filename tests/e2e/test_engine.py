"""The engine as users live with it: watching, two clients at once, leaving with its parent, failing in parts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from soc_tui.management.client import Client
from soc_tui.management.launch import connect
from tests.e2e.conftest import Product

pytestmark = pytest.mark.usefixtures("unscored")

LINE = "Mar 27 13:06:%02d web1 sshd[%d]: Failed password for root from 203.0.113.9 port 40000 ssh2\n"


@contextmanager
def watching(product: Product, *paths: Path, **env: str) -> Iterator[Client]:
    """A running ``soc-tui watch`` and a client of it."""
    engine = subprocess.Popen(
        product.command("watch", *map(str, paths)),
        env={**product.env, **env},
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert engine.stderr is not None
        assert b"watching" in engine.stderr.readline()
        with Client(product.workspace) as client:
            yield client
    finally:
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(60) == 0


def until(check: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true value of ``check``, asked again until the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def events(client: Client) -> int:
    return int(client.command("pulse")["events"])


def test_a_growing_file_is_read_on_and_raises_alerts(product: Product, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with watching(product, logs) as client:
        with (logs / "auth.log").open("a") as log:
            for number in range(30):
                log.write(LINE % (number, number))
                log.flush()
        until(lambda: events(client) == 30)
        until(lambda: client.command("pulse")["alerts"] == 1)
        assert client.query("alerts").to_pylist()[0]["event_count"] == 30
        with (logs / "auth.log").open("a") as log:
            log.write((LINE % (31, 31))[:40])
            log.flush()
            until(lambda: client.query("sources").to_pylist()[0]["pending_bytes"] == 40)
            assert events(client) == 30
            log.write((LINE % (31, 31))[40:])
        until(lambda: events(client) == 31)


@pytest.mark.parametrize("way", ["rename", "copytruncate"])
def test_rotation_loses_and_repeats_nothing(product: Product, tmp_path: Path, way: str) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    live, written = logs / "auth.log", 0
    with watching(product, logs) as client:
        for turn in range(4):
            with live.open("a") as log:
                for _ in range(25):
                    log.write(LINE % (written % 60, 1000 + written))
                    written += 1
            if turn == 1:
                until(lambda: events(client) == 50)
            for old in (2, 1):
                if (logs / f"auth.log.{old}").exists():
                    (logs / f"auth.log.{old}").rename(logs / f"auth.log.{old + 1}")
            if way == "rename":
                live.rename(logs / "auth.log.1")
            else:
                until(lambda: events(client) == written)  # noqa: B023 - asked at once
                (logs / "auth.log.1").write_bytes(live.read_bytes())
                os.truncate(live, 0)
        with live.open("a") as log:
            log.write(LINE % (59, 9999))
        written += 1
        until(lambda: events(client) == written)
        time.sleep(1.5)  # a repeated line would come with the next scans
        assert events(client) == written
        messages = client.query("hunt", sql="SELECT count(DISTINCT extra) AS n, count(*) AS events FROM events")
        assert messages.to_pylist()[0]["events"] == written
        for source in client.query("sources").to_pylist():
            assert source["records_read"] == source["records_stored"] + source["records_rejected"]


def test_ingest_beside_open_consoles(product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOC_TUI_ANALYSIS__ENABLED", "true")
    (tmp_path / "auth.log").write_text("".join(LINE % (n % 60, n) for n in range(40)))
    with connect(product.workspace) as first, connect(product.workspace) as second:
        result = product.json("ingest", str(tmp_path / "auth.log"))
        assert result["records_stored"] == 40
        for console in (first, second):
            detectors = console.query("alerts")["detector"].to_pylist()
            assert sorted(detectors) == ["session-anomaly", "ssh-brute-force"]
            assert console.command("pulse")["events"] == 40
        assert product.rows("SELECT count(*) AS n FROM events") == [{"n": 40}]


def test_a_file_that_is_watched_and_ingested_is_read_once(product: Product, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(LINE % (n % 60, n) for n in range(500)))
    with watching(product, tmp_path) as client:
        product.run("ingest", str(log))
        until(lambda: events(client) == 500)
        assert client.query("sources").num_rows == 1


def test_a_child_engine_outlives_its_parent_only_while_it_is_used(product: Product) -> None:
    parent = connect(product.workspace)
    assert parent.started_engine
    other = Client(product.workspace)
    parent_child = parent._child  # the process itself, to see it end
    assert parent_child is not None
    parent.client.close()
    assert parent_child.stdin is not None
    parent_child.stdin.close()
    for _ in range(5):
        other.command("ping")
        time.sleep(0.1)
    assert parent_child.poll() is None
    other.close()
    assert parent_child.wait(30) == 0


def test_a_killed_parent_leaves_no_engine_behind(product: Product) -> None:
    code = f"import sys,os; from pathlib import Path; from soc_tui.management.launch import connect; c=connect(Path({str(product.workspace)!r})); print(c._child.pid, flush=True); sys.stdin.read()"

    with subprocess.Popen(
        [sys.executable, "-c", code], env=product.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not Path(f"/proc/{engine}").exists() or "Z" in Path(f"/proc/{engine}/stat").read_text().split()[2])


def test_two_clients_that_start_an_engine_at_once_share_one(product: Product) -> None:
    calls = [
        subprocess.Popen(
            product.command("status", "--format", "json"), env=product.env, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for call in calls:
        out, _ = call.communicate(timeout=120)
        assert call.returncode == 0
        assert len(json.loads(out)["modules"]) == 7


def test_a_failing_module_is_shown_and_the_others_go_on(product: Product, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "access.log").write_text(
        '203.0.113.5 - - [17/May/2026:10:05:03 +0000] "GET /a?id=1 HTTP/1.1" 200 5 "-" "x"\n' * 3
    )
    (logs / "auth.log").write_text("".join(LINE % (n % 60, n) for n in range(40)))
    with watching(
        product, logs, SOC_TUI_ANALYSIS__ENABLED="true", SOC_TUI_ANALYSIS__MODELS_DIR=str(tmp_path / "models")
    ) as client:

        def module(name: str) -> dict[str, Any]:
            return next(row for row in client.query("status").to_pylist() if row["module"] == name)

        until(lambda: module("analysis")["failures"] >= 2)
        assert "missing" in module("analysis")["last_error"]
        assert module("analysis")["state"] == "failed"
        until(lambda: client.command("pulse")["alerts"] == 1)
        assert module("detection")["failures"] == 0


def test_hunt_from_the_command_line(served: Product) -> None:
    assert served.rows("SELECT 1 AS one") == [{"one": 1}]
    assert "hunt only reads" in served.run("hunt", "DELETE FROM events", code=2).stderr
    endless = served.run(
        "hunt", "SELECT count(*) FROM range(100000000) a, range(100000000)", "--seconds", "0.3", code=1
    )
    assert "took longer" in endless.stderr
    cut = served.run("hunt", "SELECT * FROM range(100)", "--limit", "3", "--format", "jsonl")
    assert len(cut.stdout.splitlines()) == 3
    assert "only the first 3 rows" in cut.stderr


def test_ctrl_c_cancels_a_hunt_and_the_engine_lives_on(product: Product) -> None:
    with connect(product.workspace) as client:
        hunt = subprocess.Popen(
            product.command("hunt", "SELECT count(*) FROM range(100000000) a, range(100000000)"), env=product.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        until(lambda: client.command("pulse")["hunts"] == 1)
        hunt.send_signal(signal.SIGINT)
        assert hunt.wait(30) == 130
        until(lambda: client.command("pulse")["hunts"] == 0)
