"""How fast the networks score, and what an engine with all of them weighs.

    python -m benchmarks.scoring --data DIR

fills docs/performance.md. On one thread, at batches of 1024, the shipped flow network and LightGBM (200 trees of 63 leaves) take
turns at the same rows of the same features, so that a busy machine slows both; the ratio of the medians counts, not the
rows a second. Encoding is timed apart: both need it. LightGBM is optional.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.documents import GAP, ROOT, fill, table
from soc_tui.analysis.encoding import NAMES
from soc_tui.core.resources import resource_dir

RUNS = 7
BATCH = 1024
ROWS = 16 * BATCH
FLOW_CAPTURES = ("008", "011", "exposed-1", "proxy-rolling")
TREES, LEAVES = 200, 63
PEER = f"LightGBM {TREES} x {LEAVES}"
NETWORK, DISTINCT = "flow network", "distinct values"
RATIO, VALUES, MEGABYTES = 0.7, 10_000, 600
"""Goals: against LightGBM, distinct values a second, memory of the engine."""
LOGS = ("hostlogs/elastic_apache_access_combined.log.gz",)


def rates(works: dict[str, tuple[int, Callable[[], Any]]]) -> dict[str, float]:
    """Rows a second of each work (rows, what to do), the median of RUNS turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, (_, work) in works.items():
            start = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - start)
    return {name: rows / statistics.median(taken[name]) for name, (rows, _) in works.items()}


def flow_rates(data: Path) -> dict[str, float]:
    """The flow network beside LightGBM on one thread."""
    from soc_tui.analysis.corpora import flow as captures
    from soc_tui.analysis.encoding import flow, inference
    from soc_tui.analysis.prediction import Predictor

    tables = [flow.context(part.table) for part in captures.read(data, FLOW_CAPTURES)]
    whole = pa.concat_tables(tables)
    table = whole.take(pa.array(np.sort(np.random.default_rng(7).permutation(whole.num_rows)[:ROWS])))
    risky = table["bits"].to_numpy() != captures.BENIGN
    rows = flow.encode(table)
    model = Predictor.load(None, "flow", threads=1)

    def afresh(score: Callable[[pa.Table], object], rows: pa.Table) -> Callable[[], object]:
        return lambda: (model.forget(), score(rows))

    works: dict[str, tuple[int, Callable[[], Any]]] = {
        NETWORK: (ROWS, lambda: inference.run(model.network, rows, BATCH)),
    }
    peer = trees(rows.reshape(ROWS, -1), risky)
    if peer is not None:
        works[PEER] = (ROWS, peer)
    return rates(
        works
        | {
            "encode alone": (ROWS, lambda: flow.encode(table)),
            "encode, distinct rows, network, calibration": (ROWS, afresh(model.log_odds, table)),
            "the same, with verdicts and explanations": (ROWS, afresh(model.score, table)),
        }
    )


def trees(flat: Any, risky: Any) -> Callable[[], None] | None:
    """LightGBM trained on these rows, as something that scores them in batches; None where it is not installed."""
    try:
        import lightgbm
    except ImportError:
        return None
    options = {"objective": "binary", "num_leaves": LEAVES, "min_data_in_leaf": 1, "verbose": -1, "num_threads": 1}
    model = lightgbm.train(options, lightgbm.Dataset(flat, risky), TREES)

    def work() -> None:
        for start in range(0, len(flat), BATCH):
            model.predict(flat[start : start + BATCH], num_threads=1)

    return work


def query_rates(data: Path) -> dict[str, float]:
    """Distinct and repeated values of a real access log on two threads."""
    from soc_tui.analysis.corpora.query import access_log
    from soc_tui.analysis.prediction import Predictor

    values = sorted({v for log in LOGS for v in access_log(data, log, answered=False)})
    model = Predictor.load(None, "query", threads=2)
    once, often = pa.table({"value": values}), pa.table({"value": values * 20})
    return rates(
        {
            DISTINCT: (len(values), lambda: (model.forget(), model.log_odds(once))),
            "values of a log, each 20 times": (20 * len(values), lambda: (model.forget(), model.log_odds(often))),
        }
    )


def engine_memory() -> dict[str, Any]:
    """Resident memory in MB of an engine process that has loaded and used every shipped network."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.scoring", "--engine", folder], capture_output=True, check=True, text=True
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _engine(workspace: Path) -> None:
    """The child of :func:`engine_memory`: an engine at work with all networks, then its own figures as JSON."""
    from soc_tui.core.settings import Settings
    from soc_tui.management.engine import Engine

    engine = Engine(Settings(workspace=workspace))
    before = _resident()
    names = [name for name in NAMES if (resource_dir("models") / f"{name}.json").exists()]
    for name in names:
        predictor = engine.pipeline.scoring.predictor(name)
        sample = '{"src_ip": "192.0.2.1", "dst_ip": "192.0.2.2", "dst_port": 23, "protocol": "tcp"}'
        from soc_tui.analysis.encoding import encoding

        predictor.score(encoding(name).table_of([sample] * BATCH)[0])
    print(json.dumps({"models": names, "before": before, "after": _resident()}))
    sys.stdout.flush()


def _resident() -> float:
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return round(int(kilobytes) / 1024, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--memory", action="store_true", help="measure only the engine's memory")
    parser.add_argument("--engine", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        _engine(options.engine)
        return
    if options.data is None and not options.memory:
        parser.error("--data is needed")
    rates_of = ({}, {}) if options.memory else (flow_rates(options.data), query_rates(options.data))
    text = told(*rates_of, engine_memory())
    print(text)
    fill(ROOT / "docs" / "performance.md", "scoring", text)


def told(flow: dict[str, float], query: dict[str, float], memory: dict[str, Any]) -> str:
    """The figures as Markdown, each goal with whether it is met; rates that are not there are not measured."""
    peer = flow.get(PEER)
    ratio = flow[NETWORK] / peer if peer else None
    values = query.get(DISTINCT)
    goals = [
        ["flow network against LightGBM", GAP if ratio is None else f"{ratio:.2f}x", f"at least {RATIO}x, target 1.0x",
         "" if ratio is None else _met(ratio >= RATIO)],
        ["distinct values of `query` on two threads", GAP if values is None else f"{values:,.0f}/s",
         f"at least {VALUES:,}/s", "" if values is None else _met(values >= VALUES)],
        [f"engine with {', '.join(memory['models'])} loaded and used (before the first: {memory['before']:.0f} MB)",
         f"{memory['after']:.0f} MB", f"at most {MEGABYTES} MB", _met(memory["after"] <= MEGABYTES)],
    ]  # fmt: skip
    text = table(["what", "measured", "goal", "met"], goals)
    rows = [["flow, one thread", name, f"{rate:,.0f} rows/s", f"{rate / peer:.2f}x" if peer else "-"]
            for name, rate in flow.items()]  # fmt: skip
    rows += [["query, two threads", name, f"{rate:,.0f} values/s", "-"] for name, rate in query.items()]
    if not rows:
        return text
    return (
        f"Medians of {RUNS} turns, batches of {BATCH}; the machine was shared with other work "
        f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores), so ratios tell more than rows a second.\n\n"
        f"{text}\n{table(['', 'work', 'rate', 'against LightGBM'], rows)}"
    )


def _met(reached: bool) -> str:
    return "yes" if reached else "no"


if __name__ == "__main__":
    main()
