"""Are explanations true? What they name is removed, and so is as much of something else: which moves the score more?

    python -m benchmarks.faithfulness --data DIR

For every alert of a model on its validation and test data: the log odds without the three fields that weigh most (or
without the three weightiest runs of a sequence) against the log odds without as many others chosen by
chance (mean of 5 draws, seeded). Writes docs/faithfulness.md; the goal is 90 % of alerts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import ROOT, fill, keep_result, read_result, table
from soc_tui.analysis import building
from soc_tui.analysis.corpora.sample import Sample
from soc_tui.analysis.encoding import NAMES, encoding, inference
from soc_tui.analysis.encoding.base import named
from soc_tui.analysis.prediction import Predictor, fields_of

GOAL = 0.9
FEWEST = 20
"""Alerts that a set must have to be told of."""
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


def share_of_faithful(
    model: Predictor, sample: Sample, rng: np.random.Generator, most: int = ALERTS
) -> tuple[int, float]:
    """Alerts looked at, and the share of them in which what is named moved the log odds more than chance."""
    odds = inference.run(model.network, sample.rows).log_odds
    found = np.flatnonzero(odds >= model.raw_threshold)
    found = np.sort(rng.permutation(found)[:most])
    if not len(found):
        return 0, 0.0
    rows = sample.rows[found]
    if rows.ndim == 2:
        changed = changed_by_ids
    elif getattr(encoding(model.card.name), "slots", ()):
        changed = changed_by_names
    else:
        changed = changed_by_events
        enough = (rows != 0).any(2).sum(1) >= 2 * TOP
        rows, found = rows[enough], found[enough]
        if not len(found):
            return 0, 0.0
    top, chance = changed(model, rows, model.attributions(rows), odds[found], rng)
    return len(found), float((np.abs(top) > np.abs(chance)).mean())


def changed_by_names(
    model: Predictor, rows: NDArray[Any], weights: NDArray[Any], odds: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    coded = encoding(model.card.name)
    fields, empty = fields_of(coded.slots), coded.encode(coded.table_of(["{}"])[0]).rows[0]
    names = list(fields)
    summed = np.stack([sum(weights[:, token, place] for token, place in slots) for slots in fields.values()], 1)
    first = named(summed)[:, :TOP]
    best = [{names[i] for i in row} for row in first]
    rest = [np.setdiff1d(np.arange(len(names)), row) for row in first]
    top = odds - inference.run(model.network, without_fields(rows, empty, fields, best)).log_odds
    chance = np.zeros(len(rows))
    for _ in range(DRAWS):
        other = [{names[i] for i in rng.choice(row, TOP, replace=False)} for row in rest]
        chance += (odds - inference.run(model.network, without_fields(rows, empty, fields, other)).log_odds) / DRAWS
    return top, chance


def changed_by_events(
    model: Predictor, rows: NDArray[Any], weights: NDArray[Any], odds: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    first, present = named(weights.sum(2))[:, :TOP], (rows != 0).any(2)

    def moved(places: list[NDArray[np.int64]]) -> NDArray[Any]:
        out = rows.copy()
        for row, gone in enumerate(places):
            out[row, gone] = 0
        return odds - inference.run(model.network, out).log_odds

    top = moved(list(first))
    chance = np.zeros(len(rows))
    for _ in range(DRAWS):
        others = [
            rng.choice(np.setdiff1d(np.flatnonzero(real), gone), TOP, replace=False)
            for real, gone in zip(present, first, strict=True)
        ]
        chance += moved(others) / DRAWS
    return top, chance


def changed_by_ids(
    model: Predictor, rows: NDArray[Any], weights: NDArray[Any], odds: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    lengths = (rows != 0).sum(1)
    best, others = [], []
    for row, length in enumerate(lengths):
        size = max(1, min(getattr(encoding(model.card.name), "run", inference.RUN), length // 8))
        left = np.convolve(weights[row, :length], np.ones(size), "valid")
        named: list[int] = []
        while len(named) < TOP * size and np.isfinite(left).any():
            at = int(left.argmax())
            named += range(at, at + size)
            left[max(0, at - size + 1) : at + size] = -np.inf  # runs do not overlap
        best.append(np.array(named))
        others.append([_other_runs(length, size, set(named), rng) for _ in range(DRAWS)])
    top = odds - inference.run(model.network, without_ids(rows, best)).log_odds
    chance = np.zeros(len(rows))
    for draw in range(DRAWS):
        chance += (odds - inference.run(model.network, without_ids(rows, [o[draw] for o in others])).log_odds) / DRAWS
    return top, chance


def _other_runs(length: int, size: int, named: set[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """As many runs of the same size, by chance, none of which touches what is named."""
    chosen: list[int] = []
    for at in rng.permutation(length - size + 1):
        run = range(at, at + size)
        if len(chosen) < TOP * size and not named.intersection(run) and not set(chosen).intersection(run):
            chosen += run
    return np.array(chosen, np.int64)


def tables(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """One row for each set of each network."""
    rows = [
        [name, part, str(int(one["alerts"])), f"{one['share']:.1%}", f"{GOAL:.0%}", "yes" if one["share"] >= GOAL else "no"]
        for name, sets in found.items() for part, one in sets.items()
    ]  # fmt: skip
    return table(["network", "set", "alerts", "what is named moves more", "goal", "met"], rows)


def main() -> None:
    """Measure and fill docs/faithfulness.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=NAMES, choices=NAMES)
    parser.add_argument("--alerts", type=int, default=ALERTS, help="of each set at most; long files take long")
    arguments = parser.parse_args()
    kept = read_result("faithfulness")
    for name in arguments.only:
        model, plan = Predictor.load(ROOT / "models", name), building.task(name, arguments.data, 7)
        kept[name] = {}
        for part, sample in {"validation": plan.validation, **plan.tests}.items():
            count, share = share_of_faithful(model, sample, np.random.default_rng(7), arguments.alerts)
            if count >= FEWEST:
                kept[name][part] = {"alerts": count, "share": round(share, 5)}
                print(f"{name} {part}: {share:.1%} of {count}", flush=True)
        keep_result("faithfulness", kept)
    fill(ROOT / "docs" / "faithfulness.md", "faithfulness", tables({n: kept[n] for n in NAMES if n in kept}))


if __name__ == "__main__":
    main()
