"""What was worked out for encoded rows lately: behaviour repeats, and what repeats costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Keys = NDArray[np.uint64]
Work = Callable[[NDArray[Any]], tuple[NDArray[Any], ...]]
"""Rows (n, ...) to what is made of them: arrays of n, each row by itself."""

_MIX = np.random.default_rng().integers(1, 2**63, 4096, np.uint64) | np.uint64(1)
"""Random odd multipliers, new in each process: nobody outside can make two rows share a key."""


class Distinct(NamedTuple):
    """The distinct rows among many."""

    keys: Keys
    """Of each distinct row; padding with zeros does not change it."""
    first: Longs
    """The place of the first of each."""
    back: Longs
    """For every row its place among the distinct ones."""


def distinct(rows: NDArray[Any]) -> Distinct:
    """The distinct rows by a 64-bit key: the chance that two of a million differ and share one is below 1e-7."""
    if not len(rows):
        return Distinct(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    flat = rows.reshape(len(rows), -1)
    whole = np.rint(flat * 64).astype(np.int16) if flat.dtype == np.float32 else flat
    size = -whole.dtype.itemsize * whole.shape[1] % 8
    raw = np.pad(np.ascontiguousarray(whole).view(np.uint8), ((0, 0), (0, size))).view(np.uint64)
    key = (raw ^ (raw >> np.uint64(31))) * np.resize(_MIX, raw.shape[1])
    key = (key ^ (key >> np.uint64(29))).sum(1, dtype=np.uint64)
    return Distinct(*np.unique(key, return_index=True, return_inverse=True))


class Remembered:
    """What was made of the last rows, by their keys.

    Args:
        most: rows that are remembered; the oldest are forgotten first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys = np.zeros(0, np.uint64)
        self._kept: tuple[NDArray[Any], ...] = ()

    def __call__(self, keys: Keys, rows: NDArray[Any], work: Work) -> tuple[NDArray[Any], ...]:
        """What ``work`` makes of distinct rows; it is asked only for those that are not remembered.

        Args:
            keys: of the rows, each once.
            rows: (n, ...).
            work: what is asked.
        """
        known, place = self._find(keys)
        new = np.flatnonzero(~known)
        if len(new) == len(keys):
            made = work(rows)
            whole = made
        elif not len(new):
            return tuple(kept[place] for kept in self._kept)
        else:
            made = work(rows[new])
            whole = tuple(np.empty((len(keys), *part.shape[1:]), part.dtype) for part in made)
            for out, part, kept in zip(whole, made, self._kept, strict=True):
                out[new], out[known] = part, kept[place[known]]
        before = self._kept or tuple(part[:0] for part in made)
        self._keys = np.concatenate([self._keys, keys[new]])[-self._most :]
        self._kept = tuple(np.concatenate(pair)[-self._most :] for pair in zip(before, made, strict=True))
        return whole

    def _find(self, keys: Keys) -> tuple[NDArray[np.bool_], Longs]:
        if not len(self._keys):
            return np.zeros(len(keys), bool), np.zeros(len(keys), np.int64)
        order = np.argsort(self._keys, kind="stable")
        at = np.minimum(np.searchsorted(self._keys[order], keys), len(order) - 1)
        return self._keys[order[at]] == keys, order[at]
