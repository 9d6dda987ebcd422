"""The tuning budget: the best by validation AUROC, never more settings than allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the optional extra bench")

from benchmarks.rivals import RIVALS
from benchmarks.rivals.tuning import tune

ROWS = np.arange(20, dtype=np.float32)[:, None]
LABELS = (ROWS[:, 0] >= 10).astype(np.int64)


class Fixed:
    """Scores by a sign that its option names."""

    classifies = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.sign = options["sign"]

    def fit(self, rows: Any, labels: Any, validation: Any, seed: int) -> Self:
        self.seed = seed
        return self

    def score(self, rows: Any) -> Any:
        return 0.5 + self.sign * rows[:, 0].astype(float) / 100

    def classes(self, rows: Any) -> Any:
        raise ValueError("none")


def test_the_best_wins_and_every_trial_is_told() -> None:
    tuned = tune(Fixed, [{"sign": -1}, {"sign": 0}, {"sign": 1}, {"sign": 0.5}], (ROWS, LABELS), (ROWS, LABELS), 11)
    assert [trial.auroc for trial in tuned.trials] == [0.0, 0.5, 1.0, 1.0]
    assert tuned.best.options == {"sign": 1}  # the earlier of equals
    assert (tuned.rival.sign, tuned.rival.seed) == (1, 11)


def test_more_than_the_budget_is_refused() -> None:
    for grid in ([], [{"sign": 1}] * 5):
        with pytest.raises(ValueError, match="the budget is 1 to 4"):
            tune(Fixed, grid, (ROWS, LABELS), (ROWS, LABELS), 1)


def test_validation_of_one_side_is_refused() -> None:
    with pytest.raises(ValueError, match="benign and risky"):
        tune(Fixed, [{"sign": 1}], (ROWS, LABELS), (ROWS, LABELS * 0), 1)


def test_a_real_rival_is_tuned_over_its_grid() -> None:
    factory = RIVALS["logistic-regression"]
    tuned = tune(factory, factory.grid, (ROWS, LABELS), (ROWS, LABELS), 1)
    assert len(tuned.trials) == 4
    assert tuned.best.auroc == 1.0
    assert (tuned.rival.classes(ROWS) == LABELS).all()
