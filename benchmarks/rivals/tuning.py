"""The tuning budget: at most four settings of each method, the best by AUROC on validation rows. The same for all.

A network of the project is tuned by the same function, with a factory of its own: whatever is tried is counted and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.rivals import Labels, Rival, Rows

BUDGET = 4
"""Settings of one method that may be tried on one data set."""


@dataclass(frozen=True)
class Trial:
    """One setting and what it reached."""

    options: dict[str, Any]
    auroc: float
    """Of risky against benign validation rows."""


@dataclass(frozen=True)
class Tuned:
    """The best rival, trained, and every trial in the order tried."""

    rival: Rival
    best: Trial
    trials: tuple[Trial, ...]


def tune(
    factory: Callable[[Mapping[str, Any]], Rival],
    grid: Sequence[Mapping[str, Any]],
    train: tuple[Rows, Labels],
    validation: tuple[Rows, Labels],
    seed: int,
    budget: int = BUDGET,
) -> Tuned:
    """Train each setting, keep the one with the highest validation AUROC; the earlier one of equals.

    Args:
        factory: makes an untrained rival from options, e.g. an entry of :data:`benchmarks.rivals.RIVALS`.
        grid: settings, e.g. the factory's ``grid``; those beyond the budget are an error, not left out quietly.
        train: rows (n, F) and labels (n,).
        validation: the same, of rows that no threshold of the test depends on otherwise; never test rows.
        seed: given to every trial.
        budget: how many settings may be tried.

    Raises:
        ValueError: no settings, more than the budget allows, or validation labels that hold one side only.
    """
    if not 0 < len(grid) <= budget:
        raise ValueError(f"{len(grid)} settings given, the budget is 1 to {budget}")
    risky = np.asarray(validation[1]) > 0
    if risky.all() or not risky.any():
        raise ValueError("validation labels must hold benign and risky rows")
    best: tuple[Rival, Trial] | None = None
    trials = []
    for options in grid:
        rival = factory(options).fit(*train, validation, seed)
        trial = Trial(dict(options), float(roc_auc_score(risky, rival.score(validation[0]))))
        trials.append(trial)
        if best is None or trial.auroc > best[1].auroc:
            best = rival, trial
    assert best is not None
    return Tuned(*best, tuple(trials))
