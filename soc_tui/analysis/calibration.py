"""From a network's log odds to probabilities and thresholds. numpy only.

A network's own probabilities are too sure of themselves. Two numbers, fitted on validation data alone (Platt 1999),
mend that: score = sigmoid(slope * log odds + offset). They change no order, and so no ROC curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.card import Card
from soc_tui.core.errors import ModelError

LOWEST_THRESHOLD = 0.5
"""A threshold is never below it, however easy the validation data are."""
HIGHEST_BY_ROOM = 0.9
"""Only the false positives themselves push a threshold higher: unfamiliar attacks score lower than familiar ones."""
HIGHEST = 0.999999
_RIDGE = 1e-3
"""Pull of the slope towards 1: separable data would want it infinite."""


@dataclass(frozen=True)
class Calibration:
    """Log odds of a network to log odds that can be believed."""

    slope: float = 1.0
    """Above 0: the order of scores stays."""
    offset: float = 0.0

    def log_odds(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated log odds (n,)."""
        return np.asarray(self.slope * np.asarray(raw, np.float64) + self.offset, np.float64)


def of_card(card: Card) -> Calibration:
    """The calibration that a card tells; the identity for a card that tells none.

    Raises:
        ModelError: the card's numbers are none.
    """
    try:
        return Calibration(**{name: float(value) for name, value in card.calibration.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"the calibration of {card.name!r} is damaged", remedy="install soc-tui again, or train the model"
        ) from error


def probability(log_odds: NDArray[Any]) -> NDArray[np.float64]:
    """Log odds to probabilities, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(log_odds, np.float64) / 2)), np.float64)


def odds_of(p: float) -> float:
    """The log odds of a probability within (0, 1)."""
    return math.log(p / (1 - p))


def fit(raw: NDArray[Any], risky: NDArray[np.bool_], weight: NDArray[Any]) -> Calibration:
    """Slope and offset by Newton steps on the weighted log loss, labels softened as in Platt 1999.

    Args:
        raw: (n,) log odds of the network on validation data.
        risky: (n,) what the labels say.
        weight: (n,) how much each counts.
    """
    x, w = np.asarray(raw, np.float64), np.asarray(weight, np.float64) / np.sum(weight)
    if risky.all() or not risky.any():
        return Calibration()
    positives, negatives = int(risky.sum()), int((~risky).sum())
    y = np.where(risky, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    at = np.array([1.0, 0.0])
    for _ in range(50):
        p = probability(at[0] * x + at[1])
        bend = w * np.maximum(p * (1 - p), 1e-12)
        slope = np.array([(w * (p - y) * x).sum() + _RIDGE * (at[0] - 1), (w * (p - y)).sum()])
        curve = np.array([[(bend * x * x).sum() + _RIDGE, (bend * x).sum()], [(bend * x).sum(), bend.sum() + 1e-9]])
        step = np.linalg.solve(curve, slope)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        at = at - step
        if float(np.abs(step).max()) < 1e-9:
            break
    return Calibration(round(max(float(at[0]), 0.05), 6), round(float(at[1]), 6))


def threshold(score: NDArray[Any], risky: NDArray[np.bool_], weight: NDArray[Any], false_positives: float) -> float:
    """The lowest score that keeps the false positives of validation data and, where there is room, more.

    At most ``false_positives`` of the benign weight may reach it; between the highest of the benign and the lowest
    hundredth of the attacks it lies halfway in log odds, up to ``HIGHEST_BY_ROOM``; never below ``LOWEST_THRESHOLD``.
    """
    benign = _quantile(score, np.where(risky, 0.0, weight), 1 - false_positives)
    attack = _quantile(score, np.where(risky, weight, 0.0), 0.01)
    middle = (odds_of(min(max(benign, LOWEST_THRESHOLD), HIGHEST)) + odds_of(min(max(attack, 1e-6), HIGHEST))) / 2
    roomy = min(1 / (1 + math.exp(-middle)), HIGHEST_BY_ROOM) if attack > benign else 0.0
    chosen = max(benign, LOWEST_THRESHOLD, roomy)
    return min(math.ceil((chosen + 1e-8) * 1e6) / 1e6, HIGHEST)


def _quantile(score: NDArray[Any], weight: NDArray[Any], share: float) -> float:
    """The score below which ``share`` of the weight lies; 0 without any weight."""
    if not weight.sum():
        return 0.0
    order = np.argsort(score)
    below = np.cumsum(weight[order]) / weight.sum()
    return float(score[order[min(int(np.searchsorted(below, share)), len(order) - 1)]])
