from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis import calibration, figures
from soc_tui.analysis.calibration import Calibration
from soc_tui.analysis.card import Card
from soc_tui.core.errors import ModelError


def _card(**changes: object) -> Card:
    fields = {
        "name": "flow", "classes": ("benign", "scan"), "architecture": {}, "threshold": 0.5, "threshold_source": "",
        "data": {}, "split": "", "seed": 1, "epochs": 1, "metrics": {}, "weights_sha256": "", "parameters": 0,
        "licence": "", "date": "", "version": "",
    }  # fmt: skip
    return Card(**{**fields, **changes})  # type: ignore[arg-type]


def test_fitting_finds_the_slope_and_offset_that_made_the_labels() -> None:
    rng = np.random.default_rng(5)
    raw = rng.normal(scale=4, size=100_000)
    risky = rng.random(100_000) < calibration.probability(0.5 * raw - 1)  # twice too sure, and too high
    fitted = calibration.fit(raw, risky, np.ones(len(raw)))
    assert (fitted.slope, fitted.offset) == (pytest.approx(0.5, abs=0.02), pytest.approx(-1, abs=0.03))
    before = figures.reliability(calibration.probability(raw), risky, np.ones(len(raw)))[1]
    after = figures.reliability(calibration.probability(fitted.log_odds(raw)), risky, np.ones(len(raw)))[1]
    assert after < 0.01 < 0.1 < before


@pytest.mark.parametrize("risky", [np.zeros(5, bool), np.ones(5, bool)])
def test_one_sided_data_calibrate_nothing(risky: np.ndarray) -> None:
    assert calibration.fit(np.arange(5.0), risky, np.ones(5)) == Calibration()


def test_separable_data_keep_a_finite_slope() -> None:
    raw = np.array([-20.0] * 50 + [20.0] * 50)
    fitted = calibration.fit(raw, raw > 0, np.ones(100))
    assert 0.05 <= fitted.slope < 10
    assert np.isfinite(fitted.offset)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.floats(-60, 60), st.booleans()), min_size=1, max_size=50))
def test_calibration_never_changes_the_order(rows: list[tuple[float, bool]]) -> None:
    raw, risky = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    fitted = calibration.fit(raw, risky, np.ones(len(rows)))
    assert fitted.slope > 0
    assert np.isfinite(fitted.log_odds(raw)).all()
    order = np.argsort(raw, kind="stable")
    assert (np.diff(fitted.log_odds(raw)[order]) >= 0).all()


def test_probabilities_do_not_overflow() -> None:
    assert calibration.probability(np.array([-1e9, 0.0, 1e9])).tolist() == [0.0, 0.5, 1.0]


def test_the_threshold_keeps_the_weighted_rate() -> None:
    score = np.concatenate([np.linspace(0.0, 0.95, 1000), np.full(50, 0.97)])
    risky = np.arange(1050) >= 1000
    weight = np.ones(1050)
    for rate in (0.001, 0.01, 0.05):
        at = calibration.threshold(score, risky, weight, rate)
        assert (score[~risky] >= at).mean() <= rate
    weight[:500] = 0  # the lower half counts for nothing: the share is of the upper half
    assert calibration.threshold(score, risky, weight, 0.1) == pytest.approx(0.9026, abs=0.002)


def test_the_threshold_has_bounds() -> None:
    easy = np.array([0.0] * 50 + [1.0] * 50)
    assert calibration.threshold(easy, easy > 0.5, np.ones(100), 0.01) == pytest.approx(0.9, abs=1e-5)
    hopeless = np.ones(100)
    assert calibration.threshold(hopeless, easy > 0.5, np.ones(100), 0.01) == calibration.HIGHEST
    quiet = np.full(100, 1e-9)
    assert calibration.threshold(quiet, easy > 0.5, np.ones(100), 0.01) == pytest.approx(0.5, abs=1e-5)


def test_a_card_tells_its_calibration() -> None:
    assert calibration.of_card(_card()) == Calibration()
    assert calibration.of_card(_card(calibration={"slope": 0.5, "offset": -1})) == Calibration(0.5, -1.0)
    for damaged in ({"slope": "x"}, {"bend": 1.0}, [1]):
        with pytest.raises(ModelError, match="damaged"):
            calibration.of_card(_card(calibration=damaged))
