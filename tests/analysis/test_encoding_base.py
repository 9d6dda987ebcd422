from __future__ import annotations

import numpy as np

from soc_tui.analysis.encoding.base import MOST_FIELDS, named


def test_what_pushed_towards_risk_is_named_before_what_held_it_back() -> None:
    weights = np.array([[0.5, -3.0, 2.0, 0.0, -1.0], [1.0, 1.0, 0.1, -0.2, 5.0]])
    assert named(weights).tolist() == [[2, 0, 3, 1, 4], [4, 0, 1, 2, 3]]


def test_only_the_heaviest_are_named() -> None:
    weights = np.array([np.r_[np.full(4, -2.0), np.arange(1, 9) / 10, 3.0]])
    found = named(weights)[0].tolist()
    assert found == [12, 11, 0, 1, 2, 3]
    assert len(found) == MOST_FIELDS
