"""How unlike benign rows a row is, and how several such opinions become one. numpy only.

A network that was shown some attacks is unsure of others. What is left is to ask how far a row lies from benign
traffic; the two opinions are made comparable by how rare each is among benign validation rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

KEPT = 40
"""Directions in which benign rows may vary freely."""
REMEMBERED = 6000
"""Benign rows that :class:`Neighbours` keeps."""
NEAREST = 3
"""Which neighbour counts: the third, so that two odd rows among the benign ones hide nothing."""
_CHUNK = 4096


@dataclass(frozen=True)
class Distance:
    """Distance from the plane in which benign rows lie: what their principal components cannot rebuild of a row.

    Source: Jackson & Mudholkar, "Control Procedures for Residuals Associated With Principal Component Analysis", 1979
    (the Q statistic). Against a full Mahalanobis distance it raises fewer alarms on benign rows of an unfamiliar kind.
    """

    mean: NDArray[np.float64]
    """(K,) of benign rows."""
    directions: NDArray[np.float64]
    """(K, D): orthonormal, along which benign rows vary most."""

    @classmethod
    def fit(cls, rows: NDArray[Any], kept: int = KEPT) -> Self:
        """From encoded benign rows (n, ...).

        Raises:
            ValueError: fewer than two rows.
        """
        flat = rows.reshape(len(rows), -1).astype(np.float64)  # (n, K)
        if len(flat) < 2:
            raise ValueError(f"{len(flat)} benign rows have no spread")
        mean = flat.mean(0)
        _, directions = np.linalg.eigh(np.cov((flat - mean).T).reshape(flat.shape[1], -1))  # ascending, (K, K)
        return cls(mean, directions[:, -kept:])

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Logarithm of the squared distance (n,) of encoded rows (n, ...)."""
        out = np.empty(len(rows))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            far = part.reshape(len(part), -1) - self.mean  # (c, K)
            out[start : start + _CHUNK] = (far**2).sum(1) - ((far @ self.directions) ** 2).sum(1)
        return np.asarray(np.log(out.clip(0) + 1e-3))


@dataclass(frozen=True)
class Neighbours:
    """Distance to the third nearest of some remembered benign rows (Ramaswamy, Rastogi, Shim, SIGMOD 2000)."""

    benign: NDArray[np.float32]
    """(m, K) encoded benign rows."""

    @classmethod
    def fit(cls, rows: NDArray[Any], seed: int, remembered: int = REMEMBERED) -> Self:
        """From encoded benign rows (n, ...), a seeded part of them.

        Raises:
            ValueError: fewer than :data:`NEAREST` rows.
        """
        if len(rows) < NEAREST:
            raise ValueError(f"{len(rows)} benign rows are too few neighbours")
        kept = np.random.default_rng(seed).permutation(len(rows))[:remembered]
        return cls(rows[kept].reshape(len(kept), -1).astype(np.float32))

    def __call__(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Logarithm of the squared distance (n,) of encoded rows (n, ...)."""
        out = np.empty(len(rows))
        lengths = (self.benign**2).sum(1)  # (m,)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            flat = part.reshape(len(part), -1).astype(np.float32)  # (c, K)
            squares = lengths - 2 * (flat @ self.benign.T) + (flat**2).sum(1, keepdims=True)  # (c, m)
            out[start : start + _CHUNK] = np.partition(squares, NEAREST - 1, axis=1)[:, NEAREST - 1]
        return np.asarray(np.log(out.clip(0) + 1e-3))


@dataclass(frozen=True)
class Rarity:
    """A score as ``-log`` of the share of benign rows that score as high: the same unit for every score.

    Beyond the highest benign score it goes on rising, in steps of the distance from the 95th percentile to the highest,
    by at most :attr:`BEYOND`: no single opinion outvotes all others.
    """

    benign: NDArray[np.float64]
    """Ascending benign scores."""

    BEYOND = 3.0

    @classmethod
    def fit(cls, benign: NDArray[Any]) -> Self:
        """From scores of benign rows that nothing was fitted on.

        Raises:
            ValueError: no rows.
        """
        if not len(benign):
            raise ValueError("rarity needs benign rows")
        return cls(np.sort(np.asarray(benign, np.float64)))

    def __call__(self, score: NDArray[Any]) -> NDArray[np.float64]:
        """(n,), at least 0."""
        count = len(self.benign)
        above = count - np.searchsorted(self.benign, score, "left")
        top = self.benign[-1]
        step = max(top - self.benign[int(0.95 * (count - 1))], 1e-6)
        return np.asarray(-np.log((above + 0.5) / (count + 1)) + np.clip((score - top) / step, 0, self.BEYOND))


def combine(rarities: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Risk (n,) in [0, 1) of several opinions on the same rows.

    The sum of ``-log`` shares orders rows as Fisher's method of combining independent tests does; the mean keeps it
    from saturating.
    """
    return np.asarray(1 - np.exp(-np.mean(np.clip(rarities, 0, 36), axis=0)))
