"""AMSOM: a self-organising map whose neurons move, appear and disappear, with labels read off the map.

Source: G. Spanakis, G. Weiss, "AMSOM: Adaptive Moving Self-organizing Map for Clustering and Visualization", ICAART 2016
(arXiv 1605.06047).

As in the paper: batch training in epochs. Neurons have a weight vector in the feature space and a position on the map; edges
join neighbours, start as a grid, and have an age. In each epoch the winner and the second best of each row renew the edge
between them and old edges go; weights become the mean of the rows, weighted by the neighbourhood of positions; positions
move towards the neurons whose weights are near; a neuron that collects too much quantisation error makes a new one, and a
neuron that has not won, or has lost all its edges, for too long is removed. A last phase smooths: no growth, no removal, a
small neighbourhood.

Decided: ages count epochs; a neuron moves towards its connected neighbours only, and positions are rescaled to keep the
mean edge at length one, because otherwise the map shrinks and every neighbourhood becomes the whole map; the growth
threshold is -ln(spread) times the mean error of a neuron in the first epoch, because a plain sum grows with the rows; a new
neuron stands halfway between the one in need and its farthest neighbour (as growing neural gas does), at most a tenth more
neurons an epoch; the first epochs only unfold the map, without growth or removal. The map learns from a seeded subsample of rows scaled to [0, 1]. It is unsupervised: afterwards all
training rows are given to their winners, and a row's class probabilities are those of its three nearest neurons by inverse
distance, each smoothed with the overall shares of the classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import MinMaxScaler

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic, chunks

GRID: list[dict[str, Any]] = [
    {},
    {"spread": 0.9},
    {"side": 12, "most": 400},
    {"side": 8, "most": 256, "spread": 0.9},
]
NEAREST = 3
LEAST = 4
"""Fewer neurons than this are no map; removal stops there."""
Floats = NDArray[np.float64]


class Map:
    """Neurons: weights (m, F), positions (m, 2), edges (m, m) with ages, and epochs without a win."""

    def __init__(self, rows: Rows, side: int, rng: np.random.Generator) -> None:
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1).reshape(-1, 2)  # (m, 2)
        self.positions: Floats = grid.astype(np.float64)
        self.weights: Floats = rows[rng.choice(len(rows), len(grid), replace=len(rows) < len(grid))].astype(np.float64)
        self.edges: NDArray[np.bool_] = np.abs(grid[:, None] - grid[None]).sum(2) == 1  # four neighbours each
        self.ages: NDArray[np.int64] = np.zeros(self.edges.shape, np.int64)
        self.idle: NDArray[np.int64] = np.zeros(len(grid), np.int64)

    def __len__(self) -> int:
        return len(self.weights)

    def nearest(self, rows: Rows, count: int) -> tuple[Labels, Floats]:
        """The ``count`` nearest neurons of each row, nearest first: indices and distances, both (n, count)."""
        squared = (
            (rows**2).sum(1, keepdims=True) + (self.weights**2).sum(1) - 2 * rows @ self.weights.T.astype(np.float32)
        )
        few = np.argpartition(squared, count - 1, 1)[:, :count] if count < len(self) else np.argsort(squared, 1)
        distance = np.take_along_axis(squared, few, 1)
        order = np.argsort(distance, 1, kind="stable")
        found = np.take_along_axis(distance, order, 1).clip(0)
        return np.take_along_axis(few, order, 1), np.sqrt(found.astype(np.float64))

    def assign(self, rows: Rows) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """One look at all rows: sums (m, F), wins (m,), errors (m,) and the pairs (m, m) that were first and second."""
        sums, wins, errors = np.zeros_like(self.weights), np.zeros(len(self)), np.zeros(len(self))
        pairs = np.zeros_like(self.edges)
        for part in chunks(rows):
            near, distance = self.nearest(part, 2)
            first = near[:, 0]
            wins += np.bincount(first, minlength=len(self))
            errors += np.bincount(first, distance[:, 0], minlength=len(self))
            order = np.argsort(first, kind="stable")
            there, starts = np.unique(first[order], return_index=True)
            sums[there] += np.add.reduceat(part[order].astype(np.float64), starts)
            pairs[first, near[:, 1]] = True
        return sums, wins, errors, pairs | pairs.T

    def renew(self, pairs: NDArray[np.bool_], wins: Floats, oldest: int) -> None:
        """Edges age by an epoch, those of winning pairs are new again, old ones go; idle neurons are counted."""
        self.ages = np.where(pairs, 0, self.ages + 1)
        self.edges = (self.edges | pairs) & (self.ages <= oldest)
        np.fill_diagonal(self.edges, False)
        self.idle = np.where(wins > 0, 0, self.idle + 1)

    def learn(self, sums: Floats, wins: Floats, width: float) -> None:
        """Batch rule: each weight becomes the mean of the rows, weighted by a Gaussian of the distance on the map."""
        near = np.exp(-_squares(self.positions) / (2 * width**2))  # (m, m)
        mass = near @ wins  # (m,)
        moved = mass > 1e-12
        self.weights[moved] = (near @ sums)[moved] / mass[moved, None]

    def move(self, wins: Floats, rate: float) -> None:
        """Positions go towards connected neurons by how near their weights are and how often they win."""
        apart = _squares(self.weights)
        scale = apart[self.edges].mean() if self.edges.any() else 1.0
        pull = np.where(self.edges, np.exp(-apart / (2 * max(scale, 1e-12))), 0.0) * (wins + 1)  # (m, m)
        total = pull.sum(1, keepdims=True)
        target = np.divide(pull @ self.positions, total, out=self.positions.copy(), where=total > 0)
        self.positions += rate * (target - self.positions)
        lengths = np.sqrt(_squares(self.positions)[self.edges])
        if lengths.size and lengths.mean() > 0:
            self.positions /= lengths.mean()

    def grow(self, errors: Floats, threshold: float, room: int, rng: np.random.Generator) -> int:
        """New neurons beside those with more error than the threshold, the worst first; how many came."""
        came = 0
        for worst in np.argsort(-errors, kind="stable")[:room]:
            neighbours = np.flatnonzero(self.edges[worst])
            if errors[worst] <= threshold or not len(neighbours):
                continue
            other = neighbours[((self.weights[neighbours] - self.weights[worst]) ** 2).sum(1).argmax()]
            self._add(int(worst), int(other), rng)
            came += 1
        return came

    def _add(self, a: int, b: int, rng: np.random.Generator) -> None:
        """A neuron halfway between two connected ones; it takes over their edge."""
        between = self.positions[[a, b]].mean(0) + rng.normal(0, 0.01, 2)  # no two neurons on one spot
        self.positions = np.concatenate([self.positions, between[None]])
        self.weights = np.concatenate([self.weights, self.weights[[a, b]].mean(0)[None]])
        self.idle = np.append(self.idle, 0)
        self.edges, self.ages = np.pad(self.edges, (0, 1)), np.pad(self.ages, (0, 1))
        self.edges[a, b] = self.edges[b, a] = False
        self.edges[-1, [a, b]] = self.edges[[a, b], -1] = True

    def prune(self, patience: int) -> int:
        """Neurons idle for longer than ``patience`` epochs, or without edges and wins, go; how many went."""
        gone = (self.idle > patience) | (~self.edges.any(1) & (self.idle > 0))
        if len(self) - gone.sum() < LEAST:
            return 0
        stay = ~gone
        self.positions, self.weights, self.idle = self.positions[stay], self.weights[stay], self.idle[stay]
        self.edges, self.ages = self.edges[np.ix_(stay, stay)], self.ages[np.ix_(stay, stay)]
        return int(gone.sum())


class Amsom(Probabilistic):
    """The map with the classes of its neurons.

    Args:
        side: the first grid has side x side neurons.
        most: growth stops at this many neurons.
        spread: in (0, 1); nearer to 1 means a lower threshold, so more growth.
        epochs: training epochs; the last fifth smooths.
        oldest: epochs that an unused edge or an idle neuron lives.
        rate: how far positions move in the first epoch, as a share of the way; it falls to zero.
        sample: rows that the map learns from.
    """

    def __init__(
        self,
        side: int = 20,
        most: int = 900,
        spread: float = 0.7,
        epochs: int = 30,
        oldest: int = 3,
        rate: float = 0.1,
        sample: int = 40_000,
    ) -> None:
        super().__init__()
        if not 0 < spread < 1 or side < 2:
            raise ValueError(f"spread is within (0, 1) and side at least 2, not {spread} and {side}")
        self._side, self._most, self._spread, self._epochs = side, most, spread, epochs
        self._oldest, self._rate, self._sample = oldest, rate, sample
        self.history: list[dict[str, float]] = []
        """For each epoch: neurons, came, went, and the mean quantisation error of a row before its changes."""

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._scale = MinMaxScaler(clip=True).fit(rows)
        scaled: Rows = self._scale.transform(rows)
        some = scaled[rng.choice(len(scaled), min(self._sample, len(scaled)), replace=False)]
        self.map = self._organise(some, rng)
        counts = np.zeros((len(self.map), int(targets.max()) + 1))  # (m, C)
        for part, labels in zip(chunks(scaled), chunks(targets), strict=True):
            np.add.at(counts, (self.map.nearest(part, 1)[0][:, 0], labels), 1)
        counts += counts.sum(0) / counts.sum()
        self._shares = counts / counts.sum(1, keepdims=True)

    def _organise(self, rows: Rows, rng: np.random.Generator) -> Map:
        """The trained map of scaled rows (n, F)."""
        made = Map(rows, self._side, rng)
        smoothing = self._epochs - self._epochs // 5
        threshold, self.history = 0.0, []
        for epoch in range(self._epochs):
            done = min(1.0, epoch / max(1, smoothing))
            sums, wins, errors, pairs = made.assign(rows)
            if epoch == 0:
                threshold = -np.log(self._spread) * errors.sum() / len(made)
            made.renew(pairs, wins, self._oldest)
            made.learn(sums, wins, (self._side / 3) ** (1 - done) * 0.3**done)  # from a third of the map to one neuron
            came = went = 0
            if epoch < smoothing:
                made.move(wins, self._rate * (1 - done))
                if epoch >= smoothing // 4:  # weights unfold first: a wide neighbourhood leaves all erring, many idle
                    room = min(self._most - len(made), max(1, len(made) // 10))
                    came = made.grow(errors, threshold, max(0, room), rng)
                    went = made.prune(self._oldest)
                else:
                    made.idle[:] = 0
            self.history.append({"neurons": len(made), "came": came, "went": went, "error": errors.sum() / len(rows)})
        return made

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        near, distance = self.map.nearest(self._scale.transform(rows), min(NEAREST, len(self.map)))
        pull = 1 / (distance + 1e-3)  # (n, k)
        pull /= pull.sum(1, keepdims=True)
        chance: Floats = (self._shares[near] * pull[:, :, None]).sum(1)  # (n, C)
        return chance


def _squares(points: Floats) -> Floats:
    """Squared distances (m, m) between points (m, K)."""
    norms = (points**2).sum(1)
    squares: Floats = (norms[:, None] + norms[None] - 2 * points @ points.T).clip(0)
    return squares
