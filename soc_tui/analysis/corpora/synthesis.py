"""Synthetic unfamiliar rows: what no network has sent yet, so that a risk network says "risk" off the beaten track.

A supervised network learns a border between benign rows and the attacks it was shown; beyond both it may say anything.
A benign row in which some fields are exchanged for those of other rows is, mostly, a combination that no benign host
produces. Learning to tell such rows from benign ones amounts to estimating the density of benign rows (Hastie,
Tibshirani, Friedman, "The Elements of Statistical Learning", 14.2.4: unsupervised as supervised learning).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora.sample import Sample, join

Span = tuple[int, int, int]
"""(token, first place, end): the places of one field in a row of groups, exchanged together."""
ORIGIN = "synthetic"


def exchanged(
    rows: NDArray[Any], pool: NDArray[Any], spans: Sequence[Span], share: float, rng: np.random.Generator
) -> NDArray[Any]:
    """Copies of rows with fields of other rows.

    Args:
        rows: groups (n, T, W).
        pool: groups (m, T, W) that the fields come from, each field from a row of its own.
        spans: the fields.
        share: probability that a field is exchanged.
        rng: decides.
    """
    out = rows.copy()
    for token, start, end in spans:
        places = np.flatnonzero(rng.random(len(rows)) < share)
        out[places, token, start:end] = pool[rng.integers(0, len(pool), len(places)), token, start:end]
    return out


def with_unfamiliar(
    sample: Sample, spans: Sequence[Span], count: int, share: float, rng: np.random.Generator
) -> Sample:
    """The sample and ``count`` synthetic rows that count as any kind of risk.

    Args:
        sample: groups, one row an example; fields are exchanged among all its rows, benign rows are the stock.
        spans: the fields.
        count: synthetic rows.
        share: probability that a field is exchanged.
        rng: decides.
    """
    benign = np.flatnonzero(~sample.risky)
    if not count or not len(benign):
        return sample
    stock = sample.rows[benign[rng.integers(0, len(benign), count)]]
    rows = exchanged(stock, sample.rows, spans, share, rng)
    allowed = np.zeros((count, sample.allowed.shape[1]), bool)
    allowed[:, 1:] = True
    return join([sample, Sample(rows, np.arange(count), allowed, np.full(count, ORIGIN))])
