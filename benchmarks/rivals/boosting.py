"""LightGBM, 200 trees of 63 leaves: what a skilled analyst would train today.

Source: Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.

The library as it is. The default is the measured baseline of the project (200 x 63, learning rate 0.1); the grid makes it
slower, more regular, or shows each tree half of the features, which is what helps when the test traffic is unlike the
training traffic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic

GRID: list[dict[str, Any]] = [
    {},
    {"learning_rate": 0.05},
    {"min_child_samples": 100, "reg_lambda": 5.0},
    {"learning_rate": 0.05, "feature_fraction": 0.5},
]


class Boosting(Probabilistic):
    """Gradient-boosted trees over histograms."""

    def __init__(
        self,
        trees: int = 200,
        leaves: int = 63,
        learning_rate: float = 0.1,
        min_child_samples: int = 20,
        reg_lambda: float = 0.0,
        feature_fraction: float = 1.0,
    ) -> None:
        super().__init__()
        self._settings: dict[str, Any] = {
            "n_estimators": trees, "num_leaves": leaves, "learning_rate": learning_rate,
            "min_child_samples": min_child_samples, "reg_lambda": reg_lambda, "feature_fraction": feature_fraction,
        }  # fmt: skip

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        self._trees = LGBMClassifier(
            **self._settings, random_state=seed, n_jobs=1, deterministic=True, force_row_wise=True, verbose=-1
        ).fit(rows, targets)

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        # the booster itself: the wrapper warns of feature names that numpy rows never had
        risk = np.asarray(self._trees.booster_.predict(rows, num_threads=1))
        return np.stack([1 - risk, risk], 1) if risk.ndim == 1 else risk
