"""Drift: does today's traffic still look like the traffic that a threshold was fixed on? numpy only.

Population stability index (PSI): sum over bins of (now - then) * ln(now / then), of each input and of the score. Below
0.1 nothing has changed, from 0.25 on the population is another (the rule of thumb of credit scoring, Siddiqi 2006).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
CHANGED = 0.25
"""A PSI from here on is told as drift."""
LEAST = 200
"""Rows on either side below which a PSI says nothing."""
_EMPTY = 1e-4
"""Share that an empty bin counts as."""


@dataclass(frozen=True)
class Profile:
    """Distributions of a model's inputs and scores: bins by input name, and the edges they were cut at."""

    rows: int
    edges: dict[str, list[float]]
    shares: dict[str, list[float]]

    def to_json(self) -> str:
        """The stored form."""
        return json.dumps({"rows": self.rows, "edges": self.edges, "shares": self.shares}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """The profile that :meth:`to_json` wrote."""
        facts = json.loads(text)
        return cls(int(facts["rows"]), facts["edges"], facts["shares"])


def inputs(rows: NDArray[Any], names: list[list[str]] | None = None) -> dict[str, NDArray[Any]]:
    """The inputs of encoded rows by name: each slot of feature groups; length and kinds of ids of sequences.

    Args:
        rows: (n, T, W) or (n, L).
        names: for groups, the name of each slot of each token.
    """
    if rows.ndim == 3:
        named = names or [[f"token {t} slot {w}" for w in range(rows.shape[2])] for t in range(rows.shape[1])]
        return {name: rows[:, t, w] for t, slots in enumerate(named) for w, name in enumerate(slots)}
    length = (rows != 0).sum(1)
    held = np.maximum(length, 1)
    shares = {f"share of ids {k} modulo 8": ((rows != 0) & (rows % 8 == k)).sum(1) / held for k in range(8)}
    return {"length": length, **shares}


def profile(columns: dict[str, NDArray[Any]], like: Profile | None = None) -> Profile:
    """The distribution of each column, cut into tenths of itself or as ``like`` is cut."""
    edges: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {}
    rows = 0
    for name, values in columns.items():
        rows = len(values)
        if like is not None and name not in like.edges:
            continue
        cut = like.edges[name] if like is not None else _edges(values)
        counts = np.bincount(np.searchsorted(np.asarray(cut), values, side="right"), minlength=len(cut) + 1)
        edges[name] = cut
        shares[name] = [round(float(v), 6) for v in counts / max(rows, 1)]
    return Profile(rows, edges, shares)


def stability(then: Profile, now: Profile) -> dict[str, float]:
    """PSI by column, the most changed first; empty where either side has too few rows to say."""
    if min(then.rows, now.rows) < LEAST:
        return {}
    found = {}
    for name, before in then.shares.items():
        if name in now.shares:
            a, b = (np.maximum(np.asarray(side), _EMPTY) for side in (before, now.shares[name]))
            found[name] = round(float(((b - a) * np.log(b / a)).sum()), 4)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _edges(values: NDArray[Any]) -> list[float]:
    """Inner edges of at most ``BINS`` bins at tenths of the values; a value of its own gets a bin of its own."""
    if not len(values):
        return []
    points = np.unique(np.quantile(np.asarray(values, np.float64), np.linspace(0, 1, BINS + 1)[1:-1]))
    return [round(float(v), 6) for v in points]
