from __future__ import annotations

import numpy as np
import pytest

from soc_tui.analysis import cases


def test_chosen_cases_stand_for_every_cluster_of_every_class() -> None:
    rng = np.random.default_rng(2)
    centres = np.eye(6) * 100
    hidden = np.concatenate([centre + rng.normal(size=(200, 6)) for centre in centres]).astype(np.float32)
    group = np.repeat([0, 0, 0, 1, 1, -1], 200)  # the last cluster is left out
    chosen = cases.choose(hidden, group, 3, np.random.default_rng(1))
    clusters = chosen // 200
    assert sorted(set(clusters.tolist())) == [0, 1, 2, 3, 4]
    assert len(chosen) == 6
    assert (cases.choose(hidden, group, 3, np.random.default_rng(1)) == chosen).all()


def test_equal_examples_are_one_case() -> None:
    assert len(cases.choose(np.ones((50, 4), np.float32), np.zeros(50, np.int64), 24, np.random.default_rng(1))) == 1


def test_the_nearest_case_is_the_one_in_the_same_direction() -> None:
    known = np.array([[1, 0], [0, 2], [-1, 0]], np.float32)
    place, alike = cases.nearest(np.array([[5, 0.1], [0.1, 0.2], [0, 0]], np.float32), known)
    assert place[:2].tolist() == [0, 1]
    assert alike[0] == pytest.approx(1, abs=0.001)
    assert alike[1] == pytest.approx(0.2 / np.hypot(0.1, 0.2), abs=1e-6)
    assert alike[2] == 0
