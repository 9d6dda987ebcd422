"""The methods that the networks are measured against: the paper's four rivals and what a user would pick today.

Every method has one file, which names its paper, what is as in the paper and what had to be decided. All speak
:class:`Rival`, get the same rows, and are tuned with the same budget (:mod:`benchmarks.rivals.tuning`). They need the
optional extra ``bench``; a method's libraries are imported when it is first made.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
"""(n, F) finite numbers, already encoded; every method gets the same."""
Labels = NDArray[np.int64]
"""(n,) class numbers; 0 is benign."""


class Rival(Protocol):
    """One method. Its risk is one minus the probability of class 0, so labels of 0 and 1 give a binary detector.

    All is decided by the seed and runs on one thread.
    """

    classifies: bool
    """Whether :meth:`classes` is offered; an unsupervised method knows no classes."""

    def fit(self, rows: Rows, labels: Labels, validation: tuple[Rows, Labels] | None, seed: int) -> Self:
        """Learn from the rows.

        Args:
            rows: (n, F).
            labels: (n,); class 0 and at least one other must occur.
            validation: rows and labels for early stopping; a method without it ignores them.
            seed: decides everything that is random.

        Raises:
            ValueError: the shapes do not fit, a number is not finite, or only one class is there.
        """
        ...

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """Risk (n,) in [0, 1] of rows (n, F)."""
        ...

    def classes(self, rows: Rows) -> Labels:
        """Class number (n,) of rows (n, F), among those of the training labels.

        Raises:
            ValueError: the method knows no classes (``classifies`` is False).
        """
        ...


@dataclass(frozen=True)
class Factory:
    """Makes one method's rivals; the module is imported at first use, so the list costs nothing."""

    title: str
    """What a table calls the method."""
    module: str
    name: str

    def __call__(self, options: Mapping[str, Any] | None = None) -> Rival:
        """A rival, untrained.

        Args:
            options: settings of the method by name, e.g. one entry of :attr:`grid`; the others stay at their default.

        Raises:
            TypeError: the method has no such setting.
        """
        rival: Rival = getattr(self._load(), self.name)(**(options or {}))
        return rival

    @property
    def grid(self) -> list[dict[str, Any]]:
        """At most four settings to choose from; the first is the default."""
        return [dict(options) for options in self._load().GRID]

    def _load(self) -> Any:
        return importlib.import_module(f"benchmarks.rivals.{self.module}")


RIVALS: dict[str, Factory] = {
    "ga-lr": Factory("GA-LR", "ga_lr", "GaLr"),
    "pca-lstm": Factory("PCA-LSTM", "pca_lstm", "PcaLstm"),
    "ndae": Factory("NDAE", "ndae", "Ndae"),
    "amsom": Factory("AMSOM", "amsom", "Amsom"),
    "lightgbm": Factory("LightGBM", "boosting", "Boosting"),
    "random-forest": Factory("Random forest", "random_forest", "Forest"),
    "logistic-regression": Factory("Logistic regression", "logistic_regression", "Logistic"),
    "isolation-forest": Factory("Isolation forest", "isolation_forest", "Isolation"),
}
PAPER = ("ga-lr", "pca-lstm", "ndae", "amsom")
"""The four of the paper's comparison; the others are what a user would pick today."""
