"""Figures of scores against labels: rates, ranks, bootstrap intervals, reliability. numpy only, no network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[Any]
Marks = NDArray[np.bool_]
RESAMPLES = 400
"""Bootstrap resamples of an interval."""
BINS = 10
"""Bins of the reliability table."""
CURVE = 101
"""Points of a recall curve: its quantiles 0, 0.01 ... 1."""


def measure(score: Scores, risky: Marks, threshold: float) -> dict[str, Any]:
    """Counts and rates of scores against labels; a rate without a denominator is None."""
    hit = score >= threshold
    found, alarms, positives = int((hit & risky).sum()), int(hit.sum()), int(risky.sum())
    negatives = len(risky) - positives
    precision = found / alarms if alarms else None
    recall = found / positives if positives else None
    f1 = 2 * precision * recall / (precision + recall) if precision and recall else (0.0 if positives else None)
    rates = {
        "precision": precision, "recall": recall, "f1": f1,
        "fpr": (alarms - found) / negatives if negatives else None,
        "auroc": auroc(score, risky) if positives and negatives else None,
    }  # fmt: skip
    return {"rows": len(risky), "positives": positives} | {
        key: None if value is None else round(float(value), 5) for key, value in rates.items()
    }


def auroc(score: Scores, risky: Marks) -> float:
    """The area under the ROC curve by ranks, ties counted half (Mann-Whitney)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(risky.sum())
    return float((rank[risky].sum() - positives * (positives + 1) / 2) / (positives * (len(risky) - positives)))


def intervals(score: Scores, risky: Marks, threshold: float, seed: int = 7) -> dict[str, list[float] | None]:
    """95 % percentile bootstrap intervals of what :func:`measure` gives, each side resampled by itself.

    Rows are put into 512 bins of equal score, so that a resample costs 1,024 random numbers and not one for each row;
    thresholded rates are exact, the area differs from the exact one by less than 0.001.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(score, kind="stable")
    edges = np.unique(np.append(score[order[np.linspace(0, len(order) - 1, 511).astype(int)]], threshold))
    bins = np.searchsorted(edges, score, side="right")
    above = np.arange(len(edges) + 1) >= np.searchsorted(edges, threshold, side="right")
    sides = [np.bincount(bins[risky == side], minlength=len(edges) + 1) for side in (False, True)]
    draws = [
        rng.multinomial(int(side.sum()), side / max(side.sum(), 1), RESAMPLES) if side.any() else side[None]
        for side in sides
    ]
    benign, attack = draws
    false, found = benign[:, above].sum(1), attack[:, above].sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = found / (found + false), found / attack.sum(1)
        below = np.cumsum(benign, 1) - benign
        area = (attack * (below + benign / 2)).sum(1) / (attack.sum(1) * benign.sum(1))
        rates = {
            "precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall),
            "fpr": false / benign.sum(1), "auroc": area,
        }  # fmt: skip
    return {name: _interval(values[~np.isnan(values)]) for name, values in rates.items()}


def _interval(values: NDArray[Any]) -> list[float] | None:
    return [round(float(np.quantile(values, q)), 5) for q in (0.025, 0.975)] if len(values) else None


def reliability(score: Scores, risky: Marks, weight: NDArray[Any]) -> tuple[list[list[float]], float]:
    """How often a score of p is right: bins of ``[mean score, share of risk, share of weight]`` and the ECE.

    The expected calibration error is the weighted mean distance of the two (Naeini et al. 2015), equal-width bins.
    """
    place = np.minimum((score * BINS).astype(int), BINS - 1)
    total = np.bincount(place, weight, BINS)
    mean = np.divide(np.bincount(place, weight * score, BINS), total, where=total > 0, out=np.zeros(BINS))
    share = np.divide(np.bincount(place, weight * risky, BINS), total, where=total > 0, out=np.zeros(BINS))
    part = total / total.sum()
    table = [[round(float(v), 4) for v in row] for row in zip(mean, share, part, strict=True) if row[2] > 0]
    return table, round(float((part * np.abs(mean - share)).sum()), 5)


def recall_curve(log_odds: Scores) -> list[float]:
    """Quantiles of the log odds of attacks: what share of them a threshold would lose can be read off."""
    return [round(float(v), 3) for v in np.quantile(log_odds, np.linspace(0, 1, CURVE))]


def recall_at(curve: list[float], log_odds: float) -> float:
    """The share of the attacks of a :func:`recall_curve` at or above a threshold."""
    points = np.asarray(curve)
    return float(1 - np.interp(log_odds, points, np.linspace(0, 1, len(points)), left=0.0, right=1.0))
