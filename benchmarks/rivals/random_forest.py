"""Random forest: 100 trees, the usual first choice for tables.

Source: Breiman, "Random Forests", Machine Learning 45, 2001; scikit-learn's implementation with its defaults. The grid
smooths the leaves and widens the choice of features, both for probabilities that still differ where a threshold at 1%
false positives stands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic

GRID: list[dict[str, Any]] = [
    {},
    {"leaf": 5},
    {"leaf": 20},
    {"leaf": 2, "features": 0.2},
]


class Forest(Probabilistic):
    """Bagged trees with a random choice of features at each split."""

    def __init__(self, trees: int = 100, leaf: int = 1, features: float | str = "sqrt") -> None:
        super().__init__()
        self._settings: dict[str, Any] = {"n_estimators": trees, "min_samples_leaf": leaf, "max_features": features}

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        self._trees = RandomForestClassifier(**self._settings, random_state=seed, n_jobs=1).fit(rows, targets)

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        return np.asarray(self._trees.predict_proba(rows))
