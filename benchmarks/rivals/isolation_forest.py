"""Isolation forest: novelty against benign training rows, without any knowledge of attacks.

Source: Liu, Ting and Zhou, "Isolation Forest", ICDM 2008; scikit-learn's implementation.

As in the paper: the anomaly score 2^(-E[h(x)] / c(n)), which is in (0, 1] and is the risk as it stands. Decided: it learns
from the benign rows only, as an analyst would use it on quiet traffic; NSL-KDD is half attacks, and an attack that is
as common as benign traffic is no anomaly of the mixture. Labels serve for nothing else.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import check_labels, check_rows, chunks, one_thread

GRID: list[dict[str, Any]] = [
    {},
    {"sample": 2048},
    {"sample": 2048, "features": 0.5},
    {"trees": 400, "sample": 8192},
]


class Isolation:
    """How few random cuts separate a row from benign traffic."""

    classifies = False

    def __init__(self, trees: int = 200, sample: int = 256, features: float = 1.0) -> None:
        self._settings: dict[str, Any] = {"n_estimators": trees, "max_features": features}
        self._sample = sample
        self._trees: IsolationForest | None = None

    def fit(self, rows: Rows, labels: Labels, validation: tuple[Rows, Labels] | None, seed: int) -> Self:
        """See :class:`benchmarks.rivals.Rival`; class 0 must be there, the others are not looked at."""
        del validation  # nothing stops early here
        rows = check_rows(rows)
        benign = rows[check_labels(rows, labels) == 0]
        with one_thread():
            self._trees = IsolationForest(
                **self._settings, max_samples=min(self._sample, len(benign)), random_state=seed, n_jobs=1
            ).fit(benign)
        return self

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """See :class:`benchmarks.rivals.Rival`."""
        rows = check_rows(rows)
        if self._trees is None:
            raise ValueError("fit comes before score")
        if rows.shape[1] != self._trees.n_features_in_:
            raise ValueError(f"rows have {rows.shape[1]} features, training had {self._trees.n_features_in_}")
        with one_thread():
            parts = [-self._trees.score_samples(part) for part in chunks(rows)]
        risk: NDArray[np.float64] = np.clip(np.concatenate([np.empty(0), *parts]), 0.0, 1.0)
        return risk

    def classes(self, rows: Rows) -> Labels:
        """Never: novelty has no class.

        Raises:
            ValueError: always.
        """
        del rows
        raise ValueError("an isolation forest knows no classes")
