"""What the methods share: refusal of labels nobody can learn from, one thread, and class probabilities to risk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.rivals import Labels, Rows

Number = TypeVar("Number", bound=np.generic)
CHUNK = 16_384
"""Rows scored at once: bounds the memory of distances and network states."""


def check_rows(rows: Rows) -> Rows:
    """The rows as (n, F) float32.

    Raises:
        ValueError: not two-dimensional, empty, or a number is not finite.
    """
    rows = np.asarray(rows, np.float32)
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(f"rows must be (n, features), not {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("rows hold NaN or infinity: encode missing values before")
    return rows


def check_labels(rows: Rows, labels: Labels) -> Labels:
    """The labels as (n,) int64.

    Raises:
        ValueError: not one a row, negative, or nothing to tell apart.
    """
    labels = np.asarray(labels)
    if labels.shape != rows.shape[:1] or labels.dtype.kind not in "iub":
        raise ValueError(f"labels must be one whole number a row: {labels.shape} {labels.dtype} for {len(rows)} rows")
    labels = labels.astype(np.int64)
    present = np.unique(labels)
    if len(present) < 2:
        raise ValueError(f"labels hold one class only ({present.tolist()}): nothing to tell apart")
    if present[0] != 0:
        raise ValueError(f"labels must hold 0, benign, and no negative number: {present.tolist()}")
    return labels


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS, OpenMP and torch on one thread, as before afterwards: same sums in the same order, fair times."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(threads)


def chunks(rows: NDArray[Number]) -> Iterator[NDArray[Number]]:
    """Rows or their labels in pieces of :data:`CHUNK`."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


class Probabilistic(ABC):
    """A method that gives class probabilities: checks, threads and the risk, so that a file holds only its method."""

    classifies = True

    def __init__(self) -> None:
        self._numbers: Labels | None = None  # (C,) class numbers seen in training, ascending; the first is 0, benign
        self._width = 0
        self._validation: tuple[Rows, Labels] | None = None
        """Rows and targets to stop early by, while :meth:`_fit` runs."""

    def fit(self, rows: Rows, labels: Labels, validation: tuple[Rows, Labels] | None, seed: int) -> Self:
        """See :class:`benchmarks.rivals.Rival`."""
        rows = check_rows(rows)
        labels = check_labels(rows, labels)
        numbers, targets = np.unique(labels, return_inverse=True)  # (C,), (n,) index into numbers
        if validation is not None:
            known = np.isin(validation[1], numbers)  # a class never trained has no probability to compare
            held_out = check_rows(validation[0])[known], np.searchsorted(numbers, np.asarray(validation[1])[known])
            self._validation = held_out if known.any() else None
        with one_thread():
            self._fit(rows, targets, seed)
        self._validation = None  # not kept alive with the rival
        self._numbers, self._width = numbers, rows.shape[1]
        return self

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """See :class:`benchmarks.rivals.Rival`."""
        return np.clip(1.0 - self.probabilities(rows)[:, 0], 0.0, 1.0)  # (n,)

    def classes(self, rows: Rows) -> Labels:
        """See :class:`benchmarks.rivals.Rival`."""
        best = self.probabilities(rows).argmax(1)  # (n,)
        assert self._numbers is not None
        numbers: Labels = self._numbers[best]
        return numbers

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """Probability of each class of the training labels, (n, C) for rows (n, F)."""
        rows = check_rows(rows)
        if self._numbers is None:
            raise ValueError("fit comes before score")
        if rows.shape[1] != self._width:
            raise ValueError(f"rows have {rows.shape[1]} features, training had {self._width}")
        if not len(rows):
            return np.empty((0, len(self._numbers)))
        with one_thread():
            return np.concatenate([np.asarray(self._probabilities(part), np.float64) for part in chunks(rows)])

    @abstractmethod
    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        """Learn; ``targets`` count the classes from 0, benign, without gaps."""

    @abstractmethod
    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """(n, C) for at most :data:`CHUNK` rows."""
