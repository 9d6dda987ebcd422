"""The query model on real logs: false alarms by log, speed, and whether its explanations name what mattered.

    python benchmarks/query.py --data DIR [--models DIR]

prints Markdown. Every log is presumed benign in the part that is read (``answered``: only requests with 2xx or 3xx, as
exposed servers answer scans with 4xx); logs in training or validation are marked, the others were never seen.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from soc_tui.analysis.corpora import attacks, query_task
from soc_tui.analysis.corpora import query as lists
from soc_tui.analysis.corpora.ordinary import ordinary
from soc_tui.analysis.encoding import query
from soc_tui.analysis.prediction import Predictor

SHOWN = 5
"""Alarms printed for each log."""


NO_LOGS = ("shop", "forum")
"""Benign values that no training saw and that are in no log: searches and sentences."""


def logs(data: Path) -> dict[str, tuple[str, lists.Labelled]]:
    """Name -> what the shipped training did with it, and values presumed benign."""
    found = {
        "elastic_apache, all": ("validation", lists.access_log(data, query_task._APACHE, answered=False)),
        "zeek 008 and 011": ("validation", lists.zeek_uris(data, query_task._WINDOWS, *query_task._ZEEK)),
        "zeek browsing": ("training in part", lists.zeek_uris(data, *_flat("browsing"))),
        "zeek 007": ("training in part", lists.zeek_uris(data, *_flat("honeypot"))),
    }
    for name, values in query_task.unseen_benign(data).items():
        found[name] = ("unseen, no log" if name in NO_LOGS else "unseen", values)
    return found


def _flat(name: str) -> tuple[str, ...]:
    pattern, fields = query_task._LOGS[name]
    return (pattern, *fields)


def false_alarms(model: Predictor, data: Path) -> str:
    """Alarms at the shipped threshold among the distinct values of each log."""
    lines, alarms = "| log | distinct values | alarms | share |\n|---|---|---|---|\n", ""
    for log, (role, values) in logs(data).items():
        name, texts = f"{log} ({role})", sorted(values)
        score = model.score(pa.table({"value": texts}))["score"].to_numpy()
        hit = np.flatnonzero(score >= model.threshold)
        lines += f"| {name} | {len(texts):,} | {len(hit)} | {len(hit) / max(len(texts), 1):.4%} |\n"
        worst = hit[np.argsort(-score[hit])][:SHOWN]
        alarms += "".join(f"- {name}: {score[i]:.4f} `{texts[i][:150]!r}`\n" for i in worst)
    return f"{lines}\n{alarms}"


def speed(data: Path, models: Path) -> str:
    """Distinct values a second, encoding, network and explanations together, best of three."""
    texts = sorted(lists.access_log(data, query_task._APACHE, answered=False))
    parts = [t for t in texts if not t.startswith(("http", "Mozilla"))]
    lines = ""
    for threads in (1, 2):
        model = Predictor.load(models, "query", threads=threads)
        for name, values in (("paths and parameters", parts), ("with agents and referrers", texts)):
            best = min(_seconds(model, values) for _ in range(3))
            lines += f"- {name}, {threads} thread(s): {len(values) / best:,.0f} distinct values/s\n"
    return lines


def _seconds(model: Predictor, values: list[str]) -> float:
    start = time.perf_counter()
    model.score(pa.table({"value": values}))
    return time.perf_counter() - start


def faithful(model: Predictor, count: int = 300) -> tuple[int, int]:
    """Alarms whose score falls more without the named characters than without as many others; and all alarms tried.

    The attacks are made by rule with a seed of their own and stand in ordinary text.
    """
    rng = np.random.default_rng(20)
    texts = [
        f"{before[:60]} {attack} {after[:60]}"
        for before, attack, after in zip(
            ordinary(count, rng), attacks.made(count, rng), ordinary(count, rng), strict=True
        )
    ]
    texts = [query.decode(t).text.encode("utf-8", "replace").decode() for t in texts]
    rows = model.score(pa.table({"value": texts})).to_pylist()
    better = tried = 0
    for text, row in zip(texts, rows, strict=True):
        spans = [_places(e) for e in _named(row)][:3]
        taken = {i for begin, end in spans for i in range(begin, end)}
        others = [i for i in range(len(text)) if i not in taken]
        if not taken or len(others) < len(taken):
            continue
        start = int(rng.integers(len(others) - len(taken) + 1))
        random = set(others[start : start + len(taken)])
        cut = ["".join(c for i, c in enumerate(text) if i not in gone) for gone in (taken, random)]
        left = model.log_odds(pa.table({"value": cut}))
        tried += 1
        better += bool(left[0] < left[1])
    return better, tried


def _named(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in json.loads(row["explanation"]) if e["field"].startswith("characters ")]


def _places(entry: dict[str, Any]) -> tuple[int, int]:
    begin, end = entry["field"].removeprefix("characters ").split("-")
    return int(begin), int(end)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[1] / "models")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = Predictor.load(options.models, "query")
    print(f"threshold {model.threshold:.6f}\n\n{false_alarms(model, options.data)}")
    better, tried = faithful(model)
    print(f"explanations: {better} of {tried} alarms fall more without the named characters than without others\n")
    print(speed(options.data, options.models))


if __name__ == "__main__":
    main()
