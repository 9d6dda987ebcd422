"""The n-grams of a row of ids, as the wide way of a network counts them. numpy only.

Weights lie in 2**bits buckets by a hash; a repeated n-gram counts once, or by its logarithm, times its inverse document
frequency, and a row is a bag of length 1: the logistic regression over TF-IDF that text classifiers are measured
against. Shapes: n rows, L ids.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Floats = NDArray[np.float32]

_SALT = np.array([0x51ED27, 0x2545F4, 0x7FEB35], np.int64).reshape(1, 3, 1) << 24


class Wide(NamedTuple):
    """The tensors of a wide way."""

    weight: Floats
    """(2**bits,)"""
    rarity: Floats
    """(2**bits,): inverse document frequency of each bucket."""
    bias: Floats
    """(1,)"""
    counted: bool
    """An n-gram that a row holds k times counts 1 + ln k times; else once."""

    def total(self, ids: NDArray[Any]) -> Floats:
        """Rows (n, L) to the sum of their n-grams' parts (n, 1)."""
        return np.asarray(self.parts(ids).sum((1, 2), dtype=np.float32)[:, None] + self.bias, np.float32)

    def positions(self, ids: NDArray[Any]) -> Floats:
        """The same sum without the bias, spread over the ids (n, L): its ids share an n-gram's part alike."""
        one, two, three = self.parts(ids).transpose(1, 0, 2)  # (n, L) each, at the n-gram's last id
        two, three = two / 2, three / 3
        spread = one + two + _earlier(two, 1) + three + _earlier(three, 1) + _earlier(three, 2)
        return np.asarray(spread, np.float32)

    def parts(self, ids: NDArray[Any]) -> Floats:
        """The part of each n-gram at its first occurrence: (n, 3, L)."""
        places, often = buckets(ids, len(self.weight), self.counted)
        rarity = self.rarity[places] * often  # (n, 3L)
        length = np.sqrt(np.maximum(np.square(rarity).sum(1, keepdims=True), 1))  # (n, 1)
        return np.asarray((self.weight[places] * rarity / length).reshape(len(ids), 3, -1))


def buckets(ids: NDArray[Any], count: int, counted: bool) -> tuple[Longs, Floats]:
    """The bucket of every n-gram by its last id, and at the first of each how much it counts.

    Args:
        ids: (n, L); 0 is padding.
        count: buckets there are.
        counted: whether a repeated n-gram counts by its logarithm.

    Returns:
        (n, 3L) each: ids, then pairs, then triples.
    """
    ids = ids.astype(np.int64)
    before, second = _later(ids, 1), _later(ids, 2)
    grams = np.stack([ids, ids << 16 | before, (ids << 16 | before) << 16 | second], 1)  # (n, 3, L)
    real = np.stack([ids > 0, (ids > 0) & (before > 0), (ids > 0) & (second > 0)], 1)
    places = np.where(real, _mixed(grams + _SALT) % count, -1).reshape(len(ids), -1)
    order = np.argsort(places, axis=1, kind="stable")
    ordered = np.take_along_axis(places, order, 1)
    first = np.ones(ordered.shape, bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    often = (first & (ordered >= 0)).astype(np.float32)
    if counted and often.size:
        flat = np.flatnonzero(first)  # a row begins anew, so no run goes on into the next
        runs = np.diff(np.append(flat, first.size))
        often.reshape(-1)[flat] *= 1 + np.log(runs.astype(np.float32))
    spread = np.zeros_like(often)
    np.put_along_axis(spread, order, often, 1)
    return np.maximum(places, 0), spread


def _earlier(parts: Floats, by: int) -> Floats:
    return np.pad(parts[:, by:], ((0, 0), (0, by)))


def _later(ids: Longs, by: int) -> Longs:
    return np.pad(ids, ((0, 0), (by, 0)))[:, : ids.shape[1]]


def _mixed(keys: Longs) -> Longs:
    """Keys of up to 62 bits to well-spread ones of 31 bits, in wrapping 64-bit arithmetic."""
    with np.errstate(over="ignore"):
        keys = keys * np.int64(0x1E3779B97F4A7C15)
        keys = (keys ^ (keys >> 29)) * np.int64(0x3F58476D1CE4E5B9)
    return (keys >> 33) & 0x7FFFFFFF
