"""The runs of a sequence that weigh most: how an explanation turns a weight per token into a few places to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def heaviest(weights: NDArray[np.float32], count: int, most: int) -> list[tuple[int, int, float]]:
    """Disjoint runs with the greatest sums, the heaviest first: (first, end, sum), the end excluded.

    Only runs that push towards risk are named. Tokens below the average of those that push end a run, so that it holds
    the core and not all that lies around it.

    Args:
        weights: (L,) one per token; > 0 pushed towards risk.
        count: at most so many runs.
        most: the greatest length of a run.
    """
    left = np.asarray(weights, np.float64).copy()
    pushing = left[left > 0]
    bar = float(pushing.mean()) / 4 if len(pushing) else 0.0
    runs: list[tuple[int, int, float]] = []
    for _ in range(count):
        found = _best(left - bar, most)
        if found is None:
            break
        begin, end = found
        runs.append((begin, end, float(weights[begin:end].sum(dtype=np.float64))))
        left[begin:end] = -np.inf
    return sorted(runs, key=lambda run: -run[2])


def _best(values: NDArray[np.float64], most: int) -> tuple[int, int] | None:
    """The run of at most ``most`` values with the greatest sum above 0; the shortest, then the first of equals."""
    sums = np.concatenate([[0.0], np.cumsum(np.maximum(values, -1e6))])  # taken values are a wall, yet sums stay exact
    best, place = 0.0, None
    for length in range(1, min(most, len(values)) + 1):
        gains = sums[length:] - sums[:-length]
        at = int(gains.argmax())
        if gains[at] > best + 1e-9:
            best, place = float(gains[at]), (at, at + length)
    return place
