from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis import figures


def _made(rows: int, shift: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    risky = rng.random(rows) < 0.4
    return 1 / (1 + np.exp(-(rng.normal(size=rows) + shift * risky))), risky


def test_intervals_hold_the_measured_figures_and_narrow_with_more_rows() -> None:
    widths = []
    for rows in (300, 30_000):
        score, risky = _made(rows, 2.0)
        measured, found = figures.measure(score, risky, 0.6), figures.intervals(score, risky, 0.6)
        assert set(found) == {"precision", "recall", "f1", "fpr", "auroc"}
        for name, interval in found.items():
            assert interval is not None
            assert interval[0] <= measured[name] + 0.002
            assert interval[1] >= measured[name] - 0.002
        widths.append(found["recall"][1] - found["recall"][0])
    # the standard error of a share falls with the root of the rows: 10 times here
    assert widths[0] / widths[1] == pytest.approx(10, rel=0.35)


def test_the_interval_of_a_recall_is_the_binomial_one() -> None:
    risky = np.ones(1000, bool)
    score = np.where(np.arange(1000) < 800, 0.9, 0.1)
    low, high = figures.intervals(score, risky, 0.5)["recall"]
    assert (low, high) == (pytest.approx(0.775, abs=0.006), pytest.approx(0.825, abs=0.006))
    assert figures.intervals(score, risky, 0.5)["fpr"] is None
    assert figures.intervals(score, risky, 0.5)["auroc"] is None


def test_intervals_repeat() -> None:
    score, risky = _made(500, 1.0)
    assert figures.intervals(score, risky, 0.5) == figures.intervals(score, risky, 0.5)


def test_reliability_of_honest_scores_and_of_boasting_ones() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(200_000)
    risky = rng.random(200_000) < score
    table, error = figures.reliability(score, risky, np.ones(200_000))
    assert len(table) == 10
    assert error < 0.01
    assert sum(row[2] for row in table) == pytest.approx(1, abs=1e-3)
    _, boasting = figures.reliability(np.where(score > 0.5, 0.99, 0.01), risky, np.ones(200_000))
    assert boasting == pytest.approx(0.24, abs=0.01)  # right three times in four, and sure


def test_a_recall_curve_tells_what_a_threshold_loses() -> None:
    odds = np.linspace(-5, 5, 1001)
    curve = figures.recall_curve(odds)
    assert len(curve) == figures.CURVE
    for at in (-6.0, -2.5, 0.0, 4.0, 6.0):
        assert figures.recall_at(curve, at) == pytest.approx((odds >= at).mean(), abs=0.002)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.floats(0, 1))
def test_figures_of_anything_are_figures(rows: list[tuple[float, bool]], threshold: float) -> None:
    score, risky = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    measured = figures.measure(score, risky, threshold)
    assert measured["rows"] == len(rows)
    for name, interval in figures.intervals(score, risky, threshold).items():
        assert (interval is None) or 0 <= interval[0] <= interval[1] <= 1, name
    table, error = figures.reliability(score, risky, np.ones(len(rows)))
    assert 0 <= error <= 1
    assert all(0 <= value <= 1.0001 for row in table for value in row)
