"""What makes each of the paper's four rivals what its paper says, not just a classifier."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the optional extra bench")

from benchmarks.rivals.amsom import LEAST, Amsom, Map
from benchmarks.rivals.ga_lr import GaLr
from benchmarks.rivals.ndae import Ndae
from benchmarks.rivals.pca_lstm import Network, PcaLstm


def noisy(count: int = 800) -> tuple[np.ndarray, np.ndarray]:
    """The label depends on the sum of features 0 to 3; 4 to 23 are noise."""
    rng = np.random.default_rng(5)
    rows = rng.normal(0, 1, (count, 24)).astype(np.float32)
    return rows, (rows[:, :4].sum(1) > 0).astype(np.int64)


def corner(rows: int = 1200) -> tuple[np.ndarray, np.ndarray]:
    """A long thin curve in three features: a fixed grid fits it badly, a growing one follows."""
    rng = np.random.default_rng(6)
    t = rng.uniform(0, 6, rows)
    points = np.stack([np.cos(t), np.sin(t), t / 6], 1) + rng.normal(0, 0.02, (rows, 3))
    return points.astype(np.float32), (t > 3).astype(np.int64)


def valid(made: Map) -> None:
    count = len(made)
    assert count >= LEAST
    assert made.positions.shape == (count, 2)
    assert made.edges.shape == made.ages.shape == (count, count)
    assert made.idle.shape == (count,)
    assert np.array_equal(made.edges, made.edges.T)
    assert not made.edges.diagonal().any()
    assert np.isfinite(made.weights).all()
    assert np.isfinite(made.positions).all()


def test_ga_keeps_what_counts_and_drops_noise() -> None:
    rows, labels = noisy()
    rival = GaLr(population=16, generations=12, sample=400, few=0.1).fit(rows, labels, None, 1)
    assert rival.selected.shape == (24,)
    assert rival.selected[:4].all()
    assert rival.selected[4:].sum() <= 5
    assert rival.best == sorted(rival.best)
    assert rival.best[-1] > rival.best[0]
    # what is not selected cannot matter
    changed = rows.copy()
    changed[:, ~rival.selected] = 1000
    assert np.array_equal(rival.score(changed), rival.score(rows))


def test_ga_can_end_with_the_trees_of_its_paper() -> None:
    rows, labels = noisy()
    rival = GaLr(population=6, generations=2, sample=300, classifier="tree").fit(rows, labels, None, 1)
    assert type(rival._final).__name__ == "DecisionTreeClassifier"
    with pytest.raises(ValueError, match="logistic or tree"):
        GaLr(classifier="forest")


def test_ga_judges_on_rows_that_it_did_not_learn_from() -> None:
    risky = np.arange(1000) % 10 == 0
    learn, judge = GaLr(sample=200)._halves(risky, np.random.default_rng(0))
    assert len(learn) == len(judge) == 200
    assert not set(learn) & set(judge)
    assert risky[learn].sum() == risky[judge].sum() == 20


def test_ga_with_a_single_risky_row() -> None:
    rows, _ = noisy(50)
    labels = np.zeros(50, np.int64)
    labels[7] = 1
    rival = GaLr(population=4, generations=1, sample=20).fit(rows, labels, None, 1)
    assert rival.score(rows).argmax() == 7


def test_pca_lstm_reads_the_strongest_components_in_steps() -> None:
    rows, labels = noisy()
    rival = PcaLstm(components=10, steps=4, hidden=8, epochs=1).fit(rows, labels, None, 1)
    assert rival._pca.n_components_ == 10
    assert (np.diff(rival._pca.explained_variance_) <= 0).all()
    assert (rival._network.steps, rival._network.piece) == (4, 3)  # 4 x 3: two padded
    assert rival._network.lstm.input_size == 3


def test_pca_lstm_keeps_no_more_components_than_there_are() -> None:
    rows, labels = noisy()
    rival = PcaLstm(components=99, steps=99, hidden=8, epochs=1).fit(rows[:, :5], labels, None, 1)
    assert rival._pca.n_components_ == 5
    assert isinstance(rival._network, Network)
    assert (rival._network.steps, rival._network.piece) == (5, 1)


def test_pca_lstm_stops_when_validation_gets_no_better() -> None:
    rows, labels = noisy()
    wrong = (rows, 1 - labels)  # the better it learns, the worse this part looks
    stopped = PcaLstm(components=10, epochs=30, batch=64).fit(rows, labels, wrong, 1)
    free = PcaLstm(components=10, epochs=5, batch=64).fit(rows, labels, None, 1)
    assert np.abs(stopped.score(rows) - 0.5).mean() < np.abs(free.score(rows) - 0.5).mean()


def test_ndae_rebuilds_better_than_the_mean_and_is_not_symmetric() -> None:
    rng = np.random.default_rng(2)
    hidden = rng.uniform(-1, 1, (600, 2))
    rows = np.tanh(hidden @ rng.normal(0, 1.5, (2, 12))).astype(np.float32)
    labels = (hidden[:, 0] > 0).astype(np.int64)
    rival = Ndae(epochs=80, batch=64, rate=0.01, trees=10).fit(rows, labels, None, 1)
    scaled, rebuilt = rival.reconstruction(rows)
    assert ((scaled - rebuilt) ** 2).mean() < 0.25 * ((scaled - scaled.mean(0)) ** 2).mean()
    first, second = rival._stack
    assert [layer.out_features for layer in first.layers] == [14, 28, 28]
    assert (first.output.in_features, first.output.out_features) == (28, 12)
    assert (second.layers[0].in_features, second.output.out_features) == (28, 28)
    assert rival.codes(rows).shape == (600, 28)


def test_ndae_code_does_not_depend_on_labels() -> None:
    rows, labels = noisy(200)
    one = Ndae(epochs=2, trees=5).fit(rows, labels, None, 1).codes(rows)
    other = Ndae(epochs=2, trees=5).fit(rows, np.roll(labels, 1), None, 1).codes(rows)
    assert np.array_equal(one, other)


def test_amsom_grows_moves_and_fits_better_for_it() -> None:
    rows, labels = corner()
    grown = Amsom(side=4, most=60, spread=0.9, epochs=20).fit(rows, labels, None, 1)
    fixed = Amsom(side=4, most=16, spread=0.9, epochs=20).fit(rows, labels, None, 1)
    valid(grown.map)
    valid(fixed.map)
    assert 16 < len(grown.map) <= 60
    assert len(fixed.map) <= 16
    assert grown.history[-1]["error"] < 0.7 * fixed.history[-1]["error"]
    assert sum(epoch["came"] for epoch in grown.history) > 0
    assert all(epoch["came"] == epoch["went"] == 0 for epoch in grown.history[-4:])  # the smoothing phase
    assert not np.array_equal(fixed.map.positions, np.round(fixed.map.positions))  # off the grid


def test_amsom_grows_less_with_a_smaller_spread() -> None:
    rows, labels = corner()
    sizes = [len(Amsom(side=4, most=200, spread=spread).fit(rows, labels, None, 1).map) for spread in (0.05, 0.95)]
    assert sizes[0] < sizes[1]


def square() -> Map:
    """Four neurons in a square of side one, each with two edges."""
    return Map(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), 2, np.random.default_rng(0))


def test_map_finds_first_and_second() -> None:
    made = square()
    made.weights = np.array([[0.0, 0], [0, 1], [1, 0], [4, 4]])
    near, distance = made.nearest(np.array([[0.0, 0.9], [4, 4]], np.float32), 2)
    assert near.tolist() == [[1, 0], [3, 1]] or near.tolist() == [[1, 0], [3, 2]]
    assert np.allclose(distance, [[0.1, 0.9], [0, 5]], atol=1e-3)


def test_map_edges_age_are_renewed_and_go() -> None:
    made = square()
    pairs = np.zeros((4, 4), bool)
    pairs[0, 3] = pairs[3, 0] = True  # the diagonal won
    made.renew(pairs, np.array([1.0, 0, 0, 1]), oldest=0)
    assert np.argwhere(np.triu(made.edges)).tolist() == [[0, 3]]
    assert made.idle.tolist() == [0, 1, 1, 0]


def test_map_prunes_the_idle_but_never_below_the_least() -> None:
    made = square()
    made.idle[:] = [0, 9, 0, 0]
    assert made.prune(3) == 0  # three are no map
    assert len(made) == 4
    made._add(0, 1, np.random.default_rng(0))
    valid(made)
    assert len(made) == 5
    assert made.prune(3) == 1
    valid(made)
    assert len(made) == 4


def test_map_grows_between_the_worst_and_its_farthest_neighbour() -> None:
    made = square()
    made.weights = np.array([[0.0, 0], [0, 1], [5, 0], [5, 5]])
    assert made.grow(np.array([9.0, 1, 1, 1]), 2.0, 3, np.random.default_rng(0)) == 1
    valid(made)
    assert made.weights[-1].tolist() == [2.5, 0]
    assert not made.edges[0, 2]
    assert np.flatnonzero(made.edges[-1]).tolist() == [0, 2]
    assert np.allclose(made.positions[-1], [0.5, 0], atol=0.1)


def test_map_positions_follow_similar_weights() -> None:
    made = square()
    made.weights = np.array([[0.0, 0], [0.1, 0], [5, 0], [5.1, 0]])  # 0 is like 1, not like 2
    made.move(np.ones(4), 0.5)
    gap = np.linalg.norm(made.positions[0] - made.positions[1]), np.linalg.norm(made.positions[0] - made.positions[2])
    assert gap[0] < gap[1]
    valid(made)


def test_amsom_of_equal_rows_and_of_fewer_rows_than_neurons() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1])
    same = Amsom(side=4, epochs=5).fit(np.ones((6, 3), np.float32), labels, None, 1)
    valid(same.map)
    assert np.allclose(same.score(np.ones((1, 3), np.float32)), 0.5)
    with pytest.raises(ValueError, match="spread"):
        Amsom(spread=1.0)
