"""What marks can cost: an attacker has 200 of his alerts closed as false, and the local head learns from them.

    python -m benchmarks.marks --data DIR [--only NAME ...]

For each network the 200 marks are found attacks of its labelled sets, chosen in three ways: by chance, the nearest to
the threshold, and those most like one another. The head is fitted as ``soc-tui models learn`` does it, and recall
is measured on every labelled set (whole, the marked ones among it) before and after. Fills docs/models.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import ROOT, fill, keep_result, read_result, table
from soc_tui.analysis import building, cases, feedback
from soc_tui.analysis.corpora.sample import Sample
from soc_tui.analysis.encoding import NAMES, inference
from soc_tui.analysis.prediction import Predictor

MARKS = 200
FEWEST = 100
"""Attacks that a set must have to be told of: a point of recall of fewer is less than one of them."""
Views = tuple[NDArray[np.float32], NDArray[np.float64]]
"""What the last layer sees of each example's worst row, and the network's own log odds."""


def views(model: Predictor, sample: Sample) -> Views:
    """Every example by its worst row."""
    seen = inference.run(model.network, sample.rows)
    order = np.lexsort((-seen.log_odds, sample.owner))
    worst = order[np.unique(sample.owner[order], return_index=True)[1]]
    return seen.hidden[worst], seen.log_odds[worst]


def chosen(hidden: NDArray[Any], odds: NDArray[Any], rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Places of the marks among found attacks, for each way of choosing them."""
    one = int(rng.integers(len(odds)))
    _, alike = cases.nearest(hidden, hidden[one : one + 1])
    return {
        "by chance": rng.permutation(len(odds))[:MARKS],
        "nearest to the threshold": np.argsort(odds, kind="stable")[:MARKS],
        "most alike": np.argsort(-alike, kind="stable")[:MARKS],
    }


def lost(model: Predictor, sets: dict[str, Sample]) -> dict[str, Any]:
    """Way of choosing -> set -> recall before and after, and what following the marks whole would have cost."""
    assert model.anchors is not None
    at = model.raw_threshold
    attacks = {part: views(model, sample.where(sample.risky)) for part, sample in sets.items() if sample.risky.any()}
    hidden, odds = (np.concatenate(side) for side in zip(*attacks.values(), strict=True))
    found = odds >= at
    out: dict[str, Any] = {}
    for way, places in chosen(hidden[found], odds[found], np.random.default_rng(7)).items():
        h, o = hidden[found][places], odds[found][places]
        learned = feedback.learn(h, o, np.zeros(len(places), bool), model.anchors, at)
        recall = {
            part: {"before": float((raw >= at).mean()), "after": float((learned.head.log_odds(raw, seen) >= at).mean())}
            for part, (seen, raw) in attacks.items() if len(raw) >= FEWEST
        }  # fmt: skip
        out[way] = {"recall": recall, "share": learned.share, "whole": learned.recall_lost_whole, "marks": len(places)}
    return out


def worst(found: dict[str, Any]) -> tuple[float, str]:
    """The greatest loss of recall in points, and where."""
    losses = [
        (100 * (one["before"] - one["after"]), f"{part}, {way}")
        for way, told in found.items() for part, one in told["recall"].items()
    ]  # fmt: skip
    return max(losses)


def tables(results: dict[str, Any]) -> str:
    """One row for each network and way of choosing."""
    rows = []
    for name, found in results.items():
        for way, told in found.items():
            parts = [
                f"{part} {100 * one['before']:.1f} → {100 * one['after']:.1f} %" for part, one in told["recall"].items()
            ]
            rows.append([name, f"{told['marks']}, {way}", f"{100 * told['whole']:.1f}", f"{told['share']:.0%}", "; ".join(parts)])  # fmt: skip
    head = ["network", "marks", "points of recall on anchors, followed whole", "followed", "recall before and after"]
    worsts = "; ".join(f"{name} {loss:.2f} ({where})" for name, (loss, where) in
                       ((name, worst(found)) for name, found in results.items()))  # fmt: skip
    return f"{table(head, rows)}\nGreatest loss in points of recall: {worsts}. Goal: at most 1 point.\n"


def main() -> None:
    """Measure and fill docs/models.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=list(NAMES), choices=NAMES)
    options = parser.parse_args()
    kept = read_result("marks")
    for name in options.only:
        model = Predictor.load(ROOT / "models", name)
        plan = building.task(name, options.data, model.card.seed)
        kept[name] = lost(model, {"validation": plan.validation, **plan.tests})
        print(name, worst(kept[name]), flush=True)
        keep_result("marks", kept)
    fill(ROOT / "docs" / "models.md", "marks", tables({name: kept[name] for name in NAMES if name in kept}))


if __name__ == "__main__":
    main()
