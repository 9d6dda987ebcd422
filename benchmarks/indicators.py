"""Known-bad indicators at size: 1.5 million loaded, and a million stored flows matched with them.

    python -m benchmarks.indicators [--indicators N] [--events N] [--runs N]

``soc-tui indicators load`` runs as a whole command, the start of its engine included: first in an empty workspace, then
in one that holds the flows of benchmarks/speed.py, with a hundred of their servers in the list, so that every stored
event is matched. The table goes to docs/enrichment.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.documents import ROOT, fill, table
from benchmarks.speed import write_conn_log

KNOWN = [f"192.0.{number // 250}.{number % 250}" for number in range(100)]
"""Servers of ``write_conn_log``: each takes one flow in nine hundred."""
GOAL = 10.0


def write_list(path: Path, count: int) -> None:
    """Distinct addresses, domains, SHA-256 and URLs, a quarter each, in no order, and :data:`KNOWN`."""
    with path.open("w") as out:
        out.writelines(f"{address}\n" for address in KNOWN)
        for number in range(count - len(KNOWN)):
            digest = hashlib.sha256(b"%d" % number).hexdigest()
            word, kind = digest[:12], number % 4
            if kind == 0:
                out.write(f"{11 + number % 80}.{int(digest[:2], 16)}.{(number >> 8) % 256}.{number // 4 % 256}\n")
            elif kind == 1:
                out.write(f"{word}.example-{digest[12:15]}.com\n")
            elif kind == 2:
                out.write(f"{digest}\n")
            else:
                out.write(f"http://{word}.net/{digest[12:18]}.php?id={number}\n")


def command(workspace: Path, *words: str) -> tuple[dict[str, Any], float]:
    """A soc-tui command's JSON report, and its seconds from start to exit."""
    env = {**os.environ, "SOC_TUI_ANALYSIS__ENABLED": "false", "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "soc_tui", "--workspace", str(workspace), "--format", "json", *words],
        env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report, seconds


def closed(workspace: Path) -> None:
    """Wait until no engine holds a workspace: a command does not wait for ever for the end of the one it started."""
    import duckdb

    for _ in range(600):
        try:
            duckdb.connect(str(workspace / "workspace.duckdb")).close()
            return
        except duckdb.IOException:
            time.sleep(0.2)
    raise TimeoutError(f"{workspace} is still held")


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--indicators", type=int, default=1_500_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    alone, beside, found = [], [], 0
    with tempfile.TemporaryDirectory(prefix="soc-tui-bench-") as name:
        folder = Path(name)
        listed, log, workspace = folder / "list.txt", folder / "conn.log", folder / "workspace"
        write_list(listed, options.indicators)
        write_conn_log(log, options.events)
        command(folder / "stored", "ingest", str(log))
        closed(folder / "stored")
        for _ in range(options.runs):
            for times, source in ((alone, None), (beside, folder / "stored")):
                if workspace.exists():
                    closed(workspace)
                    shutil.rmtree(workspace)
                if source is not None:
                    shutil.copytree(source, workspace)
                report, seconds = command(workspace, "indicators", "load", str(listed))
                assert report["indicators"] > 0.99 * options.indicators, report
                times.append(seconds)
                found = int(report["findings"])
                print(source, seconds, report["load_seconds"], found, file=sys.stderr, flush=True)
    load, both = statistics.median(alone), statistics.median(beside)
    text = table(
        ["what", "whole command, median", "goal", "met"],
        [
            [f"{options.indicators:,} indicators loaded", f"{load:.1f} s", f"{GOAL:.0f} s", "yes" if load <= GOAL else "no"],
            [f"the same with {options.events:,} stored flows to match ({found:,} findings)", f"{both:.1f} s", "-", "-"],
        ],
    )  # fmt: skip
    print(text)
    fill(ROOT / "docs" / "enrichment.md", "indicators", f"Medians of {options.runs}.\n\n{text}")


if __name__ == "__main__":
    main()
