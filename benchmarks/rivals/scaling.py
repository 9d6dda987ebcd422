"""Standard scores that no single absurd count can dominate."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.preprocessing import StandardScaler

from benchmarks.rivals import Rows

CUT = 10.0
"""Deviations from the mean at which a standard score is cut."""


class Standard:
    """Mean 0 and deviation 1 by the training rows, cut at ten deviations; a constant feature is 0."""

    def fit(self, rows: Rows) -> Self:
        """Take mean and deviation of rows (n, F)."""
        self._scaler = StandardScaler().fit(rows)
        return self

    def transform(self, rows: Rows) -> Rows:
        """Standard scores (n, F) within [-10, 10]."""
        with np.errstate(over="ignore"):  # numbers near the end of float32 overflow to infinity and are cut like others
            scores: Rows = np.clip(self._scaler.transform(rows), -CUT, CUT)
        return scores
