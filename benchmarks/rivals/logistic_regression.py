"""Logistic regression on standardised features: the linear floor that every other method must pass.

Source: scikit-learn's L-BFGS solver, multinomial with more than two classes. Standard scores are cut at ten deviations:
one absurd count must not outvote every other feature. The grid is the inverse strength of the L2 penalty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic
from benchmarks.rivals.scaling import Standard

GRID: list[dict[str, Any]] = [{"c": 1.0}, {"c": 0.1}, {"c": 0.01}, {"c": 0.001}]


class Logistic(Probabilistic):
    """A linear log-odds model with an L2 penalty."""

    def __init__(self, c: float = 1.0) -> None:
        super().__init__()
        self._c = c

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        self._scale = Standard().fit(rows)
        self._line = LogisticRegression(C=self._c, tol=1e-3, max_iter=200, random_state=seed)
        self._line.fit(self._scale.transform(rows), targets)

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        return np.asarray(self._line.predict_proba(self._scale.transform(rows)))
