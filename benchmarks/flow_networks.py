"""The flow network on networks that it never saw: each network left out in turn, several seeds, LightGBM beside it.

    python -m benchmarks.flow_networks --data DIR [--seeds 7 8 9] [--only NETWORK ...]

Rows are drawn and encoded once; a seed fixes the initial weights, the order of rows and what is hidden of them. Every
training that ends is written to docs/detection/results/flow-networks.json at once, and one that is there is not
repeated, so a long run can be stopped. The tables go to docs/detection/flow.md; ``--tables`` only makes them again.
LightGBM draws nothing at random here: one run serves for all seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.documents import DETECTION, fill, keep_result, read_result
from soc_tui.analysis import building, calibration
from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora import flow_task
from soc_tui.analysis.corpora.sample import Sample, Task, join
from soc_tui.analysis.figures import measure

NETWORKS = ("campus", "exposed", "malware lab", "scan lab", "office", "domain", "phone")
"""In the order in which they are left out, the labelled ones first."""
TESTS = ("zeroaccess", "zat")
RESULT = "flow-networks"
TREES, LEAVES = 200, 63
RATES = (0.01, 0.005, 0.002, 0.001)
"""Shares of benign validation data that a threshold may let through: what each rule would have given is kept as well."""


class Parts:
    """Every capture encoded once: as it is learned from, and whole as it is judged on."""

    def __init__(self, data: Path, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.network = {c.name: c.network for c in captures.CAPTURES}
        used = [c.name for c in captures.CAPTURES if c.name not in TESTS]
        self.learned = {name: flow_task.learned(data, (name,), rng)[0] for name in used}
        self.whole = {name: flow_task.sample(captures.load(data, (name,))) for name in (*used, *TESTS)}
        self.held = {name: flow_task.held_out(data, (name,), rng)[0] for name in (*flow_task.VALIDATION, "011")}
        self.always = flow_task.public_tables(data, rng)[0]
        self.always += flow_task.invented_networks(range(flow_task.INVENTED), rng)
        self.always_held = list(flow_task.invented_networks(flow_task.INVENTED_HELD, rng))

    def plan(self, held: str) -> tuple[Task, list[str]]:
        """The shipped training without one network, and the captures of that network.

        Where the network gave the attacks of the validation data, 011 takes their place and leaves the training.
        """
        left = [name for name in self.learned if self.network[name] == held]
        validation = [name for name in flow_task.VALIDATION if name not in left]
        if not any(self.whole[name].risky.any() for name in validation):
            validation.append("011")
        train = [name for name in self.learned if name not in left and name not in validation]
        parts = [part for name in train for part in self.learned[name]] + self.always
        return Task(
            name="flow", classes=captures.CLASSES, architecture=dict(flow_task.ARCHITECTURE), train=join(parts),
            validation=join([part for n in validation for part in self.held[n]] + self.always_held),
            tests={n: self.whole[n] for n in (*left, *TESTS)},
            augment=flow_task.hide_groups, files={}, split="", licence="", false_positives=flow_task.FALSE_POSITIVES,
            epochs=flow_task.EPOCHS, rows_per_epoch=flow_task.ROWS_PER_EPOCH,
        ), left  # fmt: skip


def judged(plan: Task, odds: Callable[[Sample], Any]) -> dict[str, Any]:
    """Figures of every test at the threshold that validation data alone fix, calibrated as the shipped models are."""
    weight = building.balance(plan.validation)
    raw = odds(plan.validation)
    fitted = calibration.fit(raw, plan.validation.risky, weight)

    def score(values: Any) -> Any:
        return calibration.probability(fitted.log_odds(values))

    scored = {name: score(odds(test)) for name, test in plan.tests.items()}
    rules = {}
    for rate in sorted({*RATES, plan.false_positives}):
        threshold = calibration.threshold(score(raw), plan.validation.risky, weight, rate)
        found = {name: measure(scored[name], test.risky, threshold) for name, test in plan.tests.items()}
        rules[f"{rate:g}"] = {"threshold": threshold, "tests": found}
    return {**rules[f"{plan.false_positives:g}"], "rules": rules}


def bilstm(plan: Task, seed: int) -> dict[str, Any]:
    """The network of the product."""
    network, epoch = building.fit(plan, seed, plan.epochs, lambda line: print(line, file=sys.stderr))
    return judged(plan, lambda sample: building.log_odds(network, sample)) | {"epoch": epoch}


def lightgbm(plan: Task) -> dict[str, Any]:
    """Trees on the same rows, weights, validation data, calibration and threshold rule."""
    import lightgbm as peer

    def flat(sample: Sample) -> Any:
        return sample.rows.reshape(len(sample.rows), -1)

    made = peer.Dataset(flat(plan.train), plan.train.risky, weight=building.balance(plan.train))
    options = {"objective": "binary", "num_leaves": LEAVES, "learning_rate": 0.05, "verbose": -1, "num_threads": 1,
               "seed": 7}  # fmt: skip
    model = peer.train(options, made, TREES)
    return judged(plan, lambda sample: np.asarray(model.predict(flat(sample), raw_score=True, num_threads=1)))


def tables(found: dict[str, Any]) -> str:
    """The results as Markdown: mean and range over the seeds, and LightGBM's row under each."""
    lines = [
        "| left out | capture | model | seeds | recall | false positives | AUC |",
        "|---|---|---|---|---|---|---|",
    ]
    for held in NETWORKS:
        runs = {k: v for k, v in found.items() if k.startswith(f"{held}|")}
        if not runs:
            continue
        for test in next(iter(runs.values()))["tests"]:
            for model, trees in (("BiLSTM-DNN", False), ("LightGBM", True)):
                mine = [v["tests"][test] for k, v in runs.items() if k.endswith("|lightgbm") == trees]
                if mine:
                    cells = " | ".join(_spread([m[key] for m in mine]) for key in ("recall", "fpr", "auroc"))
                    lines.append(f"| {held} | {test} | {model} | {len(mine)} | {cells} |")
    missing = [held for held in NETWORKS if not any(key.startswith(f"{held}|") for key in found)]
    if missing:
        lines += ["", f"Not measured: {', '.join(missing)}."]
    return "\n".join(lines if found else lines[-1:]) + "\n"


def _spread(values: list[float | None]) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    if len(known) == 1:
        return f"{known[0]:.4f}"
    return f"{statistics.mean(known):.4f} ({min(known):.4f} - {max(known):.4f})"


def main() -> None:
    """Train what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--only", nargs="+", default=list(NETWORKS))
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--tables", action="store_true", help="only make the tables of the results that are there")
    options = parser.parse_args()
    found = read_result(RESULT)
    if not options.tables:
        if options.data is None:
            parser.error("--data is needed to train")
        parts = Parts(options.data, 7)
        runs = [(held, str(seed)) for seed in options.seeds for held in options.only]
        if not options.no_peer:
            runs += [(held, "lightgbm") for held in options.only]
        for held, run in runs:
            key = f"{held}|{run}"
            if key not in found:
                plan, _ = parts.plan(held)
                found[key] = lightgbm(plan) if run == "lightgbm" else bilstm(plan, int(run))
                keep_result(RESULT, found)
                print(key, json.dumps(found[key]), file=sys.stderr)
    print(tables(found))
    fill(DETECTION / "flow.md", "networks", tables(found))


if __name__ == "__main__":
    main()
