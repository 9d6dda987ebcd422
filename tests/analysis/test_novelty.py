import numpy as np
import pytest

from soc_tui.analysis.novelty import Distance, Neighbours, Rarity, combine


def test_a_combination_that_never_occurs_is_far_though_each_value_is_common() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, 2000).astype(np.float32)
    benign = np.stack([x, x], 1).reshape(-1, 1, 2)  # the two always agree
    distance = Distance.fit(benign, kept=1)
    agree, differ = distance(np.array([[[1, 1]], [[1, 0]]], np.float32))
    assert np.exp(agree) == pytest.approx(1e-3, rel=0.05)  # the floor: on the line on which benign rows lie
    assert np.exp(differ) == pytest.approx(0.5, rel=0.05)  # (1, 0) is sqrt(1/2) from it


def test_distance_survives_extreme_rows() -> None:
    distance = Distance.fit(np.random.default_rng(1).normal(size=(50, 2, 3)))
    assert np.isfinite(distance(np.full((2, 2, 3), 1e100))).all()
    assert distance(np.empty((0, 2, 3))).shape == (0,)


def test_the_third_nearest_benign_row_counts() -> None:
    benign = np.array([[0], [0], [0], [10], [10]], np.float32)
    near, lonely = np.exp(Neighbours.fit(benign, 1)(np.array([[0], [10]], np.float32))) - 1e-3
    assert near == pytest.approx(0, abs=1e-4)
    assert lonely == pytest.approx(100, rel=1e-4)
    assert len(Neighbours.fit(benign, 1, remembered=3).benign) == 3
    with pytest.raises(ValueError, match="too few"):
        Neighbours.fit(benign[:2], 1)


def test_rarity_is_the_share_of_benign_rows_as_high_and_rises_beyond_them_by_a_limit() -> None:
    rarity = Rarity.fit(np.arange(100)[::-1])
    low, middle, top, past, far = rarity(np.array([-5.0, 50, 99, 101, 1e9]))
    assert low == pytest.approx(-np.log(100.5 / 101))
    assert middle == pytest.approx(-np.log(50.5 / 101))
    assert top == pytest.approx(-np.log(1.5 / 101))
    assert past == pytest.approx(-np.log(0.5 / 101) + 2 / 5)  # the 95th percentile is 94, a step 5
    assert far == pytest.approx(-np.log(0.5 / 101) + Rarity.BEYOND)


def test_opinions_are_averaged_into_a_risk_below_one() -> None:
    risk = combine([np.array([0.0, 2.0, 1e9]), np.array([0.0, 4.0, 1e9])])
    assert risk[0] == 0
    assert risk[1] == pytest.approx(1 - np.exp(-3))
    assert risk[2] <= 1


def test_no_benign_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="spread"):
        Distance.fit(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="benign"):
        Rarity.fit(np.empty(0))
