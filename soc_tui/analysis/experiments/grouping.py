"""Table rows as feature groups for the network: skewed counts become piecewise-linear quantile codes.

A count that runs from 0 to 10^9 is no fit input for a linear projection: standardised, all but a few values are the
same number. Each number is therefore coded by where it lies between the quantiles of the training rows (Gorishniy et
al., "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022, piecewise-linear encoding), with a
place for "more than nothing" and its clipped logarithm. Zero stays zero, so an absent feature adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.experiments.tables import Column

BINS = 10
"""Quantiles of the positive training values of each number; equal ones fall together."""
CLIP = 3.0
"""Standard deviations at which the logarithm is cut off: what lies beyond the training rows stays near them."""


@dataclass(frozen=True)
class _Code:
    """One column's places in its group."""

    column: Column
    token: int
    start: int
    edges: NDArray[np.float64]
    """Ascending edges of the bins on the log scale; empty for a category."""
    mean: float = 0.0
    spread: float = 1.0

    @property
    def width(self) -> int:
        return self.column.width if self.column.values else len(self.edges) + 1


class Grouping:
    """Rows (n, F) to groups (n, T, W), fitted on training rows only."""

    def __init__(self, columns: Sequence[Column], rows: NDArray[np.float32], bins: int = BINS) -> None:
        """Fit.

        Args:
            columns: what the places of a row mean.
            rows: training rows (n, F).
            bins: quantiles of each number.
        """
        self.groups = tuple(dict.fromkeys(column.group for column in columns))
        codes: list[_Code] = []
        filled = dict.fromkeys(self.groups, 0)
        for column in columns:
            code = _fit(column, self.groups.index(column.group), filled[column.group], rows, bins)
            filled[column.group] += code.width
            codes.append(code)
        self._codes = tuple(codes)
        self.width = max(filled.values())
        """W: numbers of the widest group."""

    @property
    def tokens(self) -> int:
        """T: how many groups there are."""
        return len(self.groups)

    @property
    def spans(self) -> list[tuple[int, int, int]]:
        """(token, first place, end) of each column's code: what a synthetic row may exchange as one."""
        return [(code.token, code.start, code.start + code.width) for code in self._codes]

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Groups (n, T, W) of rows (n, F)."""
        out = np.zeros((len(rows), self.tokens, self.width), np.float32)
        for code in self._codes:
            view = out[:, code.token, code.start : code.start + code.width]
            column = code.column
            if column.values:
                view[:] = rows[:, column.start : column.start + column.width]
                continue
            x = _log(rows[:, column.start])
            if len(code.edges) > 1:
                low, high = code.edges[:-1], code.edges[1:]
                view[:, : len(low)] = np.clip((x[:, None] - low) / (high - low), 0, 1)
            view[:, -2] = x > 0
            view[:, -1] = np.clip((x - code.mean) / code.spread, -CLIP, CLIP) / 2
        return out


def _log(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Signed log1p: rates in [0, 1] keep their order, counts of any size become small numbers."""
    value = x.astype(np.float64)
    return np.asarray(np.sign(value) * np.log1p(np.abs(value)))


def _fit(column: Column, token: int, start: int, rows: NDArray[np.float32], bins: int) -> _Code:
    if column.values:
        return _Code(column, token, start, np.empty(0))
    x = _log(rows[:, column.start])
    positive = x[x > 0]
    edges = np.unique(np.append(0.0, np.quantile(positive, np.linspace(0, 1, bins)))) if len(positive) else np.zeros(1)
    return _Code(column, token, start, edges, float(x.mean()), float(x.std()) + 1e-6)
