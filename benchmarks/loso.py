"""Leave-one-source-out: how a model judges a source of which it has seen nothing, each source in turn.

    python -m benchmarks.loso MODEL --data DIR [--only FOLD] [--epochs N] [--rows N] [--out FILE]

``corpora/MODEL_task.py`` lays the folds out: its ``folds(data, seed)`` yields ``(name, make)``, where ``make()`` reads
a :class:`Task` that was laid out without the source ``name`` and whose ``tests`` hold it. Nothing of a held-out source
may be in the training or in the validation part; the threshold comes from validation alone. The trainings are shorter
than the shipped one (``--epochs``, ``--rows``) and the table says so. Every finished fold is one line of ``--out``
(docs/detection/results/loso-MODEL.jsonl), and a run that is started again goes on behind the last of them. The table
goes to docs/detection/MODEL.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.documents import DETECTION, RESULTS, fill
from soc_tui.analysis import building, calibration
from soc_tui.analysis.corpora.sample import Task
from soc_tui.analysis.figures import measure

Fold = tuple[str, Callable[[], Task]]
"""The source that is left out, and how to read the task that lacks it."""

SEED = 7


def folds(name: str, data: Path, seed: int) -> Iterable[Fold]:
    """A model's folds, none of them read yet."""
    made: Iterable[Fold] = importlib.import_module(f"soc_tui.analysis.corpora.{name}_task").folds(data, seed)
    return made


def run(fold: Fold, seed: int, epochs: int, rows: int) -> dict[str, Any]:
    """Train one fold and measure what it left out.

    Args:
        fold: see :func:`folds`.
        seed: of weights, order and augmentation.
        epochs: of this short training.
        rows: rows drawn for each of them.

    Returns:
        fold, seed, epochs, rows (per epoch), threshold, seconds, and ``figures``: test -> ``figures.measure``.
    """
    name, make = fold
    start = time.perf_counter()
    plan = dataclasses.replace(make(), rows_per_epoch=rows)
    network, best = building.fit(plan, seed, epochs, lambda line: print(f"{name}: {line}", flush=True))
    held = plan.validation
    raw, weight = building.log_odds(network, held), building.balance(held)
    fitted = calibration.fit(raw, held.risky, weight)
    score = calibration.probability(fitted.log_odds(raw))
    threshold = calibration.threshold(score, held.risky, weight, plan.false_positives)
    figures = {
        test: measure(
            calibration.probability(fitted.log_odds(building.log_odds(network, sample))), sample.risky, threshold
        )
        for test, sample in plan.tests.items()
    }
    return {
        "fold": name, "seed": seed, "epochs": epochs, "best_epoch": best, "rows": rows, "threshold": threshold,
        "seconds": round(time.perf_counter() - start, 1), "figures": figures,
    }  # fmt: skip


def finished(file: Path) -> list[dict[str, Any]]:
    """The folds that an earlier run wrote."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def table(results: Iterable[dict[str, Any]]) -> str:
    """The figures as Markdown, one row per left-out source."""
    lines = (
        "| left out | rows | attacks | AUROC | recall | false positives | threshold |\n|---|---|---|---|---|---|---|\n"
    )
    for result in results:
        for test, m in result["figures"].items():
            shown = test if test == result["fold"] else f"{result['fold']}: {test}"
            rates = " | ".join("-" if m[key] is None else f"{m[key]:.4f}" for key in ("auroc", "recall", "fpr"))
            lines += f"| {shown} | {m['rows']} | {m['positives']} | {rates} | {result['threshold']:.4f} |\n"
    return lines


def areas(results: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Fold -> AUROC on the source that it leaves out, with that source's own benign values where it has enough."""
    found = {}
    for result in results:
        own = result["figures"].get(result["fold"]) or result["figures"].get("left-out")
        if own and own["auroc"] is not None:
            found[result["fold"]] = float(own["auroc"])
    return found


def lacking(name: str, results: Iterable[dict[str, Any]]) -> list[str]:
    """The folds of a model that no run has finished."""
    done = {result["fold"] for result in results}
    return [fold for fold, _ in folds(name, Path(), SEED) if fold not in done]


def told(name: str, results: list[dict[str, Any]]) -> str:
    """The table, how the trainings were cut short, the mean, and what is not measured."""
    if not results:
        return f"Not measured: {', '.join(lacking(name, results))}.\n"
    lengths = sorted({(r["epochs"], r["rows"], r["seed"]) for r in results})
    short = "; ".join(f"{epochs} epochs of {rows:,} rows each, seed {seed}" for epochs, rows, seed in lengths)
    found = areas(results)
    mean = f"**{statistics.mean(found.values()):.4f}** over {len(found)}" if found else "-"
    missing = lacking(name, results)
    rest = f" Not measured: {', '.join(missing)}." if missing else ""
    return f"{table(results)}\nTrainings: {short}. Mean AUROC of the sources left out: {mean}.{rest}\n"


def main() -> None:
    """Run the folds that are not in the file yet, print the table and put it into the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--only", action="append", help="this fold alone; may be repeated")
    parser.add_argument("--write-only", action="store_true", help="only make the table of what is finished again")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rows", type=int, default=60_000, help="rows drawn for each epoch")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    out = options.out or RESULTS / f"loso-{options.model}.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    results = finished(out)
    done = {result["fold"] for result in results}
    for fold in () if options.write_only else folds(options.model, options.data, options.seed):
        if fold[0] in done or (options.only and fold[0] not in options.only):
            continue
        results.append(run(fold, options.seed, options.epochs, options.rows))
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(results[-1]) + "\n")  # a long run is not lost to its last fold
        print(table(results[-1:]), flush=True)
    print(told(options.model, results))
    if options.out is None:
        fill(DETECTION / f"{options.model}.md", "loso", told(options.model, results))


if __name__ == "__main__":
    main()
