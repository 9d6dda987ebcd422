"""What training and evaluation take: encoded rows, which example each belongs to, and what its label permits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """Labelled examples. A flow is one row; a long parameter value is several windows."""

    rows: NDArray[Any]
    """Network input, (rows, ...)."""
    owner: NDArray[np.int64]
    """(rows,): the example each row belongs to."""
    allowed: NDArray[np.bool_]
    """(examples, classes): the classes the label permits."""
    origin: NDArray[np.str_]
    """(examples,): the source or capture it comes from."""
    text: NDArray[Any] | None = None
    """(examples,) str: words that may be shown and shipped, as a known case; empty where there are none."""

    @property
    def words(self) -> NDArray[Any]:
        """``text``, empty everywhere when there is none."""
        return np.full(len(self.allowed), "", object) if self.text is None else self.text.astype(object)

    @property
    def risky(self) -> NDArray[np.bool_]:
        """(examples,): True where the label says risk."""
        return ~self.allowed[:, 0]

    def where(self, mask: NDArray[np.bool_]) -> Sample:
        """The examples for which ``mask`` (examples,) is True."""
        kept = mask[self.owner]
        text = None if self.text is None else self.text[mask]
        owner = (np.cumsum(mask) - 1)[self.owner[kept]]
        return Sample(self.rows[kept], owner, self.allowed[mask], self.origin[mask], text)


def join(parts: Iterable[Sample]) -> Sample:
    """Several samples as one."""
    items = list(parts)
    shifts = np.cumsum([0] + [len(i.allowed) for i in items])
    return Sample(
        np.concatenate([i.rows for i in items]),
        np.concatenate([i.owner + shift for i, shift in zip(items, shifts, strict=False)]),
        np.concatenate([i.allowed for i in items]),
        np.concatenate([i.origin for i in items]),
        np.concatenate([i.words for i in items]),
    )


def thinned(sample: Sample, most: int, rng: np.random.Generator) -> Sample:
    """At most ``most`` examples for each origin and side of the label, so that no large source speaks for all."""
    keep = np.zeros(len(sample.allowed), bool)
    for origin in np.unique(sample.origin):
        for risky in (False, True):
            places = np.flatnonzero((sample.origin == origin) & (sample.risky == risky))
            keep[rng.permutation(places)[:most]] = True
    return sample.where(keep)


@dataclass(frozen=True)
class Task:
    """One risk model's training: what to learn from, what decides when to stop, what is only looked at afterwards."""

    name: str
    classes: tuple[str, ...]
    architecture: dict[str, Any]
    """``network.NetworkConfig`` as keyword arguments."""
    train: Sample
    validation: Sample
    tests: dict[str, Sample]
    augment: Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
    """Changes rows at each epoch in ways that must not change the verdict."""
    files: dict[str, dict[str, int]]
    """Role (train, validation, test) -> data file -> rows."""
    split: str
    licence: str
    false_positives: float
    """The share of benign validation examples that the threshold may let through."""
    epochs: int
    rows_per_epoch: int = 120_000
    """Rows drawn for each epoch where there are more."""
    notes: tuple[str, ...] = field(default=())
