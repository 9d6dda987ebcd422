"""Are explanations true? What they name is removed, and so is as much of something else: which moves the score more?

    python -m benchmarks.faithfulness --data DIR

For every alert of a model on its validation and test data: the log odds without the three fields that weigh most (or
without the run of characters, tokens or lines that is named) against the log odds without as many others chosen by
chance (mean of 5 draws, seeded). Writes docs/faithfulness.md; the goal is 90 % of alerts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis import building
from soc_tui.analysis.corpora.sample import Sample
from soc_tui.analysis.encoding import NAMES, encoding, inference
from soc_tui.analysis.prediction import Predictor, fields_of

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "faithfulness.md"
ALERTS = 500
DRAWS = 5
Fields = dict[str, list[tuple[int, int]]]
TOP = 3


def without_fields(rows: NDArray[Any], empty: NDArray[Any], fields: Fields, chosen: list[set[str]]) -> NDArray[Any]:
    """Feature groups with every slot that was made of a row's chosen fields as in the row of which nothing is known."""
    out = rows.copy()
    for name, slots in fields.items():
        gone = np.array([name in names for names in chosen])
        for token, place in slots:
            out[gone, token, place] = empty[token, place]
    return out


def without_ids(rows: NDArray[Any], places: list[NDArray[np.int64]]) -> NDArray[Any]:
    """Sequences without the ids at some places, closed up."""
    out = np.zeros_like(rows)
    for row, gone in enumerate(places):
        kept = np.delete(rows[row], gone)
        out[row, : len(kept)] = kept
    return out


def share_of_faithful(model: Predictor, sample: Sample, rng: np.random.Generator) -> tuple[int, float]:
    """Alerts looked at, and the share of them in which what is named moved the log odds more than chance."""
    odds = inference.run(model.network, sample.rows).log_odds
    found = np.flatnonzero(odds >= model.raw_threshold)
    found = np.sort(rng.permutation(found)[:ALERTS])
    if not len(found):
        return 0, 0.0
    rows = sample.rows[found]
    weights = np.concatenate(
        [inference.attributions(model.network, rows[i : i + 256]) for i in range(0, len(rows), 256)]
    )
    named = changed_by_names if rows.ndim == 3 else changed_by_ids
    top, chance = named(model, rows, weights, odds[found], rng)
    return len(found), float((np.abs(top) > np.abs(chance)).mean())


def changed_by_names(
    model: Predictor, rows: NDArray[Any], weights: NDArray[Any], odds: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    coded = encoding(model.card.name)
    fields, empty = fields_of(coded.slots), coded.encode(coded.table_of(["{}"])[0]).rows[0]
    names = list(fields)
    summed = np.stack([sum(weights[:, token, place] for token, place in slots) for slots in fields.values()], 1)
    order = np.argsort(-np.abs(summed), 1)
    best = [{names[i] for i in row[:TOP]} for row in order]
    top = odds - inference.run(model.network, without_fields(rows, empty, fields, best)).log_odds
    chance = np.zeros(len(rows))
    for _ in range(DRAWS):
        other = [{names[i] for i in rng.choice(row[TOP:], TOP, replace=False)} for row in order]
        chance += (odds - inference.run(model.network, without_fields(rows, empty, fields, other)).log_odds) / DRAWS
    return top, chance


def changed_by_ids(
    model: Predictor, rows: NDArray[Any], weights: NDArray[Any], odds: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    lengths = (rows != 0).sum(1)
    size = np.maximum(1, np.minimum(12, lengths // 4))
    best, others = [], []
    for row in range(len(rows)):
        sums = np.convolve(weights[row, : lengths[row]], np.ones(size[row]), "valid")
        at = int(sums.argmax())
        best.append(np.arange(at, at + size[row]))
        starts = [s for s in range(len(sums)) if abs(s - at) >= size[row]] or [0]
        others.append([np.arange(s, s + size[row]) for s in rng.choice(starts, DRAWS)])
    top = odds - inference.run(model.network, without_ids(rows, best)).log_odds
    chance = np.zeros(len(rows))
    for draw in range(DRAWS):
        chance += (odds - inference.run(model.network, without_ids(rows, [o[draw] for o in others])).log_odds) / DRAWS
    return top, chance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=NAMES, choices=NAMES)
    arguments = parser.parse_args()
    lines = [
        "# Are explanations true?", "",
        "Written by `python -m benchmarks.faithfulness`. The log odds of an alert without what its explanation names (the",
        "three weightiest fields; the weightiest run of a quarter of the sequence, at most 12) against the log odds without",
        "as much of something else, five times by chance.", "",
        "| model | set | alerts | what is named moves more | goal |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in arguments.only:
        model, plan = Predictor.load(ROOT / "models", name), building.task(name, arguments.data, 7)
        for part, sample in {"validation": plan.validation, **plan.tests}.items():
            count, share = share_of_faithful(model, sample, np.random.default_rng(7))
            if count >= 20:
                lines.append(f"| {name} | {part} | {count} | {share:.1%} | 90 % |")
                print(lines[-1], flush=True)
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
