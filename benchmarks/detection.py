"""Detection figures of the six shipped networks, measured afresh and compared with what their cards say.

    python -m benchmarks.detection --data DIR [--only NAME ...] [--write-only]

Every network in models/ is scored on the validation and test data of its card, laid out again from the data folder by
the card's seed. The tables go between the marks of docs/detection.md and docs/detection/NAME.md; the numbers behind
them to docs/detection/results/. ``--write-only`` makes the tables again from those numbers. The overview takes in what
benchmarks.loso, benchmarks.flow_networks and benchmarks.faithfulness have kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import goals
from benchmarks import query as query_logs
from benchmarks.documents import DETECTION, ROOT, fill, keep_result, read_result, table
from soc_tui.analysis import building, calibration
from soc_tui.analysis.card import Card, read_card
from soc_tui.analysis.corpora import domain as domain_names
from soc_tui.analysis.corpora import domain_task
from soc_tui.analysis.corpora.sample import Sample, Task
from soc_tui.analysis.encoding import NAMES, inference
from soc_tui.analysis.experiments.protocol import recall_at
from soc_tui.analysis.figures import intervals, measure
from soc_tui.analysis.prediction import Predictor

RATE = 0.01
"""Share of benign rows at which recall is compared (``code``'s goal)."""
SAME = 2e-4
"""Figures of a card and fresh ones may differ by so much: another processor adds in another order."""


def judged(model: Predictor, sample: Sample) -> dict[str, Any]:
    """Figures of one labelled set at the shipped threshold, with 95 % bootstrap intervals.

    ``right_kind`` is the share of found attacks whose class is one that the label permits, where it rules any out.
    """
    seen = inference.run(model.network, sample.rows)
    odds = np.full(len(sample.allowed), -np.inf)
    np.maximum.at(odds, sample.owner, seen.log_odds)
    score = calibration.probability(calibration.of_card(model.card).log_odds(odds))
    found: dict[str, Any] = measure(score, sample.risky, model.threshold)
    found["intervals"] = intervals(score, sample.risky, model.threshold)
    risky = sample.risky
    found["recall_at_1_percent"] = recall_at(score, risky, RATE) if risky.any() and not risky.all() else None
    order = np.lexsort((-seen.log_odds, sample.owner))
    worst = order[np.unique(sample.owner[order], return_index=True)[1]]
    kind = 1 + seen.probabilities[worst, 1:].argmax(1)
    told = risky & (score >= model.threshold) & ~sample.allowed[:, 1:].all(1)
    permitted = sample.allowed[np.arange(len(kind)), kind]
    found["right_kind"] = float(permitted[told].mean()) if told.any() and len(model.card.classes) > 2 else None
    return found


def differs(card: dict[str, Any], fresh: dict[str, Any]) -> bool:
    """Whether a fresh figure is another than the card's."""
    for key in ("rows", "positives", "precision", "recall", "f1", "fpr", "auroc"):
        a, b = card[key], fresh[key]
        if (a is None) != (b is None) or (a is not None and abs(a - b) > SAME):
            return True
    return False


def logs_of(name: str, data: Path) -> dict[str, tuple[str, list[str]]]:
    """Log -> what the shipped training did with it, and its distinct values that are presumed benign."""
    if name == "query":
        return {log: (role, sorted(values)) for log, (role, values) in query_logs.logs(data).items()}
    if name == "domain":
        return {
            log: ("validation" if role == "validation" else "unseen", domain_names.asked(data, pattern))
            for role, logs in domain_task.LOGS.items() for log, pattern in logs.items()
        }  # fmt: skip
    return {}


def false_alarms(model: Predictor, logs: dict[str, tuple[str, list[str]]]) -> dict[str, Any]:
    """Distinct values of each log, and how many alarm at the shipped threshold."""
    found = {}
    for log, (role, values) in logs.items():
        score = calibration.probability(model.log_odds(pa.table({"value": values}))) if values else np.zeros(0)
        found[log] = {"role": role, "values": len(values), "alarms": int((score >= model.threshold).sum())}
    return found


def measured(name: str, data: Path) -> dict[str, Any]:
    """Everything that is said of one shipped network."""
    model = Predictor.load(ROOT / "models", name)
    card = model.card
    plan: Task = building.task(name, data, card.seed)
    sets = {"validation": plan.validation, **plan.tests}
    found = {part: judged(model, sample) for part, sample in sets.items()}
    return {
        "sets": found, "logs": false_alarms(model, logs_of(name, data)), "ece": card.ece, "weights": card.weights_sha256,
        "threshold": model.threshold, "threshold_source": card.threshold_source, "epochs": card.epochs,
        "parameters": card.parameters, "seed": card.seed, "date": card.date,
        "unlike_card": sorted(part for part in found if differs(card.metrics[part], found[part])),
    }  # fmt: skip


def of_card(card: Card) -> dict[str, Any]:
    """What a card alone says, for a network that has not been measured since it was trained."""
    sets = {part: {**m, "recall_at_1_percent": None, "right_kind": None} for part, m in card.metrics.items()}
    return {
        "sets": sets, "logs": {}, "ece": card.ece, "weights": card.weights_sha256, "threshold": card.threshold,
        "threshold_source": card.threshold_source, "epochs": card.epochs, "parameters": card.parameters,
        "seed": card.seed, "date": card.date, "unlike_card": None,
    }  # fmt: skip


def kept() -> dict[str, Any]:
    """What was measured of the weights that ship; of other weights nothing counts, and the card speaks."""
    results = read_result("shipped")
    cards = {name: read_card(ROOT / "models", name) for name in NAMES}
    return {
        name: results[name] if results.get(name, {}).get("weights") == card.weights_sha256 else of_card(card)
        for name, card in cards.items()
    }


def _rate(value: float | None, interval: list[float] | None = None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" + (f" ({interval[0]:.4f} - {interval[1]:.4f})" if interval else "")


def shipped(found: dict[str, Any]) -> str:
    """The measured part of a network's document."""
    rows = [
        [
            part, f"{m['rows']:,}", f"{m['positives']:,}",
            *(_rate(m[key], m["intervals"].get(key)) for key in ("auroc", "recall", "fpr")),
            *(_rate(m[key]) for key in ("precision", "f1", "recall_at_1_percent", "right_kind")),
        ]
        for part, m in found["sets"].items()
    ]  # fmt: skip
    head = ["set", "rows", "attacks", "AUROC", "recall", "false positives", "precision", "F1", "recall at 1 % false positives",
            "right kind"]  # fmt: skip
    agrees = "The card says the same."
    if found["unlike_card"] is None:
        agrees = "As the card says it; not measured again since."
    elif found["unlike_card"]:
        agrees = f"**Unlike the card: {', '.join(found['unlike_card'])}.**"
    text = (
        f"Weights `{found['weights'][:12]}`, trained {found['date']} with seed {found['seed']} ({found['parameters']:,} "
        f"numbers, epoch {found['epochs']}); threshold {found['threshold']:.6f}, expected calibration error "
        f"{found['ece']:.4f}. {agrees}\n\n{table(head, rows)}\n"
        "In brackets: 95 % bootstrap intervals. *Right kind*: of the found attacks whose label names kinds, the share "
        "that is given one of them.\n"
    )
    if found["logs"]:
        rows = [
            [log, m["role"], f"{m['values']:,}", str(m["alarms"]), f"{m['alarms'] / max(m['values'], 1):.3%}"]
            for log, m in found["logs"].items()
        ]
        unseen = goals.pooled(found["logs"])
        rows.append(["**all unseen logs**", "", f"{unseen[1]:,}", str(unseen[0]), f"{unseen[0] / unseen[1]:.3%}"])
        text += "\nFalse alarms on values presumed benign, each distinct value once:\n\n"
        text += table(["values of", "role in training", "distinct values", "alarms", "share"], rows)
    return text


def write(results: dict[str, Any]) -> None:
    """Fill every document from the kept results."""
    for name, found in results.items():
        fill(DETECTION / f"{name}.md", "shipped", shipped(found))
    fill(ROOT / "docs" / "detection.md", "goals", goals.overview(results))


def main() -> None:
    """Measure and fill the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--write-only", action="store_true", help="make the tables again from docs/detection/results")
    options = parser.parse_args()
    results = kept()
    if not options.write_only:
        if options.data is None:
            parser.error("--data is needed to measure")
        for name in options.only:
            results[name] = measured(name, options.data)
            print(f"{name}: threshold {results[name]['threshold']:.6f}\n{shipped(results[name])}", flush=True)
            keep_result("shipped", results)
    write(results)
    print(goals.overview(results))


if __name__ == "__main__":
    main()
