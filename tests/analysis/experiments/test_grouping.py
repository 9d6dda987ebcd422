import numpy as np

from soc_tui.analysis.experiments.grouping import Grouping
from soc_tui.analysis.experiments.tables import Column

COLUMNS = (Column("bytes", "volume", 0), Column("flag", "state", 1, ("S0", "SF")), Column("rate", "volume", 3))


def rows(*values: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_numbers_fill_the_bins_below_them() -> None:
    train = rows(*[(float(np.expm1(k)), 1, 0, 0) for k in range(5)])
    group = Grouping(COLUMNS, train, bins=4)
    assert group.groups == ("volume", "state")
    assert group.tokens == 2
    assert group.spans == [(0, 0, 6), (1, 0, 2), (0, 6, 8)]  # edges 0, 1, 2, 3, 4 make 4 bins, then > 0 and the log
    made = group(rows((float(np.expm1(2.5)), 0, 1, 0)))
    assert made.shape == (1, 2, 8)
    assert np.allclose(made[0, 0, :5], [1, 1, 0.5, 0, 1], atol=1e-5)
    assert made[0, 1, :2].tolist() == [0, 1]


def test_extreme_and_unseen_values_stay_finite_and_bounded() -> None:
    train = rows(*[(float(k), 1, 0, k / 10) for k in range(10)])
    made = Grouping(COLUMNS, train)(rows((3e38, 0, 0, -5), (0, 0, 0, 0)))
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1.5  # the logarithm is cut off at three standard deviations, halved


def test_a_constant_column_gives_no_bins() -> None:
    group = Grouping((Column("none", "g", 0),), np.zeros((5, 1), np.float32))
    assert group.width == 2
    assert np.isfinite(group(np.ones((1, 1), np.float32))).all()
