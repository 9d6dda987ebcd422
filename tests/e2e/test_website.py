"""A website tree under a real engine that is killed: every change once, whatever was cut off."""

import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from soc_tui.management.client import Client
from tests.e2e.conftest import Product
from tests.e2e.test_engine import until


def start(product: Product, tree: Path) -> tuple[subprocess.Popen[bytes], Client]:
    env = {**product.env, "SOC_TUI_ACQUISITION__WEBSITES": str(tree), "SOC_TUI_ANALYSIS__ENABLED": "false"}
    engine = subprocess.Popen(
        product.command("watch", str(tree.parent / "logs")), env=env, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert engine.stderr is not None
    assert b"watching" in engine.stderr.readline()
    return engine, Client(product.workspace)


def source(client: Client) -> dict[str, Any]:
    rows = [row for row in client.query("sources").to_pylist() if row["format"] == "website-tree"]
    return rows[0] if rows else {"records_read": 0, "header": ""}


def test_kill_9_loses_and_repeats_no_change(product: Product, tmp_path: Path) -> None:
    tree = tmp_path / "html"
    tree.mkdir()
    (tmp_path / "logs").mkdir()
    for number in range(300):
        (tree / f"page{number}.php").write_text(f"<?php echo {number};")
    for turn in range(3):
        (tree / f"old{turn}.php").write_text("old")
    engine, client = start(product, tree)
    until(lambda: source(client)["records_read"] == 1)
    expected: Counter[tuple[str, str]] = Counter()
    for turn in range(3):
        for number in range(turn * 100, turn * 100 + 100):
            # One step each for the file system, so that nobody can look at half of it.
            with (tree / f"page{number}.php").open("r+b", buffering=0) as page:
                page.write(b"<?php evil(%06d);" % number)
            (tmp_path / "staged").write_text("x")
            (tmp_path / "staged").rename(tree / f"new{number}.js")
            expected[("update", f"page{number}.php")] += 1
            expected[("create", f"new{number}.js")] += 1
        time.sleep(0.1 * turn)
        client.close()
        engine.send_signal(signal.SIGKILL)
        engine.wait(30)
        (tree / f"old{turn}.php").unlink()
        expected[("delete", f"old{turn}.php")] += 1
        engine, client = start(product, tree)
        until(lambda: source(client)["records_read"] >= 1 + sum(expected.values()))  # noqa: B023 - asked at once
    time.sleep(1.0)  # a repeated change would come with what inotify still holds
    rows = client.query("hunt", sql="SELECT activity, file_path FROM events WHERE class_uid = 1001").to_pylist()
    assert Counter((row["activity"], Path(row["file_path"]).name) for row in rows) == expected
    kept = client.query("hunt", sql="SELECT count(*) AS n FROM website_contents").to_pylist()[0]["n"]
    assert kept == 300 + 300 + 2  # each page before and after, one x, one old
    client.close()
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(60) == 0
    shown = product.json("status", SOC_TUI_ACQUISITION__WEBSITES=str(tree))
    tree_row = next(row for row in shown["sources"] if row["format"] == "website-tree")
    assert (tree_row["path"], tree_row["lag_bytes"], tree_row["error"]) == (str(tree), 0, "")
    assert tree_row["records_read"] == tree_row["records_stored"] == 1 + sum(expected.values())
