"""What every rival promises, on small data whose answer is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the optional extra bench")
pytest.importorskip("lightgbm", reason="needs the optional extra bench")

from sklearn.metrics import roc_auc_score

from benchmarks.rivals import PAPER, RIVALS, Rival

SMALL: dict[str, dict[str, Any]] = {
    "ga-lr": {"population": 8, "generations": 4, "sample": 300},
    "pca-lstm": {"components": 10, "steps": 5, "hidden": 16, "epochs": 20, "batch": 64, "rate": 0.01},
    "ndae": {"epochs": 25, "batch": 64, "rate": 0.01, "trees": 20},
    "amsom": {"side": 5, "most": 40, "epochs": 10},
    "lightgbm": {"trees": 20, "leaves": 7},
    "random-forest": {"trees": 20},
    "logistic-regression": {},
    "isolation-forest": {"trees": 50},
}


def table(seed: int = 0, count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Three blobs in ten features: benign around 0, class 2 shifted in two features, class 5 in two others."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 0, 2, 5], count).astype(np.int64)
    rows = rng.normal(0, 1, (count, 10))
    rows[labels == 2, :2] += 6
    rows[labels == 5, 2:4] -= 6
    return rows.astype(np.float32), labels


def trained(name: str, seed: int = 3, binary: bool = False) -> Rival:
    rows, labels = table()
    held_rows, held_labels = table(1, 200)
    if binary:
        labels, held_labels = (labels > 0).astype(np.int64), (held_labels > 0).astype(np.int64)
    return RIVALS[name](SMALL[name]).fit(rows, labels, (held_rows, held_labels), seed)


def test_the_paper_has_four_and_every_rival_is_named() -> None:
    assert set(SMALL) == set(RIVALS)
    assert PAPER == ("ga-lr", "pca-lstm", "ndae", "amsom")


def test_the_list_imports_no_library() -> None:
    code = "import sys, benchmarks.rivals; print(sorted({'sklearn', 'lightgbm', 'torch'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", RIVALS)
def test_learns_what_is_separable_and_repeats_itself(name: str) -> None:
    rows, labels = table(2)
    rival = trained(name)
    risk = rival.score(rows)
    assert risk.dtype == np.float64
    assert risk.shape == (600,)
    assert risk.min() >= 0
    assert risk.max() <= 1
    assert roc_auc_score(labels > 0, risk) > (0.98 if rival.classifies else 0.9)
    assert np.array_equal(risk, trained(name).score(rows))
    if rival.classifies:
        named = rival.classes(rows)
        assert named.dtype == np.int64
        assert set(named) == {0, 2, 5}
        assert (named == labels).mean() > 0.95
    else:
        with pytest.raises(ValueError, match="knows no classes"):
            rival.classes(rows)


@pytest.mark.parametrize("name", RIVALS)
def test_binary_labels_and_absurd_rows(name: str) -> None:
    rival = trained(name, binary=True)
    rows = np.array([[0.0] * 10, [1e9] * 10, [-1e9] * 10, [3.4e38] * 10], np.float32)
    risk = rival.score(rows)
    assert np.isfinite(risk).all()
    assert risk.min() >= 0
    assert risk.max() <= 1
    assert rival.score(rows[:0]).shape == (0,)
    assert rival.score(rows[:1])[0] == pytest.approx(risk[0], abs=1e-5)  # the batch may change the order of sums


@pytest.mark.parametrize("name", RIVALS)
def test_labels_and_rows_that_teach_nothing_are_refused(name: str) -> None:
    rows, labels = table(0, 40)
    rival = RIVALS[name](SMALL[name])
    for one in (0, 5):
        with pytest.raises(ValueError, match=rf"one class only \(\[{one}\]\)"):
            rival.fit(rows, np.full(40, one), None, 3)
    with pytest.raises(ValueError, match="must hold 0, benign"):
        rival.fit(rows, labels + 1, None, 3)
    with pytest.raises(ValueError, match="one whole number a row"):
        rival.fit(rows, labels[:-1], None, 3)
    rows[3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        rival.fit(rows, labels, None, 3)


@pytest.mark.parametrize("name", RIVALS)
def test_rows_of_another_width_and_unknown_settings_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="features"):
        trained(name).score(np.zeros((2, 9), np.float32))
    with pytest.raises(TypeError, match="colour"):
        RIVALS[name]({"colour": "blue"})


@pytest.mark.parametrize("name", RIVALS)
def test_score_before_fit_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="fit comes before score"):
        RIVALS[name]().score(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("name", RIVALS)
def test_the_grid_is_within_the_budget_and_every_setting_exists(name: str) -> None:
    grid = RIVALS[name].grid
    assert 1 <= len(grid) <= 4
    assert len({repr(options) for options in grid}) == len(grid)
    for options in grid:
        RIVALS[name](options)


def test_another_seed_is_another_network() -> None:
    rows, _ = table(2)
    assert not np.array_equal(trained("pca-lstm", 3).score(rows), trained("pca-lstm", 4).score(rows))


def test_training_leaves_the_callers_random_numbers_and_threads_alone() -> None:
    import torch

    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    threads = torch.get_num_threads()
    trained("ndae")
    trained("pca-lstm")
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_validation_with_a_class_that_training_lacks() -> None:
    rows, labels = table()
    held_rows, held_labels = table(1, 200)
    held_labels[held_labels == 5] = 9
    rival = RIVALS["pca-lstm"](SMALL["pca-lstm"]).fit(rows, labels, (held_rows, held_labels), 3)
    assert set(rival.classes(rows)) == {0, 2, 5}
