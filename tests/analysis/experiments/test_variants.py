import numpy as np
import pytest

from soc_tui.analysis.experiments import protocol, variants
from tests.analysis.experiments.small import COLUMNS, part, table

QUICK = {"epochs": 3, "rows_per_epoch": 1000}


@pytest.mark.campaign
@pytest.mark.parametrize("name", list(variants.VARIANTS))
def test_every_variant_learns_the_made_up_rule(name: str) -> None:
    found = protocol.run(variants.contender(name, COLUMNS, [QUICK]), table(), {**QUICK, "epochs": 40}, 1, many=True)
    figures = found["tests"]["made up"]
    assert figures["auroc"] > 0.99
    assert figures["classes"]["accuracy"] > 0.9


def test_the_same_seed_gives_the_same_scores_and_members_are_averaged() -> None:
    learn, held = protocol.split(part(800, 1), 1)

    def scores(**options: int) -> np.ndarray:
        network = variants.Network(COLUMNS, {"skip": True}, **{**QUICK, **options})
        labels = [p.risky.astype(np.int64) for p in (learn, held)]
        return network.fit(learn.rows, labels[0], (held.rows, labels[1]), 4).score(held.rows)

    one = scores()
    assert np.array_equal(one, scores())
    assert not np.array_equal(one, scores(members=2))


def test_extreme_rows_get_a_score() -> None:
    learn, held = protocol.split(part(400, 1), 1)
    labels = [p.risky.astype(np.int64) for p in (learn, held)]
    network = variants.Network(COLUMNS, {}, **QUICK).fit(learn.rows, labels[0], (held.rows, labels[1]), 1)
    score = network.score(np.array([[3e38, 0, 0], [-3e38, 1, 1]], np.float32))
    assert ((score >= 0) & (score <= 1)).all()


def test_without_a_validation_part_it_does_not_train() -> None:
    rows = part(50, 1)
    with pytest.raises(ValueError, match="validation"):
        variants.Network(COLUMNS, {}).fit(rows.rows, rows.labels, None, 1)


class Tall:
    """A teacher that calls every row risky whose size is above 1,000."""

    def fit(self, rows: np.ndarray, labels: np.ndarray, validation: object, seed: int) -> "Tall":
        assert set(labels.tolist()) <= {0, 1}
        return self

    def score(self, rows: np.ndarray) -> np.ndarray:
        return (rows[:, 0] > 1000).astype(np.float64)

    def classes(self, rows: np.ndarray) -> np.ndarray:
        raise ValueError("not asked for")


def test_a_taught_network_learns_the_teachers_border_where_no_row_lies() -> None:
    learn, held = protocol.split(part(1200, 1, ("normal", "flood")), 1)
    labels = [p.risky.astype(np.int64) for p in (learn, held)]
    trees = {"lightgbm": lambda _: Tall()}
    network = variants.Network(COLUMNS, {}, taught=2.0, trees=trees, exchange=0.5, epochs=30)
    network.fit(learn.rows, labels[0], (held.rows, labels[1]), 1)
    assert (network.score(np.array([[6000, 0, 1], [100, 0, 1]], np.float32)) > 0.5).tolist() == [True, False]


class Contrary(Tall):
    """Calls risky what the other calls benign."""

    def score(self, rows: np.ndarray) -> np.ndarray:
        return 1 - super().score(rows)


def test_trees_are_heard_beside_the_network() -> None:
    learn, held = protocol.split(part(1200, 1, ("normal", "flood")), 1)
    labels = [p.risky.astype(np.int64) for p in (learn, held)]
    trees = {"lightgbm": lambda _: Tall(), "random-forest": lambda _: Contrary()}
    network = variants.Network(COLUMNS, {}, voices=("lightgbm", "random-forest"), trees=trees, novelty=True, epochs=3)
    network.fit(learn.rows, labels[0], (held.rows, labels[1]), 1)
    rows = np.array([[6000, 0, 1], [100, 0, 1]], np.float32)
    said = network._opinions(rows)
    assert len(said) == 5  # the network, two trees, two distances
    sure = np.log(9999)
    np.testing.assert_allclose(said[1:3], [[sure, -sure], [-sure, sure]], rtol=1e-6)
    score = network.score(rows)
    assert ((score >= 0) & (score < 1)).all()


def test_a_taught_network_without_a_teacher_does_not_train() -> None:
    rows = part(50, 1)
    with pytest.raises(ValueError, match="needs lightgbm"):
        variants.Network(COLUMNS, {}, taught=1.0).fit(rows.rows, rows.labels, (rows.rows, rows.labels), 1)
